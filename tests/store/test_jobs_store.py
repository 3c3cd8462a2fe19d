"""Jobs in the store: one at a time, ended, cancelled, repeated; on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.errors import UnknownName, UsageError
from jinpai.jobs import Queue
from jinpai.store import Store, events_of
from jinpai.store.dump import backup
from jinpai.store.jobs import (
    add_job,
    cancel_job,
    claim,
    finish,
    interrupt_running,
    job_of,
    jobs_of,
    queued_ids,
    retry_job,
    tell,
)
from jinpai.workspace_config import init_config


def asked(store: Store, kind: str = "run") -> int:
    with store.write() as session:
        return add_job(session, kind, {"full": True}, by="lan").id  # type: ignore[arg-type]


def state(store: Store, job_id: int) -> str:
    with store.read() as session:
        return job_of(session, job_id).state


def begun(store: Store, job_id: int) -> bool:
    with store.write() as session:
        return claim(session, job_id)


def test_two_never_run_at_once(store: Store) -> None:
    first, second = asked(store), asked(store, "import")
    assert begun(store, first)
    assert not begun(store, second)
    assert not begun(store, first)
    with store.write() as session:
        finish(session, first, "done", result={"rows": 3})
    assert begun(store, second)
    with store.read() as session:
        job = job_of(session, first)
        assert (job.state, job.share, job.result) == ("done", 1.0, {"rows": 3})
        assert queued_ids(session) == []
        assert [one.id for one in jobs_of(session)] == [second, first]
        assert [one.id for one in jobs_of(session, kinds=["import"])] == [second]


def test_a_job_that_waits_is_cancelled_at_once_one_at_work_at_its_next_step(store: Store) -> None:
    waiting, working = asked(store), asked(store)
    assert begun(store, working)
    with store.write() as session:
        assert tell(session, working, "rounds", 0.5)
        cancel_job(session, waiting, by="lan")
        cancel_job(session, working, by="lan")
    assert state(store, waiting) == "cancelled"
    assert state(store, working) == "running"
    with store.write() as session:
        assert not tell(session, working, "credits", 0.6)
        finish(session, working, "cancelled")
    with store.write() as session, pytest.raises(UsageError, match="over already"):
        cancel_job(session, working, by="lan")


def test_a_look_is_at_work_beside_what_changes_something(store: Store) -> None:
    run, other, look, second = (asked(store, kind) for kind in ("run", "import", "look", "look"))
    assert begun(store, run)
    assert begun(store, look)
    assert not begun(store, other)
    assert not begun(store, second)
    with store.write() as session:
        finish(session, look, "done")
    assert begun(store, second)
    with store.write() as session:
        assert interrupt_running(session) == [run, second]


def test_what_a_dead_worker_left_can_be_repeated(store: Store) -> None:
    job_id = asked(store)
    assert begun(store, job_id)
    with store.write() as session:
        assert interrupt_running(session) == [job_id]
    assert state(store, job_id) == "interrupted"
    with store.write() as session:
        again = retry_job(session, job_id, by="mei")
        assert (again.kind, again.args, again.retry_of) == ("run", {"full": True}, job_id)
        with pytest.raises(UsageError, match="only one that failed"):
            retry_job(session, again.id, by="mei")
        with pytest.raises(UnknownName):
            job_of(session, 99)
    with store.read() as session:
        kinds = [event.kind for event in events_of(session, f"job:{job_id}")]
    assert kinds == ["job.interrupted", "job.asked"]


def test_a_look_is_no_change_and_leaves_no_event(store: Store) -> None:
    job_id = asked(store, "look")
    assert begun(store, job_id)
    with store.write() as session:
        finish(session, job_id, "failed", error=("坏了", "broken"))
    with store.read() as session:
        assert events_of(session, f"job:{job_id}") == []
        assert job_of(session, job_id).error_zh == "坏了"


def test_messages_lie_beside_the_store_and_in_no_backup(store: Store, tmp_path: Path) -> None:
    config = init_config(tmp_path / "shop", shop_id="s1", name="金牌", platform="taobao")
    queue = Queue(config, store)
    job_id = queue.ask("run", by="lan")
    assert [list(message.args) for message in queue.huey.pending()] == [[job_id]]
    assert queue.remind() == 0
    queue.huey.storage.flush_queue()
    assert queue.remind() == 1
    again = Queue(config, store)  # another process
    message = again.huey.dequeue()
    assert list(message.args) == [job_id]
    for one in (queue, again):
        one.close()
    counts = backup(store, tmp_path / "store.jsonl.gz")
    assert counts["jobs"] == 1
    assert not [name for name in counts if "huey" in name or name in ("task", "kv", "schedule")]
