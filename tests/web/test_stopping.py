"""A job is stopped in the midst of a step that would take for ever, not only between two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.stopping import noted, stoppable
from jinpai.jobs import Queue
from jinpai.jobs.worker import Worker
from jinpai.store.jobs import job_of
from jinpai.tables.load import working_engine
from jinpai.workspace import init
from jinpai.workspace_config import load_config

ENDLESS = "select count(*) from range(1000000000) as a, range(1000000000) as b"


def stepping(folder: Path) -> None:
    """A step of a run."""
    with DuckEngine(threads=1) as engine:
        engine.hold("x", ENDLESS)


def streaming(folder: Path) -> None:
    """A step that Python does bit by bit."""
    with DuckEngine(threads=1) as engine:
        for _ in engine.stream("select a.range from range(1000000000) as a, range(10000) as b"):
            pass


def importing(folder: Path) -> None:
    """What an import does when all files are read."""
    with working_engine(folder, "1GB", 1) as con:
        con.execute(ENDLESS)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(init(tmp_path / "shop", shop_id="s1", name="金牌", platform="taobao").root)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("work", "is_cancelled"),
    [(stepping, True), (streaming, True), (importing, True), (stepping, False)],
)
def test_a_long_step_is_stopped(
    worker: Worker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Path], None],
    is_cancelled: bool,
) -> None:
    """Cancelled by somebody it is over; where its worker has to stop it waits again."""
    began = threading.Event()

    def doing(*_: object) -> dict[str, object]:
        began.set()
        work(tmp_path)
        return {}

    monkeypatch.setattr("jinpai.jobs.worker.do", doing)
    queue = Queue(load_config(worker.root), worker.store)
    job_id = queue.ask("run", by="lan")
    at_work = threading.Thread(target=worker.work, args=(job_id,), daemon=True)
    at_work.start()
    assert began.wait(60)
    if is_cancelled:
        queue.cancel(job_id, by="lan")
    else:
        worker.stop()
    at_work.join(60)
    assert not at_work.is_alive()
    with queue.store.read() as session:
        assert job_of(session, job_id).state == ("cancelled" if is_cancelled else "queued")
    queue.close()


def test_what_another_thread_opened_is_left_alone() -> None:
    with stoppable() as stopper:
        closed = noted(duckdb.connect())
        closed.close()
    with noted(duckdb.connect()) as other:
        stopper.stop()
        assert stopper.was_asked
        assert other.execute("select 1").fetchall() == [(1,)]
