"""The people who may sign in, and the log of what was done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import or_, select
from starlette.responses import RedirectResponse, Response

from jinpai.appraisal.lock_lines import log_locks
from jinpai.errors import UsageError
from jinpai.store.accounts import (
    add_user,
    change_user,
    clear_login,
    find_user,
    invite,
    set_active,
)
from jinpai.store.events import Event
from jinpai.store.people import ROLES, User
from jinpai.web.audit_words import facts_text, subject_text
from jinpai.web.cases import moment
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.cursor import cursor_of, place_of
from jinpai.web.errors import Forbidden
from jinpai.web.permissions import role_name
from jinpai.web.reading import NotRun
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
_PAGE, _CHUNK = 100, 1000
_SEED = "log"

Texts = Annotated[list[str] | None, Form()]
Short = Annotated[str, Form(max_length=200)]


@router.get("/people", name="people")
def people(page: PageOf) -> Response:
    """List the people."""
    return page.show(_view(page))


def _view(page: Page, *, told: str = "", link: str = "", login: str = "") -> View:
    with page.store.read() as session:
        users = list(session.scalars(select(User).order_by(User.login)))
    teams, agents = _roster(page)
    shown: dict[str, Any] = {
        "users": users,
        "told": told,
        "link": link,
        "login": login,
        "roles": ROLES,
        "teams": teams,
        "agents": agents,
    }
    rows = [_row(page, one) for one in users]
    empty = Empty(page.w("people_none"))
    table = Table("people", page.w("people_list"), _columns(page), rows, empty)
    status = 400 if told else 200
    return View("people.html.j2", page.w("people"), tables=[table], data=shown, status=status)


def _roster(page: Page) -> tuple[list[str], list[str]]:
    """Teams and chat accounts to choose from; none before the first run."""
    try:
        rosters = [page.reader.roster(shop.shop_id) for shop in page.reader.shops()]
    except NotRun:
        return [], []
    rows = [(agent, row) for roster in rosters for agent, row in roster.items()]
    teams = sorted({row["team"] for _, row in rows if row["team"]})
    return teams, sorted({agent for agent, _ in rows})


def _columns(page: Page) -> list[Column]:
    w = page.w
    return [
        Column("login", w("login_name"), is_fixed=True),
        Column("name", w("person_name")),
        Column("role", w("people_role")),
        Column("sees", w("people_sees")),
        Column("state", w("people_state")),
        Column("since", w("token_made"), "day"),
    ]


def _row(page: Page, user: User) -> Row:
    state = "active" if user.password_hash else "invited"
    state = state if user.is_active else "disabled"
    colour = {"active": "green", "invited": "yellow", "disabled": "secondary"}[state]
    sees = user.agent_id or page.w("comma").join(user.teams) or page.w("sees_all")
    return {
        "login": Cell(user.login, href=f"#u-{user.id}"),
        "name": Cell(user.name),
        "role": Cell(role_name(user.role, page.language)),
        "sees": Cell(sees),
        "state": Cell(state, text=page.w(f"state_{state}"), badge=colour),
        "since": Cell(user.created_at.date(), text=_moment(page, user.created_at)[:10]),
    }


def _actor(page: Page) -> str:
    """Who changes people: a browser of an owner, never a program's token."""
    if page.signed is None or page.signed.scopes is not None:
        raise Forbidden
    return str(page.user.login)


@router.post("/people", name="people_add")
def people_add(
    page: PageOf,
    login: Short,
    role: Short,
    name: Short = "",
    teams: Texts = None,
    agent_id: Short = "",
) -> Response:
    """Make an account and show its one-time link."""
    actor = _actor(page)
    try:
        with page.store.write() as session:
            user = add_user(
                session, login, role=role, actor=actor, name=name, teams=_kept(role, teams),
                agent_id=agent_id if role == "agent" else None,
            )  # fmt: skip
            token = invite(session, user, actor=actor)
    except UsageError as error:
        return page.show(_view(page, told=page.w.pick(error.text_zh, str(error))))
    return page.show(_view(page, link=_link(page, token), login=user.login))


def _kept(role: str, teams: Sequence[str] | None) -> list[str]:
    return [team for team in teams or [] if team.strip()] if role == "supervisor" else []


def _link(page: Page, token: str) -> str:
    base = str(page.request.base_url).rstrip("/")
    return f"{base}{page.request.app.state.paths['setup'].replace('{token}', token)}"


@router.post("/people/{login}/change", name="people_change")
def people_change(
    page: PageOf,
    login: str,
    role: Short,
    name: Short = "",
    teams: Texts = None,
    agent_id: Short = "",
) -> Response:
    """Change what an account is."""
    actor = _actor(page)
    try:
        with page.store.write() as session:
            user = find_user(session, login)
            change_user(
                session, user, actor=actor, role=role, name=name, teams=_kept(role, teams),
                agent_id=agent_id or None,
            )  # fmt: skip
    except UsageError as error:
        return page.show(_view(page, told=page.w.pick(error.text_zh, str(error))))
    return RedirectResponse(page.url("people"), 303)


@router.post("/people/{login}/reset", name="people_reset")
def people_reset(page: PageOf, login: str) -> Response:
    """Take the password away and show a new one-time link."""
    actor = _actor(page)
    with page.store.write() as session:
        user = find_user(session, login)
        clear_login(session, user, actor=actor)
        token = invite(session, user, actor=actor)
    return page.show(_view(page, link=_link(page, token), login=user.login))


@router.post("/people/{login}/active", name="people_active")
def people_active(page: PageOf, login: str, active: Short) -> Response:
    """Disable an account, or let it in again."""
    actor = _actor(page)
    try:
        with page.store.write() as session:
            set_active(session, find_user(session, login), active == "yes", actor=actor)
    except UsageError as error:
        return page.show(_view(page, told=page.w.pick(error.text_zh, str(error))))
    return RedirectResponse(page.url("people"), 303)


@router.get("/audit", name="audit")
def audit(page: PageOf) -> Response:
    """Show what was done, the newest first."""
    w = page.w
    log_locks(page.reader.root, page.store)
    columns = [
        Column("at", w("audit_at"), "time", is_fixed=True, is_sortable=False),
        Column("actor", w("audit_actor"), is_sortable=False),
        Column("kind", w("audit_kind"), is_sortable=False),
        Column("subject", w("audit_subject"), is_sortable=False),
        Column("before", w("audit_before"), is_sortable=False),
        Column("after", w("audit_after"), is_sortable=False),
    ]
    found = _events(page, place_of(page.query.get("cursor"), _SEED), _PAGE + 1)
    with page.store.read() as session:
        logins = {user.id: user.login for user in session.scalars(select(User))}
    following = cursor_of(found[_PAGE - 1].id, _SEED) if len(found) > _PAGE else ""
    table = Table(
        "audit", w("audit_list"), columns, [_event(page, one, logins) for one in found[:_PAGE]],
        Empty(w("audit_none")), every=lambda: _every(page), following=following,
    )  # fmt: skip
    return page.show(View("audit.html.j2", w("audit"), tables=[table]))


def _events(page: Page, before: int, limit: int) -> list[Event]:
    query = select(Event).order_by(Event.id.desc()).limit(limit)
    if before:
        query = query.where(Event.id < before)
    asked = page.query.get("q", "").strip()[:100]
    if asked:
        parts = (Event.subject, Event.kind, Event.actor)
        query = query.where(or_(*(part.contains(asked, autoescape=True) for part in parts)))
    with page.store.read() as session:
        return list(session.scalars(query))


def _every(page: Page) -> Iterator[Row]:
    before = 0
    while found := _events(page, before, _CHUNK):
        yield from (_event(page, one, {}) for one in found)
        before = found[-1].id


def _event(page: Page, one: Event, logins: Mapping[int, str]) -> Row:
    word = f"event_kind_{one.kind}"
    return {
        "at": Cell(f"{one.at:%Y-%m-%d %H:%M:%S} UTC", text=_moment(page, one.at)),
        "actor": Cell(one.actor),
        "kind": Cell(one.kind, text=page.w(word) if page.w.has(word) else one.kind),
        "subject": Cell(one.subject, text=subject_text(page.w, one.subject, logins)),
        "before": Cell(_plain(one.before), text=facts_text(page.w, one.subject, one.before)),
        "after": Cell(_plain(one.after), text=facts_text(page.w, one.subject, one.after)),
    }


def _moment(page: Page, at: datetime) -> str:
    """On the shop's clock; in a workspace without figures there is none."""
    try:
        return moment(page, at, seconds=True)
    except NotRun:
        return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _plain(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
