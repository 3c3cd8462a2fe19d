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

from jinpai.appraisal.lock_lines import log_locks
from jinpai.appraisal.locks import undo_cut_short
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
from web.hurried import Hurried, Server, shop_with_findings
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
    check_locks(shop)
    for name in lock_names(root)[:5]:
        assert shop.recompute(name)["same"]
    check_whole(shop)


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


def check_whole(shop: Workspace) -> None:
    """The figures in force are new, and those of a full run."""
    whole = shop.ask(["sales_amount", "inquiry_buyers"], by=["agent"])
    assert not whole.is_stale
    shop.run(full=True)
    assert shop.ask(["sales_amount", "inquiry_buyers"], by=["agent"]).rows == whole.rows


def check_locks(shop: Workspace) -> None:
    """The next start leaves nothing of locks cut short; all others have one line in the log."""
    undo_cut_short(shop)
    names = lock_names(shop.root)
    there = (shop.root / "locks").glob("*")  # no folder where every lock was cut short
    assert sorted(one.name for one in there) == [f"{name}.json" for name in names]
    assert sorted(shop.lake.pins()) == names
    with open_store(shop.root) as store:
        log_locks(shop.root, store)
        with store.read() as session:
            told = [
                one.subject
                for one in events_of(session, limit=100_000)
                if one.kind == "period.locked"
            ]
    assert sorted(told) == [f"lock:{name}" for name in names]


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


def test_a_server_that_is_killed_keeps_all_it_said_was_done(tmp_path: Path) -> None:
    """The server itself dies while people upload, review and lock; the next one goes on."""
    root = tmp_path / "shop"
    findings = shop_with_findings(root)
    assert len(findings) >= 300
    rng, told = random.Random(8), Counter[str]()
    for number in range(max(KILLS // 4, 1)):
        server = Server(root, f"lan{number}")
        people = [
            Hurried(server, kind, str(number), findings) for kind in ("upload", "ruling", "lock")
        ]
        for one in people:
            one.start()
        for one in people:
            assert one.began.wait(120)
        time.sleep(rng.uniform(0, 1.5))
        server.kill()
        for one in people:
            one.join(120)
            assert one.wrong == []
            told.update({kind: len(names) for kind, names in one.told.items()})
            check_told(root, one.told)
    LOG.info("said to be done before servers were killed: %s", dict(told))
    assert {"ruling", "lock"} <= set(told)
    finish_jobs(root)
    shop = Workspace(root)
    with open_store(root) as store, store.read() as session:
        loaded = jobs_of(session, kinds=["import"], limit=10_000)
    done = {job.args["batch"] for job in loaded if job.state == "done"}
    assert {job.args["batch"] for job in loaded} == done
    assert upkeep.verify(shop.lake).faults == []
    check_locks(shop)
    whole = shop.ask(["inquiry_buyers"], by=["agent"])
    shop.run(full=True)
    assert shop.ask(["inquiry_buyers"], by=["agent"]).rows == whole.rows


def check_told(root: Path, told: dict[str, list[str]]) -> None:
    """What the server said was done is there, whole, and so is all else that is there."""
    there = {batch.id: batch.files() for batch in waiting(root)}
    for files in there.values():
        assert all(one.path.stat().st_size == one.size for one in files)
    for batch, size in map(str.split, told.get("upload", [])):
        assert [one.size for one in there[batch]] == [int(size)]
    with open_store(root) as store, store.read() as session:
        asked = {job.args.get("batch") for job in jobs_of(session, kinds=["import"], limit=10_000)}
        for finding in told.get("ruling", []):
            assert len(rulings_on(session, finding)) == 1
            assert "case.ruled" in {one.kind for one in events_of(session, f"case:{finding}")}
        for name in told.get("lock", []):
            assert read_lock(root, name)["result"]
            (event,) = events_of(session, f"lock:{name}")
            assert event.kind == "period.locked"
    assert {one.split()[0] for one in told.get("import", [])} <= asked


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
