"""SIGKILL at random points of imports, runs, reviews and locks: nothing lost, nothing half done.

JINPAI_KILLS says how many kills: 8, or 100 before a release.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from jinpai.jobs import Queue
from jinpai.jobs.batches import waiting
from jinpai.jobs.worker import Worker, is_working
from jinpai.scoring.lock import lock_names, read_lock
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

LOG = logging.getLogger("jinpai.tests")
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
    rng, took, cut = random.Random(6), dict.fromkeys(VICTIMS, 1.0), Counter[str]()
    asked: set[tuple[str, int]] = set()
    for number in range(KILLS * 4):
        if cut.total() == KILLS:
            break
        kind, name = list(VICTIMS)[number % len(VICTIMS)], f"n{number}"
        ask(root, kind, number)
        asked.add((kind, number))
        heard, says = context.Pipe(duplex=False)
        victim = context.Process(target=victims.suffer, args=(VICTIMS[kind], root, name, says))
        victim.start()
        says.close()
        assert heard.recv() == "began"
        since = time.monotonic()
        is_done = heard.poll(rng.uniform(0, took[kind]))
        victim.kill()
        victim.join()
        heard.close()
        # However fast the machine is now: the next kill comes before most of the work is done.
        took[kind] = time.monotonic() - since if is_done else took[kind] * 1.25
        cut[kind] += not is_done
        check(root, kind, name, number)
    assert cut.total() == KILLS
    LOG.info("kills: %s; jobs cut short: %s", dict(cut), interrupted(root))
    finish_jobs(root)
    shop = Workspace(root)
    imports = [number for number in range(KILLS * 4) if ("import", number) in asked]
    assert [rows_of(shop, number) for number in imports] == [2] * len(imports)
    for name in lock_names(root)[:5]:
        assert shop.recompute(name)["same"]
    whole = shop.ask(["sales_amount", "inquiry_buyers"], by=["agent"])
    assert not whole.is_stale
    shop.run(full=True)
    assert shop.ask(["sales_amount", "inquiry_buyers"], by=["agent"]).rows == whole.rows


def ask(root: Path, kind: str, number: int) -> None:
    """Put the jobs a victim does into the queue."""
    if kind not in ("import", "run"):
        return
    with open_store(root) as store:
        queue = Queue(load_config(root), store)
        if kind == "import":
            text = messages(1 + number % 28, [f"k{number}"])
            batch = victims.batch_with(root, "m.csv", text)
            queue.ask("import", {"batch": batch}, by="lan")
        else:
            queue.ask("run", {"full": number % 2 == 0}, by="lan")
        queue.close()


def check(root: Path, kind: str, name: str, number: int) -> None:
    """All of it or nothing."""
    shop = Workspace(root)
    assert not is_working(root)
    assert upkeep.verify(shop.lake).faults == []
    if kind == "import":
        assert rows_of(shop, number) in (0, 2)
    elif kind == "send":
        for batch in waiting(root):
            assert all(one.path.stat().st_size == one.size for one in batch.files())
    elif kind == "review":
        check_review(root, name)
    elif kind == "lock" and name in lock_names(root):
        assert read_lock(root, name)["result"]


def interrupted(root: Path) -> int:
    with open_store(root) as store, store.read() as session:
        return len(jobs_of(session, states=["interrupted"], limit=10_000))


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
    queue.ask("run", by="lan")  # what was imported just now
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
