"""One small shop served to a real browser; people of every role who sign in as people do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from jinpai.demo import SHOP_ID, make_demo
from jinpai.scoring.examples import write_example
from jinpai.store import Store
from jinpai.store.accounts import add_user, set_password
from jinpai.web.app import create_app

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PASSWORD = "a long enough password"  # noqa: S105 - of made-up people
PERIOD = "from=2026-03-08&to=2026-03-14"
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(frozen=True)
class Served:
    """A served workspace.

    Attributes:
        base: address without the last ``/``.
        agent, mate: the agent who signs in, and another one; the supervisor's teams are theirs.
        names: agent_id -> name.
    """

    base: str
    agent: str
    mate: str
    names: dict[str, str]


Enter = Callable[..., Page]


def _lacking(what: str) -> None:
    if os.environ.get("JINPAI_NEED_BROWSER"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium or Chrome; skipped without one unless JINPAI_NEED_BROWSER is set."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        _lacking("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as the lock file of npm names it; got by npm where it is missing."""
    npm = shutil.which("npm")
    if not AXE.exists() and npm:
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit"], cwd=ROOT, check=True)
    if not AXE.exists():
        _lacking("no axe-core: apt-get install npm, then npm ci")
    return AXE.read_text("utf-8")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("browser") / "shop"
    make_demo(root, agents=4, days=14, buyers=200)
    (root / "plans").mkdir()
    write_example("starter", root / "plans" / "starter.yaml")
    app = create_app(root)
    roster = app.state.reader.roster(SHOP_ID)
    agent = min(one for one in roster if roster[one]["team"])
    mate = min(one for one in roster if one != agent and roster[one]["team"])
    _people(app.state.store, agent, [roster[one]["team"] for one in (agent, mate)])
    names = {one: roster[one]["name"] or one for one in roster}
    yield from (Served(base, agent, mate, names) for base in serving(app))


def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app as long as its address, without the last ``/``, is looked at."""
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=10
    )  # a page may follow a job still
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{place.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def _people(store: Store, agent: str, teams: list[str]) -> None:
    roles: dict[str, dict[str, object]] = {
        "owner": {}, "inspector": {}, "supervisor": {"teams": teams}, "agent": {"agent_id": agent},
    }  # fmt: skip
    with store.write() as session:
        for login, more in roles.items():
            user = add_user(session, login, role=login, actor="tests", **more)  # type: ignore[arg-type]
            set_password(session, user, PASSWORD, actor="tests")


@pytest.fixture
def enter(chromium: Browser, served: Served) -> Iterator[Enter]:
    """Sign somebody in by the form; what a page's scripts complain of fails the test."""
    open_ones, wrong = [], list[str]()

    def sign_in(login: str, language: str = "en", theme: str = "light") -> Page:
        made = chromium.new_context(viewport={"width": 1366, "height": 768})
        open_ones.append(made)
        for name, value in (("jinpai_lang", language), ("jinpai_theme", theme)):
            made.add_cookies([{"name": name, "value": value, "url": served.base}])
        page = made.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{served.base}/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_selector(".jp-side")
        return page

    yield sign_in
    for one in open_ones:
        one.close()
    assert wrong == []
