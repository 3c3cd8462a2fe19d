"""The worker's messages: a file that fails does not stop the worker for good."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jinpai.jobs import Queue
from jinpai.jobs.queue import messages_of
from jinpai.jobs.watch import Watcher
from jinpai.jobs.worker import Worker, _Consumer
from jinpai.store import Store, open_store
from jinpai.store.jobs import job_of
from jinpai.workspace import init
from jinpai.workspace_config import load_config

_VISIT = (
    "import sqlite3, sys; made = sqlite3.connect(sys.argv[1]);"
    " made.execute('select count(*) from task'); made.close()"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return init(tmp_path / "shop", shop_id="s1", name="金牌", platform="taobao").root


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with open_store(root) as opened:
        yield opened


def visit(root: Path) -> None:
    """Let another program use the messages and go."""
    subprocess.run([sys.executable, "-c", _VISIT, str(root / "jobs.db")], check=True)


def test_opening_messages_again_gives_up_no_lock(root: Path, store: Store) -> None:
    """Whoever closes a file of SQLite last deletes its log; nobody is last while one is open."""
    first = Queue(load_config(root), store)
    first.ask("run", by="lan")
    Queue(load_config(root), store).close()
    visit(root)
    assert (root / "jobs.db-wal").exists()
    assert (root / "jobs.db").stat().st_mode & 0o777 == 0o600
    first.close()
    visit(root)
    assert not (root / "jobs.db-wal").exists()


class _Broken:
    """A connection whose file went bad under it."""

    def cursor(self) -> sqlite3.Cursor:
        raise sqlite3.OperationalError("disk I/O error")

    def close(self) -> None:
        """Close nothing."""


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_goes_on_after_its_messages_failed(root: Path, store: Store) -> None:
    done: list[int] = []
    huey, send = messages_of(load_config(root), store.url, done.append)
    consumer = _Consumer(huey, workers=2, periodic=False, initial_delay=0.01, max_delay=0.05)
    consumer.start()
    try:
        send(1)
        wait(lambda: done == [1])
        with huey.storage.lock:
            huey.storage._conn.close()
            huey.storage._conn = _Broken()
        other = Queue(load_config(root), store)
        other._send(2)
        other.close()
        wait(lambda: done == [1, 2])
    finally:
        consumer.stop(graceful=True)
        huey.storage.close()


def test_a_job_whose_message_failed_is_asked_for(root: Path, store: Store) -> None:
    queue = Queue(load_config(root), store)
    queue.remind()
    queue.huey.storage._conn = _Broken()
    job_id = queue.ask("run", by="lan")
    with store.read() as session:
        assert job_of(session, job_id).state == "queued"
    assert queue.remind() == 1
    assert [list(message.args) for message in queue.huey.pending()] == [[job_id]]
    queue.close()


def test_a_watched_folder_keeps_no_connection_open(root: Path, store: Store) -> None:
    (root / "drop").mkdir()
    (root / "drop" / "orders.csv").write_text("x\n", "utf-8")
    watcher = Watcher(root, root / "drop", Queue(load_config(root), store), quiet=0)
    assert len(watcher.once()) == 1
    visit(root)
    assert not (root / "jobs.db-wal").exists()


def test_messages_that_cannot_be_read_do_not_end_the_worker(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    worker = Worker(root)
    monkeypatch.setattr(Queue, "remind", failing)
    worker._chores()
    worker.close()
    assert "disk I/O error" in caplog.text
