"""Somebody who uploads, reviews and locks as fast as the server answers, until it is gone."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import quote, urlencode

from jinpai.scoring.examples import write_example
from jinpai.store import open_store
from jinpai.store.accounts import add_user
from jinpai.store.logins import start_session
from jinpai.web.security import COOKIE
from web.small import MESSAGES, messages, small_shop

_LONGEST = 300  # seconds, for anything a server is asked for
BIG = MESSAGES + "x" * 3_000_000


def shop_with_findings(root: Path) -> list[str]:
    """Make a shop with people and a plan in which many wait in vain; returns the findings."""
    shop = small_shop(root)
    shop.config.set("inspect", True)
    lines = [
        f"w{number},2026-03-03T{9 + number // 60:02}:{number % 60:02}:00+08:00,shop:Al,w{number},"
        "buyer,在吗，怎么退货\n"
        for number in range(300)
    ]
    (root / "given" / "waits.csv").write_text(MESSAGES + "".join(lines), "utf-8")
    shop.import_files([root / "given" / "waits.csv"])
    shop.run()
    (root / "plans").mkdir()
    write_example("starter", root / "plans" / "starter.yaml")
    with shop.derived() as (engine, _, _):
        found = engine.fetch("findings", "select finding_id from findings order by 1")
    names: list[str] = found["finding_id"].to_pylist()
    return names


class Server:
    """``jinpai serve`` with its worker (unless told otherwise), and an owner who is signed in.

    Attributes:
        log: the lines that both wrote since it was ready.
    """

    def __init__(self, root: Path, login: str, *options: str) -> None:
        with open_store(root) as store, store.write() as session:
            user = add_user(session, login, role="owner", actor="tests")
            self._cookie = f"{COOKIE}={start_session(session, user)}"
        command = [sys.executable, "-m", "jinpai", "serve", str(root), "--port", "0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.port = 0
        late = threading.Timer(_LONGEST, self.process.kill)
        late.start()
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/ ", line):
                self.port = int(found[1])
                break
        late.cancel()
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        _, page = self.ask("GET", "/account")
        self._token = page.split('<meta name="csrf" content="')[1].split('"')[0]

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self._reader.join(120)  # its worker, which writes there too, ends when it sees that
        assert self.process.stderr is not None
        self.process.stderr.close()

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str]:
        """Ask for something; OSError or HTTPException when the server is gone."""
        at = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"cookie": self._cookie, "accept": "text/html"}
        if method == "POST":
            headers["x-csrf-token"] = self._token
            headers["content-type"] = "application/x-www-form-urlencoded"
        at.request(method, path, body.encode(), headers)
        answer = at.getresponse()
        parts, until = [b""], time.monotonic() + _LONGEST
        while part := answer.read1():
            parts.append(part)  # what is told of a job goes on as long as the job
            assert time.monotonic() < until, f"{path} goes on: {parts[-2:]}, {self.log[-20:]}"
        at.close()
        return answer.status, b"".join(parts).decode()


class Hurried(threading.Thread):
    """Does one kind of thing again and again.

    Attributes:
        told: what the server said was done: "upload" (batch, bytes), "import" (batch, buyer),
            "ruling" and "lock" their names.
        began: set once the first of it is done.
    """

    def __init__(self, server: Server, kind: str, tag: str, findings: list[str]) -> None:
        super().__init__(daemon=True)
        self._server, self._kind, self._tag, self._left = server, kind, tag, findings
        self.told: dict[str, list[str]] = defaultdict(list)
        self.began = threading.Event()
        self.wrong: list[str] = []

    def run(self) -> None:
        """Go on until the server is gone."""
        act = {"upload": self._upload, "ruling": self._rule, "lock": self._lock}[self._kind]
        number = 0
        try:
            while True:
                act(number)
                self.began.set()
                number += 1
        except (OSError, http.client.HTTPException):
            return
        finally:
            self.began.set()

    def _do(self, path: str, body: str, wanted: int) -> str:
        status, text = self._server.ask("POST", path, body)
        if status != wanted:
            self.wrong.append(f"{status} {path} {text[:300]}")
            raise ConnectionError
        return text

    def _upload(self, number: int) -> None:
        buyer = f"u{self._tag}-{number}"
        is_loaded = number == 1
        body = messages(1 + number % 28, [buyer]) if is_loaded else BIG
        links = json.loads(self._do("/import/batches", "", 201))
        batch = links["page"].rpartition("/")[2]
        self._do(f"{links['files']}?name={quote(buyer)}.csv", body, 201)
        if is_loaded:
            self._do(f"{links['page']}/load", urlencode({"then_run": "1"}), 303)
            self.told["import"].append(f"{batch} {buyer}")
        else:
            self.told["upload"].append(f"{batch} {len(body.encode())}")

    def _rule(self, number: int) -> None:
        if not self._left:
            raise ConnectionError
        name = self._left.pop()
        self._do(f"/findings/{quote(name)}/rulings", urlencode({"verdict": "right"}), 303)
        self.told["ruling"].append(name)

    def _lock(self, number: int) -> None:
        name = f"l{self._tag}-{number}"
        self._do("/kpi/lock?plan=starter", urlencode({"name": name, "agreed": "yes"}), 303)
        self.told["lock"].append(name)
