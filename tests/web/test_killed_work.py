"""SIGKILL at random points of imports, runs, reviews and locks: nothing lost, nothing half done.

JINPAI_KILLS says how many kills: 8, or 100 before a release.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from pathlib import Path

import duckdb
import pytest

from jinpai.jobs import Queue
from jinpai.jobs.batches import waiting
from jinpai.jobs.worker import Worker, is_working
from jinpai.scoring.lock import lock_names
from jinpai.store import events_of, open_store
from jinpai.store.jobs import jobs_of
from jinpai.store.queues import appeal_of
from jinpai.store.reviews import Case
from jinpai.store.rulings import rulings_on
from jinpai.tables import upkeep
from jinpai.workspace import Workspace
from jinpai.workspace_config import load_config
from web import victims
from web.small import messages, small_shop

KILLS = int(os.environ.get("JINPAI_KILLS", "8"))
VICTIMS = {
    "import": victims.work,
    "run": victims.work,
    "send": victims.send,
    "review": victims.review,
    "lock": victims.lock,
}


def test_nothing_is_lost_or_half_done(tmp_path: Path) -> None:
    root = small_shop(tmp_path / "shop", runs=True).root
    open_store(root).close()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["web.victims"])
    rng, took, killed = random.Random(6), dict.fromkeys(VICTIMS, 1.0), 0
    for number in range(KILLS * 4):
        if killed == KILLS:
            break
        kind, name = list(VICTIMS)[number % len(VICTIMS)], f"n{number}"
        ask(root, kind, number)
        victim = context.Process(target=VICTIMS[kind], args=(root, name))
        began = time.monotonic()
        victim.start()
        victim.join(rng.uniform(0, took[kind]))
        victim.kill()
        victim.join()
        if victim.exitcode == 0:
            took[kind] = time.monotonic() - began
        killed += victim.exitcode != 0
        check(root, kind, name, number)
    assert killed == KILLS
    whole = Workspace(root).ask(["sales_amount", "inquiry_buyers"], by=["agent"]).rows
    Workspace(root).run(full=True)
    assert Workspace(root).ask(["sales_amount", "inquiry_buyers"], by=["agent"]).rows == whole


def ask(root: Path, kind: str, number: int) -> None:
    """Put the jobs a victim does into the queue."""
    if kind not in ("import", "run"):
        return
    with open_store(root) as store:
        queue = Queue(load_config(root), store)
        if kind == "import":
            text = messages(1 + number % 28, [f"k{number}"])
            queue.ask("import", {"batch": victims.batch_with(root, "m.csv", text)}, by="lan")
        queue.ask("run", {"full": number % 2 == 0}, by="lan")
        queue.close()


def check(root: Path, kind: str, name: str, number: int) -> None:
    """All of it or nothing; then it is done to its end by who comes next."""
    shop = Workspace(root)
    assert upkeep.verify(shop.lake).faults == []
    assert not is_working(root)
    if kind in ("import", "run"):
        rows = rows_of(shop, number)
        assert rows in ((0, 2) if kind == "import" else (0,))
        finish_jobs(root)
        assert rows_of(Workspace(root), number) == (2 if kind == "import" else 0)
        assert upkeep.verify(shop.lake).faults == []
        assert not Workspace(root).ask(["sales_amount"]).is_stale
    elif kind == "send":
        for batch in waiting(root):
            assert [one.path.stat().st_size for one in batch.files()] == [
                one.size for one in batch.files()
            ]
            batch.delete()
    elif kind == "review":
        check_review(root, name)
    else:
        check_lock(shop, name)


def rows_of(shop: Workspace, number: int) -> int:
    sql = shop.lake.snapshot().table_sql("messages")
    with duckdb.connect() as con:
        counted = f"select count(*) from ({sql}) where buyer_id = 'k{number}'"
        found = con.execute(counted).fetchone()
    assert found is not None
    return int(found[0])


def finish_jobs(root: Path) -> None:
    """A new worker marks what was cut short; that is repeated, and all is done then."""
    worker = Worker(root)
    worker.drain()
    with worker.store.read() as session:
        jobs = jobs_of(session, limit=10_000)
    repeated = {job.retry_of for job in jobs}
    assert {job.state for job in jobs} <= {"done", "interrupted"}
    queue = Queue(load_config(root), worker.store)
    for job in jobs:
        if job.state == "interrupted" and job.id not in repeated:
            queue.retry(job.id, by="lan")
    queue.close()
    worker.drain()
    with worker.store.read() as session:
        latest = jobs_of(session, limit=10_000)
    assert all(job.state == "done" for job in latest if job.id > jobs[0].id)
    worker.close()


def check_review(root: Path, name: str) -> None:
    """Each of the three changes is there with its event, or neither is."""
    with open_store(root) as store, store.read() as session:
        case = session.get(Case, name)
        kinds = {event.kind for event in events_of(session, f"case:{name}")}
        ruled, appealed = len(rulings_on(session, name)), appeal_of(session, name) is not None
        state = None if case is None else case.state
    assert (ruled == 1) == ("case.ruled" in kinds)
    assert appealed == ("case.appealed" in kinds)
    assert state in (None, "open", "settled", "appealed")
    assert {None: 0, "open": 0, "settled": 1, "appealed": 1}[state] == ruled
    assert appealed == (state == "appealed")


def check_lock(shop: Workspace, name: str) -> None:
    """The lock is there whole and gives the same again, or its name is free."""
    if name not in lock_names(shop.root):
        victims.lock(shop.root, name)
    told = Workspace(shop.root).recompute(name)
    assert told["same"], told


@pytest.mark.parametrize("kind", ["import"])
def test_a_kill_takes_no_file_that_was_sent(tmp_path: Path, kind: str) -> None:
    """What was sent stays until its job is over, so that it can be repeated."""
    root = small_shop(tmp_path / "shop").root
    ask(root, kind, 1)
    with open_store(root) as store, store.read() as session:
        batch = next(job.args["batch"] for job in jobs_of(session, kinds=["import"]))
    assert (root / "uploads" / batch / "00001").is_file()
    victims.work(root, "")
    assert not (root / "uploads" / batch).exists()
