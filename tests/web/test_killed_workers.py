"""SIGKILL of the worker process at random points, while its server goes on and people retry.

JINPAI_KILLS says how many kills, as in `test_killed_work`: a quarter of it here.
"""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from jinpai.jobs.worker import is_working
from jinpai.store import Store, events_of, open_store
from jinpai.store.jobs import ACTIVE, Job, job_of, jobs_of
from jinpai.tables import upkeep
from jinpai.workspace import Workspace
from web.hurried import Server
from web.small import messages, small_shop
from web.test_killed_work import KILLS, check_whole, rows_of

LOG = logging.getLogger("jinpai.tests")
ASKED = ("import", "run", "report")
HERE = max(KILLS // 4, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return small_shop(tmp_path / "shop", runs=True).root


@contextmanager
def working(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a service of its own, killed at the end."""
    command = [sys.executable, "-m", "jinpai", "jobs", "work", str(root)]
    worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def post(server: Server, path: str, wanted: int = 303, **fields: str) -> str:
    status, text = server.ask("POST", path, urlencode(fields))
    assert status == wanted, text[:300]
    return text


def ask(server: Server, kind: str, number: int) -> None:
    """Ask for a job in the browser: a file to import and calculate, a full run, a report."""
    if kind == "import":
        links = json.loads(post(server, "/import/batches", 201))
        body = messages(1 + number % 28, [f"k{number}"])
        status, _ = server.ask("POST", f"{links['files']}?name=m{number}.csv", body)
        assert status == 201
        post(server, f"{links['page']}/load", then_run="1")
    elif kind == "run":
        post(server, "/jobs/run", full="1")
    else:
        post(server, "/jobs/report", form="html")


def latest(store: Store, *states: str) -> list[Job]:
    with store.read() as session:
        return jobs_of(session, states=states, limit=10_000)


def wait_until_begun(store: Store, job_id: int) -> None:
    until = time.monotonic() + 120
    while next(job.state for job in latest(store) if job.id == job_id) == "queued":
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_was_asked_for_is_done_though_its_worker_is_killed(root: Path) -> None:
    rng, cut = random.Random(10), Counter[str]()
    server, took = Server(root, "lan", "--no-worker"), dict.fromkeys(ASKED, 1.5)
    with open_store(root) as store:
        for number in range(HERE):
            kind = ASKED[number % len(ASKED)]
            ask(server, kind, number)
            job_id = latest(store)[0].id
            with working(root):
                wait_until_begun(store, job_id)
                time.sleep(rng.uniform(0, took[kind]))
            (job,) = (one for one in latest(store) if one.id == job_id)
            took[kind] *= 0.8 if job.state == "done" else 1.1
            cut[kind if job.state == "running" else "between"] += 1
            check(root, server, number, kind)
        LOG.info("workers killed while at work: %s", dict(cut))
        finish(root, server, store)
        check_told(store)
    server.kill()
    shop = Workspace(root)
    imports = range(0, HERE, len(ASKED))
    assert [rows_of(shop, number) for number in imports] == [2] * len(imports)
    check_whole(shop)


def check(root: Path, server: Server, number: int, kind: str) -> None:
    """All of it or nothing, and the server goes on."""
    shop = Workspace(root)
    assert not is_working(root)
    assert upkeep.verify(shop.lake).faults == []
    if kind == "import":
        assert rows_of(shop, number) in (0, 2)
    status, text = server.ask("GET", "/readyz")
    assert (status, json.loads(text)) == (200, {"store": True, "lake": True, "worker": False})
    assert server.ask("GET", "/overview")[0] == 200


def finish(root: Path, server: Server, store: Store) -> None:
    """The next worker marks what was cut short; people try again, and all is done."""
    with working(root):
        wait_until_idle(store)
        repeated = {job.retry_of for job in latest(store)}
        for job in latest(store, "interrupted"):
            assert job.id not in repeated
            post(server, f"/jobs/{job.id}/retry")
        post(server, "/jobs/run")  # what was imported just now
        wait_until_idle(store)
    assert {job.state for job in latest(store)} == {"done", "interrupted"}


def wait_until_idle(store: Store) -> None:
    until = time.monotonic() + 300
    while latest(store, *ACTIVE):
        assert time.monotonic() < until
        time.sleep(0.1)


def check_told(store: Store) -> None:
    """The log has each job asked for once and ended once, as the list has it."""
    jobs = latest(store)
    with store.read() as session:
        for job in jobs:
            kinds = [one.kind for one in events_of(session, f"job:{job.id}")]
            assert kinds == [f"job.{job.state}", "job.asked"]
        for job in jobs:
            if job.retry_of is not None:
                assert job_of(session, job.retry_of).state == "interrupted"
