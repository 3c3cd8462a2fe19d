"""Where one is signed in, ending that, and the second factor that a role must set up first."""

from __future__ import annotations

from typing import Annotated, Any

import pyotp
from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.store.accounts import find_user
from jinpai.store.people import User, WebSession
from jinpai.store.signed import end_sessions, session_key, sessions_of
from jinpai.web.background import clock
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import Forbidden
from jinpai.web.security import must_have_factor
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.views.account import qr_of

__all__ = ["router"]

router = APIRouter()
Key = Annotated[str, Form(max_length=40)]


@router.get("/account/sessions", name="sessions")
def sessions(page: PageOf) -> Response:
    """List the browsers one is signed in with."""
    return _show(page, page.user, page.url("session_end"), page.w("sessions"))


@router.post("/account/sessions/end", name="session_end")
def session_end(page: PageOf, key: Key = "") -> Response:
    """End one of the own sign-ins, or all but this one."""
    signed = page.signed
    if signed is None or signed.scopes is not None:
        raise Forbidden
    with page.store.write() as session:
        user = session.get_one(User, signed.user.id)
        end_sessions(session, user, actor=user.login, key=key or None, keep=_kept(key, signed))
    return RedirectResponse(page.url("sessions"), 303)


def _kept(key: str, signed: Any) -> str:
    """What stays when all others are ended."""
    return "" if key else str(signed.session)


@router.get("/people/{login}/sessions", name="person_sessions")
def person_sessions(page: PageOf, login: str) -> Response:
    """List the browsers somebody is signed in with."""
    with page.store.read() as session:
        user = find_user(session, login)
    title = page.w("sessions_of", name=user.name)
    return _show(page, user, page.url("person_session_end", login=login), title)


@router.post("/people/{login}/sessions/end", name="person_session_end")
def person_session_end(page: PageOf, login: str, key: Key = "") -> Response:
    """End one sign-in of somebody, or all."""
    if page.signed is None or page.signed.scopes is not None:
        raise Forbidden
    with page.store.write() as session:
        user = find_user(session, login)
        end_sessions(session, user, actor=page.user.login, key=key or None)
    return RedirectResponse(page.url("person_sessions", login=login), 303)


def _show(page: Page, user: User, end: str, title: str) -> Response:
    with page.store.read() as session:
        found = sessions_of(session, user)
    is_own = page.signed is not None and user.id == page.signed.user.id
    shown: dict[str, Any] = {
        "ends": [(session_key(one), _name(page, one), _is_this(page, one)) for one in found],
        "end": end,
        "is_own": is_own,
        "many": len(found) > 1 or (not is_own and bool(found)),
    }
    rows = [_row(page, one) for one in found]
    table = Table("sessions", title, _columns(page), rows, Empty(page.w("sessions_none")))
    return page.show(View("sessions.html.j2", title, [table], data=shown))


def _is_this(page: Page, one: WebSession) -> bool:
    return page.signed is not None and one.token_hash == page.signed.session


def _name(page: Page, one: WebSession) -> str:
    return one.browser or page.w("session_unknown")


def _columns(page: Page) -> list[Column]:
    w = page.w
    return [
        Column("key", w("session_key"), is_fixed=True),
        Column("browser", w("session_browser"), is_fixed=True),
        Column("address", w("session_address")),
        Column("way", w("session_way")),
        Column("since", w("session_since"), "time"),
        Column("seen", w("session_seen"), "time"),
        Column("until", w("session_until"), "time"),
    ]


def _row(page: Page, one: WebSession) -> Row:
    w, here = page.w, _is_this(page, one)
    return {
        "key": Cell(session_key(one)),
        "browser": Cell(_name(page, one), under=w("session_this") if here else ""),
        "address": Cell(one.address),
        "way": Cell(one.way, text=w(f"session_way_{one.way}") if one.way else ""),
        "since": Cell(one.created_at, text=clock(page, one.created_at)),
        "seen": Cell(one.seen_at, text=clock(page, one.seen_at)),
        "until": Cell(one.expires_at, text=clock(page, one.expires_at)),
    }


@router.get("/account/second-factor", name="totp_first")
def totp_first(page: PageOf) -> Response:
    """Ask for a second factor before anything else; on to the first page where none is wanted."""
    if page.signed is None or not must_have_factor(page.request, page.signed):
        return RedirectResponse(page.url("home"), 303)
    secret = pyotp.random_base32()
    shown = {"secret": secret, "qr": qr_of(page.user, secret)}
    return page.show(View("totp_first.html.j2", page.w("totp_first"), data=shown))
