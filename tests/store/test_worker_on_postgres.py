"""The worker where the store, and with it the messages that wake it, is PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jinpai.jobs import Queue
from jinpai.store import Store, open_store
from jinpai.store.jobs import Job, job_of
from jinpai.workspace import Workspace
from jinpai.workspace_config import load_config
from web.small import messages, small_shop


def told(store: Store, job_id: int) -> Job:
    with store.read() as session:
        return job_of(session, job_id)


def wait_for(store: Store, job_id: int, *states: str) -> None:
    until = time.monotonic() + 120
    while told(store, job_id).state not in states:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("database", ["postgresql"])
def test_a_killed_worker_is_followed_by_the_next(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small_shop(tmp_path / "shop").root
    monkeypatch.setenv("JINPAI_STORE_URL", url)
    (root / "more.csv").write_text(messages(3), "utf-8")
    command = [sys.executable, "-m", "jinpai", "jobs", "work", str(root)]
    with open_store(load_config(root)) as store:
        assert not store.is_sqlite
        queue = Queue(load_config(root), store)
        run = queue.ask("run", by="lan")
        first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(store, run, "running", "done")
        first.kill()
        first.wait()
        after = queue.ask("import", {"paths": [str(root / "more.csv")]}, by="lan")
        second = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_for(store, after, "done", "failed")
            assert (told(store, after).state, told(store, after).error_en) == ("done", None)
            assert told(store, run).state in ("interrupted", "done")
            if told(store, run).may_retry:
                run = queue.retry(run, by="lan")
                wait_for(store, run, "done", "failed")
        finally:
            os.kill(second.pid, signal.SIGTERM)
        assert second.wait(60) == 0
        queue.close()
    assert not (root / "jobs.db").exists()
    assert Workspace(root).lake.snapshot().run is not None
