"""Where people are signed in, ending that, and the second factor a role must have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from jinpai.cli import main
from jinpai.errors import UnknownName, WorkspaceError
from jinpai.service_terms import set_required_totp
from jinpai.store import events_of
from jinpai.store.accounts import add_user, find_user, set_password
from jinpai.store.logins import new_token, start_session
from jinpai.store.people import WebSession
from jinpai.store.signed import browser_name, masked_address
from jinpai.web.app import create_app
from jinpai.web.security import COOKIE
from jinpai.workspace_config import load_config
from web.small import browser_of, csrf_of, small_shop

JSON = {"accept": "application/json"}
PASSWORD = "a long enough password"  # noqa: S105 - of made-up people
AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87": "Edge 126 · Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Safari/605.1.15": "Safari 17 · macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x1800312d)": "WeChat 8 · iOS",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0": "Firefox 127 · Linux",
    "curl/8.0": "",
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    made = create_app(small_shop(tmp_path / "shop", runs=True).root)
    with TestClient(made):
        yield made


def again(app: FastAPI, login: str) -> TestClient:
    """Another browser of somebody."""
    made = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    with app.state.store.write() as session:
        made.cookies.set(COOKIE, start_session(session, find_user(session, login)))
    return made


def keys(browser: TestClient, path: str = "/account/sessions") -> list[str]:
    return [
        row["key"] for row in browser.get(path, headers=JSON).json()["tables"]["sessions"]["rows"]
    ]


@pytest.mark.parametrize(("agent", "name"), AGENTS.items())
def test_a_browser_is_known_by_its_kind(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_of_an_address_a_part_is_kept() -> None:
    assert masked_address("::ffff:203.0.113.7") == "203.0.113.*"
    assert masked_address("testclient") == ""


def test_signing_in_notes_browser_and_part_of_the_address(app: FastAPI) -> None:
    with app.state.store.write() as session:
        set_password(
            session, add_user(session, "anna", role="owner", actor="t"), PASSWORD, actor="t"
        )
    agent = next(iter(AGENTS))
    client = TestClient(
        app, follow_redirects=False, client=("203.0.113.7", 1), headers={"user-agent": agent}
    )
    form = {"login": "anna", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303
    with app.state.store.read() as session:
        kept = session.scalars(select(WebSession)).one()
    assert (kept.browser, kept.address, kept.way) == (
        "Edge 126 · Windows",
        "203.0.113.*",
        "password",
    )


def test_one_ends_one_or_all_others_but_nobody_else_s(app: FastAPI) -> None:
    mine, other = browser_of(app, "inspector"), browser_of(app, "readonly")
    second, third = again(app, "inspector"), again(app, "inspector")
    form = csrf_of(mine)
    known = keys(mine)
    assert len(known) == 3
    page = mine.get("/account/sessions?lang=en").text
    assert page.count('name="key" value="') == 2  # this one ends by signing out
    (foreign,) = keys(other)
    assert (
        mine.post("/account/sessions/end", headers=form, data={"key": foreign}).status_code == 404
    )
    with app.state.store.read() as session:
        user = find_user(session, "inspector")
        newest = max(session.scalars(select(WebSession)), key=lambda one: one.created_at)
    assert newest.user_id == user.id
    mine.post("/account/sessions/end", headers=form, data={"key": newest.token_hash[:12]})
    assert third.get("/account").headers["location"].startswith("/login")
    assert second.get("/account").status_code == 200
    mine.post("/account/sessions/end", headers=form)
    assert second.get("/account").status_code == 303
    assert len(keys(mine)) == 1
    assert other.get("/account").status_code == 200
    with app.state.store.read() as session:
        event = events_of(session, f"user:{user.id}")[0]
    assert (event.kind, event.after) == ("user.sessions_ended", {"sessions": 1})


def test_the_owner_ends_anybody_s_and_others_may_not(app: FastAPI) -> None:
    owner, agent = browser_of(app), browser_of(app, "agent")
    assert agent.get("/people/owner/sessions").status_code == 403
    assert len(keys(owner, "/people/agent/sessions")) == 1
    assert owner.post("/people/agent/sessions/end", headers=csrf_of(owner)).status_code == 303
    assert agent.get("/account").status_code == 303
    assert owner.get("/people/nobody/sessions").status_code == 404


def test_a_role_sets_its_second_factor_up_before_anything_else(app: FastAPI) -> None:
    browser, agent = browser_of(app, "inspector"), browser_of(app, "agent")
    form = csrf_of(browser)
    with app.state.store.write() as session:
        token = new_token(session, find_user(session, "inspector"), "t", ["read"])
    root = app.state.reader.root
    set_required_totp(root, ["inspector"])
    for path in ("/conversations", "/account", "/account/sessions", "/"):
        assert browser.get(path).headers["location"] == "/account/second-factor"
    assert browser.get("/conversations", headers=JSON).json()["error"]["code"] == "second_factor"
    assert browser.post("/account/tokens", headers=form).status_code == 303
    assert browser.get("/static/app.css").status_code == 200
    assert agent.get("/account").status_code == 200  # another role
    program = TestClient(app, headers={"authorization": f"Bearer {token}"})
    assert program.get("/conversations", headers=JSON).status_code == 200  # no sign-in
    page = browser.get("/account/second-factor?lang=en").text
    secret = page.split('name="secret" value="')[1].split('"')[0]
    sent = {"secret": secret, "code": pyotp.TOTP(secret).now()}
    assert browser.post("/account/totp", headers=form, data=sent).status_code == 303
    assert browser.get("/conversations").status_code == 200
    assert browser.get("/account/second-factor").headers["location"] == "/"


def test_who_comes_by_a_provider_has_its_factor(app: FastAPI) -> None:
    browser_of(app, "inspector")
    set_required_totp(app.state.reader.root, ["inspector"])
    made = TestClient(app, follow_redirects=False, headers={"accept": "text/html"})
    with app.state.store.write() as session:
        cookie = start_session(session, find_user(session, "inspector"), way="oidc")
    made.cookies.set(COOKIE, cookie)
    assert made.get("/account").status_code == 200


def test_the_commands(app: FastAPI, capfd: pytest.CaptureFixture[str]) -> None:
    browser, root = browser_of(app, "inspector"), str(app.state.reader.root)

    def told(*command: str) -> Any:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*command, "--format", "json"])
        assert left.value.code == 0
        return json.loads(capfd.readouterr().out)

    (one,) = told("user", "sessions", root, "inspector")
    assert told("user", "end", root, "inspector", "--session", one["session"]) == {
        "login": "inspector",
        "ended": 1,
    }
    assert browser.get("/account").status_code == 303
    assert told("user", "require-totp", root, "owner", "agent") == {
        "require_totp": ["owner", "agent"]
    }
    assert load_config(Path(root)).accounts.require_totp == ("owner", "agent")
    assert told("user", "require-totp", root) == {"require_totp": []}
    with pytest.raises(UnknownName, match="boss"):
        set_required_totp(Path(root), ["boss"])
    file = Path(root) / "jinpai.toml"
    file.write_text(file.read_text("utf-8").replace("require_totp = []", 'require_totp = ["boss"]'))
    with pytest.raises(WorkspaceError, match="require_totp"):
        load_config(Path(root))
