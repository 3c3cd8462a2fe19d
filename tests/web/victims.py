"""What a process does when it is killed: jobs, a review, a lock. Started by a fork server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from jinpai.jobs.batches import new_batch
from jinpai.jobs.worker import Worker
from jinpai.review import desk  # noqa: F401 - loaded once, before processes are forked
from jinpai.scoring.plan import load_plan
from jinpai.store import open_store
from jinpai.store.rulings import appeal, case_of, open_sample, rule
from jinpai.workspace import Workspace
from store.review_facts import facts

PLAN = """\
name: test
indicators:
  - metric: inquiry_conversion_rate
    weight: 100
    bands:
      - {score: 100, interval: "[50%, 100%]"}
      - {score: 10, interval: "[0, 50%)"}
"""


def suffer(
    work: Callable[[Path, str], None], root: Path, name: str, says: Connection[str, str]
) -> None:
    """Do something, and say when it begins and that it is done."""
    says.send("began")
    work(root, name)
    says.send("done")


def batch_with(root: Path, name: str, *texts: str) -> str:
    """Make a batch of one file that comes in parts; returns its id."""
    batch = new_batch(root)

    async def parts() -> AsyncIterator[bytes]:
        for text in texts:
            yield text.encode()

    # In a thread of its own: where browser tests ran before, this one has their loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(batch.add(name, parts(), 100_000_000))).result()
    return batch.id


def send(root: Path, name: str) -> None:
    """Take a file that somebody sends."""
    batch_with(root, f"{name}.csv", *["x" * 1_000_000] * 40)


def work(root: Path, name: str) -> None:
    """Do the jobs that wait."""
    Worker(root).drain()


def review(root: Path, name: str) -> None:
    """Draw a finding, rule on it, and appeal."""
    store = open_store(root)
    with store.write() as session:
        open_sample(session, [facts(name)], {}, by="Ann")
    with store.write() as session:
        rule(session, name, "right", reviewer="Cai")
    with store.write() as session:
        case_of(session, name)
        appeal(session, name, agent="shop:Bo", reason="?", appeal_days=7, decide_days=7)


def lock(root: Path, name: str) -> None:
    """Lock the figures of the last run."""
    shop = Workspace(root)
    shop.lock(name, shop.score(load_plan(PLAN)))
