"""Work in the background: done in turn, told, cancelled, cut short, repeated, at night, watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jinpai.jobs import Queue
from jinpai.jobs.batches import new_batch
from jinpai.jobs.supervisor import Supervisor
from jinpai.jobs.watch import Watcher
from jinpai.jobs.worker import Worker, is_working
from jinpai.service_terms import set_job_term
from jinpai.store import events_of, open_store
from jinpai.store.jobs import Job, add_job, cancel_job, claim, job_of, jobs_of, tell
from jinpai.workspace import Workspace
from jinpai.workspace_config import load_config
from web.small import messages, orders, small_shop


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_shop(tmp_path / "shop").root


@pytest.fixture
def worker(root: Path) -> Iterator[Worker]:
    made = Worker(root)
    yield made
    made.close()


@pytest.fixture
def queue(root: Path, worker: Worker) -> Iterator[Queue]:
    made = Queue(load_config(root), worker.store)
    yield made
    made.close()


def told(queue: Queue, job_id: int) -> Job:
    with queue.store.read() as session:
        return job_of(session, job_id)


def test_jobs_are_done_in_turn_and_a_failure_stops_no_other(queue: Queue, worker: Worker) -> None:
    wrong = queue.ask("run", {"shop": "none"}, by="lan")
    right = queue.ask("run", {"full": True}, by="lan")
    assert worker.drain() == 2
    failed, done = told(queue, wrong), told(queue, right)
    assert (failed.state, done.state) == ("failed", "done")
    assert "none" in (failed.error_zh or "")
    assert done.result is not None
    assert (done.result["mode"], done.share) == ("full", 1.0)
    assert failed.ended_at is not None
    assert done.began_at is not None
    assert failed.ended_at <= done.began_at
    assert Workspace(worker.root).lake.snapshot().run is not None


def test_messages_that_were_lost_are_sent_again(queue: Queue) -> None:
    with queue.store.write() as session:
        job_id = add_job(session, "run", {}, by="lan").id  # killed before its message was sent
    assert queue.remind() == 1
    assert queue.remind() == 0
    (message,) = queue.huey.pending()
    assert list(message.args) == [job_id]


def test_a_cancelled_run_stops_at_its_next_step_and_publishes_nothing(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue.ask("run", by="lan")

    def cancelled(session: Session, number: int, step: str, share: float | None) -> bool:
        cancel_job(session, number, by="lan")
        return tell(session, number, step, share)

    monkeypatch.setattr("jinpai.jobs.worker.tell", cancelled)
    worker.drain()
    assert told(queue, job_id).state == "cancelled"
    assert Workspace(worker.root).lake.snapshot().run is None
    monkeypatch.undo()
    again = queue.retry(job_id, by="lan")
    worker.drain()
    assert told(queue, again).state == "done"


def test_a_worker_that_has_to_stop_puts_its_job_back(
    queue: Queue, worker: Worker, root: Path
) -> None:
    job_id = queue.ask("run", by="lan")
    worker.stop()
    worker.work(job_id)
    assert told(queue, job_id).state == "queued"
    other = Worker(root)
    assert other.drain() == 1
    other.close()
    assert told(queue, job_id).state == "done"


def test_a_look_does_not_wait_for_a_run(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = threading.Event(), threading.Event()

    def doing(kind: str, *_: object) -> dict[str, object]:
        if kind == "run":
            began.set()
            assert may_end.wait(60)
        return {}

    monkeypatch.setattr("jinpai.jobs.worker.do", doing)
    first, second, look = (queue.ask(kind, by="lan") for kind in ("run", "run", "look"))
    at_work = threading.Thread(target=worker.work, args=(first,))
    at_work.start()
    assert began.wait(60)
    worker.work(second)
    worker.work(look)
    assert [told(queue, one).state for one in (first, second, look)] == [
        "running",
        "queued",
        "done",
    ]
    may_end.set()
    at_work.join(60)
    # Its message came while the first was at work, and is not needed again.
    assert [told(queue, one).state for one in (first, second)] == ["done", "done"]


def test_a_nightly_run_yields_to_everything_and_nothing_else_does(
    queue: Queue, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def doing(*_: object) -> dict[str, object]:
        seen.append(os.sched_getscheduler(0))
        return {}

    monkeypatch.setattr("jinpai.jobs.worker.do", doing)
    for who in ("lan", "nightly", "lan"):
        queue.ask("run", by=who)
    assert worker.drain() == 3
    assert seen == [os.SCHED_OTHER, os.SCHED_IDLE, os.SCHED_OTHER]


def test_what_a_dead_worker_left_is_marked(queue: Queue, worker: Worker) -> None:
    left, waits = queue.ask("run", by="lan"), queue.ask("run", by="lan")
    with queue.store.write() as session:
        assert claim(session, left)
    worker.drain()
    assert (told(queue, left).state, told(queue, waits).state) == ("interrupted", "done")


def test_each_night_one_run(queue: Queue, worker: Worker, root: Path) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    day = datetime.now(zone) - timedelta(days=1)
    night = day.replace(hour=2, minute=30, second=0, microsecond=0)
    assert not worker.is_night(night)
    set_job_term(root, "nightly", "02:30")
    assert [worker.is_night(night.replace(hour=hour)) for hour in (0, 2, 7, 9, 23)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    worker.every_minute(night)
    worker.every_minute(night + timedelta(minutes=1))
    with queue.store.read() as session:
        (job,) = jobs_of(session)
    assert (job.kind, job.asked_by) == ("run", "nightly")
    assert job.asked_at <= datetime.now(UTC)


def test_what_jobs_kept_goes_after_a_month_and_files_nobody_loads_after_a_week(
    worker: Worker, root: Path
) -> None:
    kept, gone = root / "jobs" / "8", root / "jobs" / "7"
    fresh, stale = (new_batch(root).folder for _ in range(2))
    for folder, days in ((kept, 29), (gone, 31), (fresh, 6), (stale, 8)):
        folder.mkdir(parents=True, exist_ok=True)
        at = time.time() - days * 86400
        os.utime(folder, (at, at))
    worker.every_minute()
    assert [one.exists() for one in (kept, gone, fresh, stale)] == [True, False, True, False]


def test_what_is_dropped_is_imported_and_moved(queue: Queue, worker: Worker, root: Path) -> None:
    folder = root / "drop"
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "orders.csv").write_text(orders(3), "utf-8")
    (folder / "broken.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (folder / "at work.csv.part").write_text("half", "utf-8")
    watcher = Watcher(root, folder, queue, quiet=0.0)
    assert len(watcher.once()) == 2
    assert watcher.once() == []
    worker.drain()
    names = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())
    assert [name.partition("/")[0] for name in names] == [
        "at work.csv.part",
        "done",
        "failed",
        "failed",
    ]
    note = next(folder.glob("failed/*.note.txt")).read_text("utf-8")
    assert "broken.xlsx" in note
    with queue.store.read() as session:
        assert {(job.asked_by, job.state) for job in jobs_of(session)} == {
            ("watch", "done"),
            ("watch", "failed"),
        }
    assert len(Workspace(root).lake.snapshot().files("orders")) >= 1


def test_a_store_that_fails_once_does_not_end_the_watching(
    root: Path, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / "drop"
    folder.mkdir()
    (folder / "orders.csv").write_text(orders(3), "utf-8")
    asked, ask = list[str](), queue.ask

    def fails_once(kind: str, *rest: Any, **named: Any) -> int:
        asked.append(kind)
        if len(asked) == 1:
            raise OperationalError("select 1", {}, Exception("database is locked"))
        return ask(kind, *rest, **named)

    monkeypatch.setattr(queue, "ask", fails_once)
    watcher = Watcher(root, folder, queue, quiet=0.0, pause=0.01)
    watcher.start()
    until = time.monotonic() + 20
    while len(asked) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    watcher.stop()
    assert asked[:2] == ["import", "import"]
    with queue.store.read() as session:
        assert [job.kind for job in jobs_of(session)] == ["import"]


def test_a_worker_that_dies_is_started_again_and_stopped_with_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper = Supervisor("nowhere")
    monkeypatch.setattr("jinpai.jobs.supervisor._WAITS", (0.05,))
    monkeypatch.setattr(keeper, "_command", [sys.executable, "-c", "import time; time.sleep(600)"])
    keeper.start()
    seen: list[int] = []
    end = time.monotonic() + 120
    while len(seen) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
        if keeper.pid is not None and keeper.pid not in seen:
            seen.append(keeper.pid)
            if len(seen) == 1:
                os.kill(keeper.pid, signal.SIGKILL)
    keeper.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(seen[1], 0)


def test_a_worker_whose_server_was_killed_before_it_began_ends(root: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-m", "jinpai", "jobs", "work", str(root)]
    orphan = subprocess.Popen([*command, "--parent", str(gone.pid)], stderr=subprocess.DEVNULL)
    try:
        assert orphan.wait(120) == 0
    finally:
        orphan.kill()


def wait_for(queue: Queue, job_id: int, *states: str) -> str:
    end = time.monotonic() + 120
    while (state := told(queue, job_id).state) not in states:
        assert time.monotonic() < end, state
        time.sleep(0.05)
    return state


def test_a_worker_of_its_own_goes_on_where_a_killed_one_was(
    queue: Queue, worker: Worker, root: Path
) -> None:
    """Two workers at once: the second waits for the first, and takes over when it is killed."""
    (root / "late.csv").write_text(messages(4), "utf-8")
    command = [sys.executable, "-m", "jinpai", "jobs", "work", str(root)]
    first = second = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        job_id = queue.ask("run", by="lan")
        wait_for(queue, job_id, "running", "done")
        assert is_working(root)
        second = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        first.send_signal(signal.SIGKILL)
        first.wait()
        after = queue.ask("import", {"paths": [str(root / "late.csv")]}, by="lan")
        assert wait_for(queue, after, "done", "failed") == "done"
        assert told(queue, job_id).state in ("interrupted", "done")
        second.terminate()
        assert second.wait(60) == 0
    finally:
        for one in (first, second):
            if one.poll() is None:
                os.kill(one.pid, signal.SIGKILL)
    assert not is_working(root)
    with open_store(root) as store, store.read() as session:
        kinds = [event.kind for event in events_of(session, f"job:{after}")]
    assert kinds == ["job.done", "job.asked"]
