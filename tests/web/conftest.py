"""A small shop with a run, its app, and somebody of each role signed in; made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.demo import SHOP_ID, make_demo
from jinpai.store import Store
from jinpai.store.accounts import add_user, find_user, set_password
from jinpai.store.logins import start_session
from jinpai.web.app import create_app
from jinpai.web.security import COOKIE

PASSWORD = "a long enough password"  # noqa: S105 - of made-up people
Enter = Callable[[str], TestClient]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of four agents and fourteen days, computed."""
    root = tmp_path_factory.mktemp("web") / "shop"
    return make_demo(root, agents=4, days=14, buyers=200).workspace.root


@pytest.fixture(scope="session")
def app(shop: Path) -> Iterator[FastAPI]:
    made = create_app(shop)
    with TestClient(made):
        _people(made)
        yield made


def _people(app: FastAPI) -> None:
    store: Store = app.state.store
    roster = app.state.reader.roster(SHOP_ID)
    agent = min(one for one in roster if roster[one]["team"])
    team = roster[agent]["team"]
    with store.write() as session:
        for login, more in {
            "owner": {},
            "inspector": {},
            "readonly": {},
            "supervisor": {"teams": [team]},
            "agent": {"agent_id": agent},
        }.items():
            user = add_user(session, login, role=login, actor="tests", **more)
            set_password(session, user, PASSWORD, actor="tests")


@pytest.fixture
def enter(app: FastAPI) -> Enter:
    """Return a browser of somebody signed in; an empty login is nobody."""

    def browser(login: str = "") -> TestClient:
        made = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
        if login:
            store: Store = app.state.store
            with store.write() as session:
                made.cookies.set(COOKIE, start_session(session, find_user(session, login)))
        return made

    return browser
