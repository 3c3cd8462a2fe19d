"""Accounts, links, sessions and tokens, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from jinpai.errors import UnknownName, UsageError
from jinpai.store import Store, events_of, now
from jinpai.store.accounts import (
    accept_invite,
    add_user,
    change_user,
    check_password,
    find_user,
    has_people,
    invite,
    set_active,
    set_password,
)
from jinpai.store.logins import (
    grant,
    new_token,
    revoke_token,
    session_of,
    sign_in,
    start_session,
    token_user,
    touch,
    wait_seconds,
)
from jinpai.store.people import Invite, LoginFailure, WebSession

PASSWORD = "correct horse battery"  # noqa: S105 - of made-up people


def owner(store: Store, login: str = "boss") -> None:
    with store.write() as session:
        user = add_user(session, login, role="owner", actor="test")
        set_password(session, user, PASSWORD, actor="test")


def test_the_first_link_makes_the_owner_and_no_second(store: Store) -> None:
    with store.write() as session:
        assert not has_people(session)
        first, token = (invite(session, None, actor="serve") for _ in range(2))
    with store.write() as session, pytest.raises(UsageError, match="too old"):
        accept_invite(session, first, PASSWORD, login="thief")  # the newer link ended it
    with store.write() as session:
        user = accept_invite(session, token, PASSWORD, login="Boss", name="林掌柜")
        assert (user.login, user.role, user.name) == ("boss", "owner", "林掌柜")
    with store.write() as session, pytest.raises(UsageError, match="used already"):
        accept_invite(session, token, PASSWORD, login="thief")


def test_a_link_ends_after_three_days(store: Store) -> None:
    owner(store)
    with store.write() as session:
        token = invite(session, find_user(session, "boss"), actor="test")
        session.execute(update(Invite).values(expires_at=now() - timedelta(seconds=1)))
    with store.write() as session, pytest.raises(UsageError, match="too old"):
        accept_invite(session, token, PASSWORD)


@pytest.mark.parametrize(
    ("login", "more", "told"),
    [
        ("boss", {"role": "readonly"}, "already"),
        ("a b", {"role": "readonly"}, "no login"),
        ("x" * 65, {"role": "readonly"}, "no login"),
        ("mei", {"role": "agent"}, "chat account"),
        ("lan", {"role": "supervisor"}, "team"),
        ("tom", {"role": "king"}, "role"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    store: Store, login: str, more: dict[str, str], told: str
) -> None:
    owner(store)
    with store.write() as session, pytest.raises(UsageError, match=told):
        add_user(session, login, actor="test", **more)
    with store.read() as session, pytest.raises(UnknownName):
        find_user(session, "mei")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "boss",
        "aaaaaaaaaaaaaa",
        "x" * 129,
        "password123",
        "qwertyuiop",
        "1234567890",
        "boss2026",
    ],
)
def test_a_poor_password_is_refused(store: Store, password: str) -> None:
    owner(store)
    with store.write() as session, pytest.raises(UsageError, match=r"characters|guess"):
        set_password(session, find_user(session, "boss"), password, actor="test")
    with store.read() as session:
        assert check_password(find_user(session, "boss"), PASSWORD)


def test_nobody_has_a_password(store: Store) -> None:
    assert not check_password(None, PASSWORD)


def test_a_session_holds_until_it_ends(store: Store) -> None:
    owner(store)
    with store.write() as session:
        cookie = start_session(session, find_user(session, "boss"))
    with store.read() as session:
        signed, is_time = session_of(session, cookie)
        assert signed is not None
        assert (signed.user.login, is_time) == ("boss", False)
        assert session_of(session, cookie + "x") == (None, False)
    with store.write() as session:
        session.execute(update(WebSession).values(seen_at=now() - timedelta(minutes=5)))
    with store.write() as session:
        signed, is_time = session_of(session, cookie)
        assert signed is not None
        assert is_time
        touch(session, signed)
    for column in ("seen_at", "expires_at"):
        with store.write() as session:
            session.execute(update(WebSession).values({column: now() - timedelta(days=8)}))
        with store.read() as session:
            assert session_of(session, cookie) == (None, False)


def test_what_changes_an_account_ends_its_sessions_and_tokens(store: Store) -> None:
    owner(store)
    owner(store, "second")
    with store.write() as session:
        user = find_user(session, "boss")
        cookie, token = start_session(session, user), new_token(session, user, "t", ["read"])
    with store.write() as session:
        assert token_user(session, token) is not None
        change_user(session, find_user(session, "boss"), actor="second", role="readonly")
    with store.read() as session:
        assert session_of(session, cookie)[0] is None
        assert token_user(session, token) is None
        found = events_of(session, limit=1)[0]
    assert (found.kind, found.actor) == ("user.changed", "second")
    assert (found.before or {})["role"] == "owner"
    assert (found.after or {})["role"] == "readonly"


def test_the_last_owner_stays_one(store: Store) -> None:
    owner(store)
    with store.write() as session, pytest.raises(UsageError, match="last owner"):
        set_active(session, find_user(session, "boss"), False, actor="test")
    with store.write() as session, pytest.raises(UsageError, match="last owner"):
        change_user(session, find_user(session, "boss"), actor="test", role="readonly")
    owner(store, "second")
    with store.write() as session:
        set_active(session, find_user(session, "boss"), False, actor="second")


def test_each_failure_after_the_fifth_doubles_the_wait(store: Store) -> None:
    owner(store)
    waits = []
    for _ in range(8):
        with store.write() as session:
            assert sign_in(session, "boss", "wrong", address="10.0.0.1") == (None, False)
            waits.append(wait_seconds(session, "boss", "10.0.0.2"))
    assert waits[:4] == [0, 0, 0, 0]
    for wait, wanted in zip(waits[4:], (5, 10, 20, 40), strict=True):
        assert wanted - 2 <= wait <= wanted
    with store.write() as session:
        user, _ = sign_in(session, "boss", PASSWORD, address="10.0.0.3")
        assert user is not None
        assert session.get(LoginFailure, "login:boss") is None
        assert wait_seconds(session, "boss", "10.0.0.1") == 0


def test_a_token_has_its_scopes_and_an_end(store: Store) -> None:
    owner(store)
    with store.write() as session:
        user = find_user(session, "boss")
        with pytest.raises(UnknownName):
            new_token(session, user, "t", ["everything"])
        token = new_token(session, user, "t", ["read", "export"])
        old = new_token(session, user, "old", ["read"], days=-1)
    with store.read() as session:
        signed = token_user(session, token)
        assert signed is not None
        assert [signed.may(scope) for scope in ("read", "export", "write")] == [True, True, False]
        assert token_user(session, old) is None
        assert token_user(session, "jp_guess") is None
    with store.write() as session:
        user = find_user(session, "boss")
        with pytest.raises(UnknownName):
            revoke_token(session, user, 999, actor="boss")


def test_unmasking_is_of_one_subject_for_a_while_and_is_logged(store: Store) -> None:
    owner(store)
    with store.write() as session:
        cookie = start_session(session, find_user(session, "boss"))
    with store.write() as session:
        signed, _ = session_of(session, cookie)
        assert signed is not None
        with pytest.raises(UsageError, match="why"):
            grant(session, signed, "buyer:s:b", "  . ")
        grant(session, signed, "buyer:s:b", "address change")
    with store.read() as session:
        signed, _ = session_of(session, cookie)
        event = events_of(session, limit=1)[0]
    assert signed is not None
    assert signed.sees_plain("buyer:s:b")
    assert not signed.sees_plain("buyer:s:other")
    assert signed.grants["buyer:s:b"] <= now() + timedelta(minutes=15)
    assert (event.kind, event.subject) == ("chat.unmasked", "buyer:s:b")
