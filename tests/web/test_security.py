"""Coming in, staying out, and what every answer carries."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from jinpai.store import Store, events_of, now
from jinpai.store.accounts import add_user, find_user, invite, set_password
from jinpai.store.people import ApiToken, LoginFailure, User, WebSession
from jinpai.web.security import COOKIE
from web.conftest import PASSWORD, Enter

JSON = {"accept": "application/json"}


def csrf_of(browser: TestClient) -> str:
    found = re.search(r'<meta name="csrf" content="([^"]+)"', browser.get("/account").text)
    assert found is not None
    return found[1]


def person(app: FastAPI, login: str, role: str = "readonly") -> None:
    store: Store = app.state.store
    with store.write() as session:
        user = add_user(session, login, role=role, actor="tests")
        set_password(session, user, PASSWORD, actor="tests")


def kinds(app: FastAPI, limit: int = 10) -> list[str]:
    with app.state.store.read() as session:
        return [event.kind for event in events_of(session, limit=limit)]


def test_a_person_signs_in_and_out(enter: Enter, app: FastAPI) -> None:
    person(app, "anna")
    browser = enter()
    form = {"login": " Anna ", "password": PASSWORD, "next": "/team?rule=payment"}
    answer = browser.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/team?rule=payment")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert browser.get("/team").status_code == 200
    assert browser.post("/logout", headers={"x-csrf-token": csrf_of(browser)}).status_code == 303
    assert browser.get("/team").headers["location"].startswith("/login")
    assert kinds(app, 2) == ["user.signed_out", "user.signed_in"]


@pytest.mark.parametrize(
    ("root", "name"), [("", "__Host-jinpai_session"), ("/shop", "__Secure-jinpai_session")]
)
def test_behind_https_the_cookie_belongs_to_this_host_alone(
    app: FastAPI, root: str, name: str
) -> None:
    browser = TestClient(
        app, "https://testserver", root_path=root, follow_redirects=False,
        headers={"accept": "text/html"},
    )  # fmt: skip
    answer = browser.post("/login", data={"login": "owner", "password": PASSWORD})
    kept = answer.headers["set-cookie"]
    assert kept.startswith(f"{name}=")
    assert "secure" in kept.lower()
    assert f"path={root or '/'};" in f"{kept.lower()};"
    assert "includesubdomains" in answer.headers["strict-transport-security"].lower()
    account = browser.get(f"{root}/account")
    token = re.search(r'<meta name="csrf" content="([^"]+)"', account.text)
    assert token is not None
    left = browser.post(f"{root}/logout", headers={"x-csrf-token": token[1]})
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    gone = left.headers["set-cookie"].lower()
    assert f"path={root or '/'};" in f"{gone};"
    assert "max-age=0" in gone
    assert browser.get(f"{root}/account").status_code == 303


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "x"])
def test_signing_in_leads_nowhere_else(enter: Enter, app: FastAPI, to: str) -> None:
    form = {"login": "owner", "password": PASSWORD, "next": to}
    assert enter().post("/login", data=form).headers["location"] == "/"


def test_wrong_passwords_have_to_wait(enter: Enter, app: FastAPI) -> None:
    person(app, "bert")
    browser = enter()
    form = {"login": "bert", "password": "wrong"}
    told = [browser.post("/login", data=form).status_code for _ in range(6)]
    assert told == [401] * 5 + [429]
    assert kinds(app, 6) == ["user.sign_in_failed"] * 5 + ["user.password_set"]
    right = form | {"password": PASSWORD}
    assert browser.post("/login", data=right).status_code == 429
    store: Store = app.state.store
    with store.write() as session:
        session.execute(update(LoginFailure).values(last_at=now() - timedelta(hours=1)))
    assert browser.post("/login", data=right).status_code == 303


def test_nobody_learns_who_has_an_account(enter: Enter) -> None:
    browser = enter()
    answers = [
        browser.post("/login", data={"login": login, "password": "not the password"})
        for login in ("owner", "nobody-at-all")
    ]
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1


def test_a_change_needs_the_token_of_the_session(enter: Enter, app: FastAPI) -> None:
    browser, other = enter("owner"), enter("owner")
    form = {"login": "carl", "role": "readonly"}
    assert browser.post("/people", data=form).status_code == 403
    assert browser.post("/people", data=form | {"csrf": csrf_of(other)}).status_code == 403
    answer = browser.post("/people", data=form | {"csrf": csrf_of(browser)})
    assert answer.status_code == 200
    link = re.search(r"http://testserver(/setup/[\w-]+)", answer.text)
    assert link is not None
    chosen = {"password": PASSWORD, "again": PASSWORD}
    assert enter().post(link[1], data=chosen | {"again": "other"}).status_code == 400
    assert enter().post(link[1], data=chosen).status_code == 303
    assert enter().post(link[1], data=chosen).status_code == 400  # it works once
    wanted = ["user.signed_in", "user.password_set", "user.invited", "user.added"]
    assert kinds(app, 4) == wanted


def test_a_session_ends(enter: Enter, app: FastAPI) -> None:
    browser = enter("readonly")
    assert browser.get("/team").status_code == 200
    store: Store = app.state.store
    with store.write() as session:
        session.execute(update(WebSession).values(seen_at=now() - timedelta(hours=9)))
    assert browser.get("/team").status_code == 303


def test_a_disabled_person_is_out_at_once(enter: Enter, app: FastAPI) -> None:
    person(app, "dora")
    dora, owner = enter("dora"), enter("owner")
    assert dora.get("/team").status_code == 200
    form = {"active": "no", "csrf": csrf_of(owner)}
    assert owner.post("/people/dora/active", data=form).status_code == 303
    assert dora.get("/team").status_code == 303
    assert enter().post("/login", data={"login": "dora", "password": PASSWORD}).status_code == 401


def test_the_last_owner_stays(enter: Enter) -> None:
    owner = enter("owner")
    form = {"active": "no", "csrf": csrf_of(owner)}
    assert owner.post("/people/owner/active", data=form).status_code == 400


def test_a_second_factor_is_asked_for_and_each_code_works_once(enter: Enter, app: FastAPI) -> None:
    person(app, "emil")
    browser = enter("emil")
    secret = pyotp.random_base32()
    form = {"secret": secret, "csrf": csrf_of(browser)}
    assert browser.post("/account/totp", data=form | {"code": "000000"}).status_code == 400
    code = pyotp.TOTP(secret).now()
    assert browser.post("/account/totp", data=form | {"code": code}).status_code == 303
    login = {"login": "emil", "password": PASSWORD}
    asked = enter().post("/login", data=login)
    assert asked.status_code == 200
    assert 'name="code"' in asked.text
    fresh = pyotp.TOTP(secret).at(int(time.time()))
    assert enter().post("/login", data=login | {"code": fresh}).status_code == 303
    assert enter().post("/login", data=login | {"code": fresh}).status_code == 401


def test_a_token_may_what_its_scopes_say(enter: Enter, app: FastAPI) -> None:
    browser = enter("owner")
    form = {"name": "nightly", "scopes": ["read"], "csrf": csrf_of(browser)}
    made = browser.post("/account/tokens", data=form).text
    token = re.search(r"jp_[\w-]+", made)
    assert token is not None
    program = enter()
    program.headers = {"authorization": f"Bearer {token[0]}"}
    assert program.get("/team").json()["page"] == "team"
    assert program.get("/team?format=csv").status_code == 403
    assert program.post("/people", data={"login": "x", "role": "owner"}).status_code == 403
    assert program.post("/account/tokens", data={"name": "more"}).status_code == 403
    with app.state.store.read() as session:
        row = session.scalars(select(ApiToken).where(ApiToken.name == "nightly")).one()
    assert token[0] not in (row.token_hash, row.name)
    browser.post(f"/account/tokens/{row.id}/revoke", data={"csrf": csrf_of(browser)})
    assert program.get("/team").status_code == 401


def test_every_answer_carries_the_headers(enter: Enter) -> None:
    browser = enter("owner")
    for path in ("/overview", "/login", "/static/app.css", "/nope", "/team?format=csv"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_a_chat_is_masked_until_somebody_says_why(enter: Enter, app: FastAPI) -> None:
    browser = enter("inspector")
    listed = browser.get("/conversations", headers=JSON).json()["tables"]["talks"]["rows"]
    html = browser.get("/conversations").text
    path = re.search(r'href="(/conversations/[^"]+)"', html)
    assert path is not None
    buyer = listed[0]["buyer"]
    here = path[1].replace("&amp;", "&")
    assert "unmask" in browser.get(here).text
    form = {"subject": f"buyer:demo:{buyer}", "reason": "", "next": here}
    form["csrf"] = csrf_of(browser)
    assert browser.post("/unmask", data=form | {"reason": "  a "}).status_code == 400
    answer = browser.post("/unmask", data=form | {"reason": "买家要求改地址"})
    assert answer.headers["location"] == here
    assert 'name="reason"' not in browser.get(here).text
    with app.state.store.read() as session:
        event = events_of(session, limit=1)[0]
    assert (event.kind, event.actor, event.after) == (
        "chat.unmasked", "inspector", {"reason": "买家要求改地址"},
    )  # fmt: skip
    assert enter("agent").post("/unmask", data=form).status_code == 404


def test_passwords_are_kept_as_argon2(app: FastAPI) -> None:
    with app.state.store.read() as session:
        kept = session.get_one(User, find_user(session, "owner").id).password_hash
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_the_first_link_makes_the_owner_once(app: FastAPI, enter: Enter) -> None:
    store: Store = app.state.store
    with store.write() as session:
        token = invite(session, None, actor="tests")
    form = {"login": "second", "password": PASSWORD, "again": PASSWORD}
    assert enter().post(f"/setup/{token}", data=form).status_code == 400  # there is an owner
    assert COOKIE == "jinpai_session"
