"""A real server with its worker: stopped and started anew in the midst of work, watched, logged."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from jinpai.jobs.worker import is_working
from jinpai.service_terms import set_job_term
from jinpai.store import Store, open_store
from jinpai.store.jobs import Job, jobs_of
from jinpai.workspace import Workspace
from web.hurried import Server
from web.small import messages, small_shop

BUYER, LOGIN = "zhangsan1987", "wangxiaomei"


def jobs(store: Store) -> dict[int, Job]:
    with store.read() as session:
        return {job.id: job for job in jobs_of(session)}


def wait_for(is_so: Any) -> None:
    until = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def news_of(server: Server, job: int) -> list[dict[str, Any]]:
    """Follow a job until it is over."""
    status, text = server.ask("GET", f"/jobs/{job}/events")
    assert status == 200
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def stop(server: Server) -> None:
    """Stop it as systemd does."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(120) == 0
    server.kill()


def is_ready(server: Server) -> bool:
    assert server.ask("GET", "/healthz") == (200, "ok\n")
    ready: dict[str, bool] = json.loads(server.ask("GET", "/readyz")[1])
    return all(ready.values())


def test_work_goes_on_where_a_server_was_stopped(tmp_path: Path) -> None:
    root = small_shop(tmp_path / "shop", runs=True).root
    set_job_term(root, "watch", "drop")
    with open_store(root) as store:
        first = Server(root, LOGIN)
        wait_for(lambda: is_ready(first))
        for _ in range(4):
            first.ask("POST", "/jobs/run", "full=1")
        begun, *_, waits = sorted(jobs(store))
        wait_for(lambda: jobs(store)[begun].state != "queued")
        stop(first)
        assert not is_working(root)
        assert {job.state for job in jobs(store).values()} <= {"queued", "done"}  # none cut short
        assert jobs(store)[waits].state == "queued"
        second = Server(root, "lan")
        told = news_of(second, waits)
        assert told[0]["state"] in ("queued", "running")
        assert told[-1]["state"] == "done"
        shares = [one["share"] for one in told if one["share"] is not None]
        assert shares == sorted(shares)
        # What is done by itself may have been asked for meanwhile, and is at work still.
        wait_for(lambda: {job.state for job in jobs(store).values()} == {"done"})
        watched(root, store, second)
        stop(second)
    check_logs(first.log + second.log)


def watched(root: Path, store: Store, server: Server) -> None:
    """What is dropped is imported by itself, and the lists of the server tell of it."""
    aside = root / "aside.csv"
    aside.write_text(messages(9, [BUYER]), "utf-8")
    aside.rename(root / "drop" / "new.csv")
    wait_for(lambda: list((root / "drop" / "done").glob("*new.csv")))
    wait_for(lambda: max(jobs(store).items())[1].state == "done")
    (job_id, job) = max(jobs(store).items())
    assert (job.kind, job.asked_by) == ("import", "watch")
    assert server.ask("GET", f"/jobs/{job_id}")[0] == 200
    assert server.ask("GET", f"/conversations?buyer={BUYER}")[0] == 200
    _, numbers = server.ask("GET", "/prometheus")
    assert "jinpai_worker_up 1.0" in numbers
    assert 'jinpai_jobs{kind="import",state="done"} 1.0' in numbers
    assert len(Workspace(root).lake.snapshot().files("messages")) >= 1


def check_logs(lines: list[str]) -> None:
    """Server and worker log objects, and name nobody."""
    told = [json.loads(line) for line in lines]
    events = {one["event"] for one in told}
    assert {"request", "job begun", "job ended"} <= events
    assert {one["level"] for one in told} <= {"info", "warning"}
    for name in (BUYER, LOGIN, "13812345678", "hello"):
        assert not [line for line in lines if name in line]
