"""People clicking through the web app while a run goes on: how long pages take, what fails, memory.

    python benchmarks/web.py WORKSPACE [--people 20] [--minutes 5] [--pause 4] [--night FOLDER]

The workspace has had a run. The server is a process of its own, as ``jinpai serve`` starts it. Each
person looks at lists of conversations (all, of an agent, the slowest, further pages), opens some,
and now and then the overview, the team and an agent, with a pause after each page. Meanwhile the
server's own worker does the night's work: it imports the files of ``--night`` and runs; with
``--full`` it computes everything anew, again and again. Prints a table in Markdown: times of whole
answers in milliseconds, and the greatest memory of the server and of the preparer that asks ahead.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import http.client
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from jinpai.errors import UnknownName
from jinpai.jobs import Queue
from jinpai.store import open_store
from jinpai.store.accounts import add_user, find_user
from jinpai.store.jobs import job_of
from jinpai.store.logins import start_session
from jinpai.web.security import COOKIE
from jinpai.workspace_config import load_config

LOGIN = "benchmark"
SORTS = ("-started_at", "-longest_us", "-first_us", "-messages", "-unanswered")
LINK = re.compile(r'href="(/(?:conversations|agents)/[^"#]+|/conversations\?[^"#]*cursor=[^"#]+)"')


@dataclass
class Seen:
    """What all people met: kind of page -> milliseconds; and what went wrong."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


class Person(threading.Thread):
    """Somebody who clicks.

    Args:
        port, cookie: of the server. until: when to stop, as `time.monotonic` tells.
    """

    def __init__(
        self, port: int, cookie: str, seed: int, pause: float, until: float, seen: Seen
    ) -> None:
        super().__init__(daemon=True)
        self._at, self._cookie = http.client.HTTPConnection("127.0.0.1", port, timeout=60), cookie
        self._dice, self._pause, self._until, self._seen = random.Random(seed), pause, until, seen
        self._agents: list[str] = []

    def run(self) -> None:
        """Click until the time is over."""
        time.sleep(self._dice.random() * self._pause)
        while time.monotonic() < self._until:
            listed = self._list()
            talks = [one for one in listed if one.startswith("/conversations/")]
            for path in self._dice.sample(talks, min(len(talks), self._dice.randint(2, 6))):
                self._get("conversation", path)
            further = [one for one in listed if "cursor=" in one]
            if further and self._dice.random() < 0.4:
                self._get("list of conversations", further[0])
            if self._dice.random() < 0.2:
                self._figures()

    def _list(self) -> list[str]:
        query = f"?talks.sort={self._dice.choice(SORTS)}"
        if self._agents and self._dice.random() < 0.6:
            query += f"&agent={self._dice.choice(self._agents)}"
        return self._get("list of conversations", f"/conversations{query}")

    def _figures(self) -> None:
        self._get("overview", "/overview")
        found = [one for one in self._get("team", "/team") if one.startswith("/agents/")]
        if found:
            path = self._dice.choice(found)
            self._agents = [one[8:].partition("?")[0] for one in found]
            self._get("agent", path)

    def _get(self, kind: str, path: str) -> list[str]:
        """Return the links of a page to conversations and agents."""
        started = time.perf_counter()
        try:
            # A pause is longer than the server keeps a connection; browsers open the next one too.
            headers = {"Cookie": f"{COOKIE}={self._cookie}", "Accept": "text/html"}
            headers["Connection"] = "close"
            asked = path
            for _ in range(2):
                self._at.request("GET", asked, headers=headers)
                answer = self._at.getresponse()
                text = answer.read().decode()
                self._at.close()
                if answer.status != 303:
                    break
                asked = answer.headers["Location"]  # a list that a run has changed begins anew
            if answer.status != 200:
                self._seen.errors.append(f"{answer.status} {path}")
        except (OSError, http.client.HTTPException) as error:
            self._seen.errors.append(f"{type(error).__name__} {path}")
            self._at.close()
            return []
        self._seen.took[kind].append((time.perf_counter() - started) * 1000)
        time.sleep(self._pause * (0.5 + self._dice.random()))
        return [html.unescape(link) for link in LINK.findall(text)]


def cookies(workspace: Path, people: int) -> list[str]:
    """Return session cookies of an owner made for this."""
    with open_store(load_config(workspace)) as store, store.write() as session:
        try:
            user = find_user(session, LOGIN)
        except UnknownName:
            user = add_user(session, LOGIN, role="owner", actor="benchmark")
        return [start_session(session, user) for _ in range(people)]


def serve(workspace: Path) -> tuple[subprocess.Popen[str], int]:
    """Start the server; returns it and its port once it answers."""
    command = [sys.executable, "-m", "jinpai", "serve", str(workspace), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/ ", line):
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return server, int(found[1])
    raise SystemExit("the server did not start")


def compute(workspace: Path, until: float, night: Path | None, full: bool, runs: list[str]) -> None:
    """Have the server's worker do what it does by night: import a day, if there is one, and run.

    With ``full``, the whole line is computed anew, again and again. Only what ends is counted.
    """
    config = load_config(workspace)
    with open_store(config) as store:
        queue = Queue(config, store)
        if night is not None:
            drop = Path(tempfile.mkdtemp(dir=workspace)) / night.name
            shutil.copytree(night, drop)
            runs.append(
                ended(queue, queue.ask("import", {"paths": [str(drop)]}, by="watch"), until)
            )
        while time.monotonic() < until:
            runs.append(ended(queue, queue.ask("run", {"full": full}, by="nightly"), until))
            if not full:
                break
        queue.close()
    time.sleep(max(until - time.monotonic(), 0))


def ended(queue: Queue, job_id: int, until: float) -> str:
    """Wait for a job; returns what to tell of it. One that is not over in time is cancelled."""
    while True:
        with queue.store.read() as session:
            job = job_of(session, job_id)
        if not job.is_active:
            assert job.began_at is not None
            assert job.ended_at is not None
            what = job.kind if job.kind != "run" or job.result is None else job.result["mode"]
            seconds = (job.ended_at - job.began_at).total_seconds()
            return f"{what} {job.state} after {seconds:.0f} s"
        if time.monotonic() > until:
            queue.cancel(job_id, by="benchmark")
            return f"{job.kind} not over in time"
        time.sleep(0.5)


def peak_mb(pid: int) -> float:
    """Return the greatest memory a process has had."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


class Memory(threading.Thread):
    """Watches how much memory a server and its preparers have together; not the worker.

    Attributes:
        most: the most so far, in MB; what several share is counted once.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self.most = pid, 0.0

    def run(self) -> None:
        """Look twice a second, as long as the server lives."""
        with contextlib.suppress(OSError):
            while True:
                mine = [self._pid, *children(self._pid, b"multiprocessing")]
                self.most = max(self.most, sum(map(pss_mb, mine)))
                time.sleep(0.5)


def children(pid: int, word: bytes) -> list[int]:
    """Return the children of a process that have a word in their command."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            with contextlib.suppress(OSError):
                if word in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def wait_until_warm(pid: int, seconds: float) -> None:
    """Wait until the server's preparer has asked ahead, but not for ever."""
    end = time.monotonic() + seconds
    time.sleep(min(10, seconds))
    while time.monotonic() < end and children(pid, b"multiprocessing.spawn"):
        time.sleep(0.5)


def pss_mb(pid: int) -> float:
    """Return the memory of a process now, its part of what it shares with others."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    except OSError:
        return 0.0
    return int(re.findall(r"^Pss:\s+(\d+)", told, re.M)[0]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(seen: Seen) -> str:
    """Return the times in Markdown."""
    lines = ["| page | answers | median ms | p95 ms | longest ms |", "|---|---|---|---|---|"]
    every = [took for times in seen.took.values() for took in times]
    for kind, times in [*sorted(seen.took.items()), ("all", every)]:
        ordered = sorted(times)
        p95 = ordered[int(len(ordered) * 0.95)]
        middle = statistics.median(ordered)
        lines.append(f"| {kind} | {len(ordered)} | {middle:.0f} | {p95:.0f} | {ordered[-1]:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Let them click, and say what they met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--pause", type=float, default=4, help="mean seconds after each page")
    parser.add_argument(
        "--warm",
        type=float,
        default=600,
        help="seconds at most before anybody comes, for the preparer",
    )
    parser.add_argument("--night", type=Path, help="files of a new day, imported at the start")
    parser.add_argument("--full", action="store_true", help="full runs, one after the other")
    parser.add_argument("--no-run", action="store_true", help="nothing is computed meanwhile")
    asked = parser.parse_args()
    tickets = cookies(asked.workspace, asked.people)
    server, port = serve(asked.workspace)
    try:
        wait_until_warm(server.pid, asked.warm)
        used = cpu_seconds(server.pid)
        until, seen, runs = time.monotonic() + asked.minutes * 60, Seen(), list[str]()
        watch = Memory(server.pid)
        watch.start()
        people = [
            Person(port, ticket, seed, asked.pause, until, seen)
            for seed, ticket in enumerate(tickets)
        ]
        for person in people:
            person.start()
        if not asked.no_run:
            compute(asked.workspace, until, asked.night, asked.full, runs)
        for person in people:
            person.join()
        print(table(seen))
        answers = sum(map(len, seen.took.values()))
        each = (cpu_seconds(server.pid) - used) / max(answers, 1) * 1000
        print(f"\nmemory of the server {peak_mb(server.pid):.0f} MB, with its preparer at most "
              f"{watch.most:.0f} MB at once; errors {len(seen.errors)}")  # fmt: skip
        print(f"processor time of the server {each:.0f} ms an answer; load of the machine "
              f"{os.getloadavg()[1]:.1f}")  # fmt: skip
        print(f"meanwhile: {'; '.join(runs) or 'nothing'}")
        for error in seen.errors[:20]:
            print(f"  {error}")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
