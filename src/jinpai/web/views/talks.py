"""Conversations: the list, one of them as it went, and showing it in full for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.periods import parse_day
from jinpai.settings import Settings
from jinpai.store.logins import grant
from jinpai.talk import SORTS, list_talks, message_files, read_talk
from jinpai.web.bubbles import lines_of
from jinpai.web.contexts import FigurePage, Page, PageOf, View, local_path
from jinpai.web.cursor import cursor_of, place_of
from jinpai.web.errors import Forbidden, NotFound
from jinpai.web.marks import found_in_talk, mark
from jinpai.web.masking import hide
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.workspace import scopes_of

__all__ = ["router", "subject_of", "talk_of"]

router = APIRouter()
_PAGE, _CHUNK = 50, 5000
_SECONDS = 1_000_000
_DIGITS = 10


@router.get("/conversations", name="conversations")
def conversations(page: FigurePage) -> Response:
    """List the conversations of the period that one may see."""
    w, query = page.w, page.query
    sort = _sort(page)
    tag = page.reader.run_key[:8]
    place = place_of(query.get("cursor"), tag)
    found = _list(page, sort, _PAGE + 1, place)
    following = cursor_of(place + _PAGE, tag) if len(found) > _PAGE else ""
    table = Table(
        "talks", w("talks_list"), _columns(page),
        [_row(page, row, at) for at, row in enumerate(found[:_PAGE], place)],
        Empty(w("talks_none"), page.url("conversations"), w("talks_clear")),
        every=lambda: _every(page, sort), sort=sort, following=following,
    )  # fmt: skip
    agents = sorted(one for one in page.sight.roster if page.sight.sees_agent(one))
    names = [(one, page.sight.name(one)) for one in agents]
    return page.show(
        View("conversations.html.j2", w("conversations"), tables=[table], data={"agents": names})
    )


def _sort(page: Page) -> str:
    """The order of the list that the query asks for; the latest first where there is none such."""
    asked = page.query.get("talks.sort") or ""
    return asked if asked.removeprefix("-") in SORTS else "-started_at"


def _list(page: Page, sort: str, limit: int, offset: int) -> list[dict[str, Any]]:
    filters = page.filters
    agents = page.sight.listed(page.query.get("agent"))
    buyer = page.query.get("buyer", "").strip()[:100]
    period = filters.period

    def ask() -> list[dict[str, Any]]:
        with page.reader.talks(filters.shop_id) as talks:
            (scope,) = scopes_of(talks.shops, period.first, period.last)
            return list_talks(
                talks.engine, scope, listed=talks.listed, agents=agents, buyer=buyer, sort=sort,
                limit=limit, offset=offset,
            )  # fmt: skip

    if limit > _PAGE + 1:
        return ask()
    whose = (agents and tuple(agents), buyer)
    question = ("talks", filters.shop_id, period, *whose, sort, offset, limit)
    return list(page.reader.kept(question, ask))


def _every(page: Page, sort: str) -> Iterator[Row]:
    at = 0
    while True:
        rows = _list(page, sort, _CHUNK, at)
        yield from (_row(page, row, place) for place, row in enumerate(rows, at))
        at += len(rows)
        if len(rows) < _CHUNK:
            return


def _columns(page: Page) -> list[Column]:
    w = page.w
    return [
        Column("buyer", w("talk_buyer"), is_fixed=True, is_sortable=False),
        Column("agent", w("talks_agent"), is_sortable=False),
        Column("started_at", w("talk_started"), "time"),
        Column("messages", w("talk_messages"), "count"),
        Column("first_us", w("talk_first_wait"), "seconds"),
        Column("longest_us", w("talk_longest_wait"), "seconds"),
        Column("unanswered", w("talk_unanswered"), "count"),
        Column("marks", w("talk_marks"), is_sortable=False),
    ]


def _row(page: Page, row: dict[str, Any], at: int) -> Row:
    w, filters = page.w, page.filters
    zone = ZoneInfo(filters.shop.timezone)
    started = row["started_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
    marks = [
        word
        for word, is_so in (
            ("mark_filtered", row["filter_reason"]),
            ("mark_unattended", not row["is_attended"]),
            ("mark_one_sided", row["is_attended"] and not row["is_two_sided"]),
        )
        if is_so
    ]
    return {
        "buyer": Cell(row["buyer_id"], href=_listed(page, row, at)),
        "agent": Cell(page.sight.name(row["agent_id"]) or w("cell_unassigned")),
        "started_at": Cell(f"{started:%Y-%m-%d %H:%M}"),
        "messages": Cell(row["messages"]),
        "first_us": Cell(_seconds(row["first_us"])),
        "longest_us": Cell(_seconds(row["longest_us"])),
        "unanswered": Cell(row["unanswered"]),
        "marks": Cell("、".join(map(w, marks)) or None, badge="secondary" if marks else ""),
    }


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / _SECONDS


def _listed(page: Page, row: dict[str, Any], at: int) -> str:
    """Where a conversation of the list opens; it knows the list, to go on to the next one."""
    query = page.query
    return page.url(
        "conversation", buyer_id=row["buyer_id"], agent=row["agent_id"] or "", day=row["day"],
        row=at, of=query.get("agent") or None, q=query.get("buyer") or None, sort=_sort(page),
    )  # fmt: skip


@router.get("/conversations-list", name="conversation_at")
def conversation_at(page: PageOf) -> Response:
    """Go on to a conversation by its row in the list; behind the last one, back to the list."""
    asked = page.query.get("row", "")
    at = int(asked) if asked.isdecimal() and len(asked) < _DIGITS else 0
    found = _list(page, _sort(page), 1, at)
    kept = {name: page.query.get(name) for name in ("agent", "buyer", "talks.sort")}
    to = _listed(page, found[0], at) if found else page.url("conversations", **kept)
    return RedirectResponse(to, 303)


def _along(page: Page, by: int) -> dict[str, Any]:
    """The link to the next or previous conversation of the list one came from."""
    query, asked = page.query, page.query.get("row", "")
    at = int(asked) + by if asked.isdecimal() and len(asked) < _DIGITS else -1
    if at < 0:
        return {}
    kept = {"agent": query.get("of"), "buyer": query.get("q"), "talks.sort": query.get("sort")}
    return {"href": page.url("conversation_at", row=at, **kept)}


@router.get("/conversations/{buyer_id:path}", name="conversation")
def conversation(page: FigurePage, buyer_id: str) -> Response:
    """Show what a buyer and an account said in the sessions that began on a day."""
    agent, day = page.query.get("agent", "") or None, parse_day(page.query.get("day", ""))
    page.sight.need_agent(agent)
    subject = subject_of(page.filters.shop_id, buyer_id)
    signed = page.signed
    is_plain = signed is not None and signed.sees_plain(subject)
    talk = talk_of(page, buyer_id, agent, day.isoformat(), is_plain)
    zone, settings = ZoneInfo(page.filters.shop.timezone), Settings.of(page.filters.shop.settings)
    lines = lines_of(page, talk, zone, slow=settings.slow_seconds)
    listed = found_in_talk(page, buyer_id, agent, talk["day"])
    found = mark(page, lines, listed, is_plain=is_plain)
    others = [row for row in talk["others"] if page.sight.sees_agent(row["agent_id"])]
    at = next(
        place for place, row in enumerate(others)
        if (row["agent_id"], row["day"]) == (agent, talk["day"])
    )  # fmt: skip
    until = signed.grants[subject].astimezone(zone).strftime("%H:%M") if is_plain and signed else ""
    if "row" in page.query:  # one came from a list, and goes along it
        around = {"before": _along(page, -1), "after": _along(page, 1)}
    else:
        around = {
            "before": _other(page, buyer_id, _step(others, at, -1)),
            "after": _other(page, buyer_id, _step(others, at, 1)),
        }
    name = page.sight.name(agent) or page.w("cell_unassigned")
    shown: dict[str, Any] = {
        "talk": talk,
        "lines": lines,
        "found": found,
        "tells_why": True,
        "others": [_other(page, buyer_id, row) | {"is_here": row is others[at]} for row in others],
        "subject": subject,
        "is_plain": is_plain,
        "until": until,
        "buyer_id": buyer_id,
        "agent_name": name,
        "day": day,
        **around,
    }
    title = page.w("talk_with", buyer=buyer_id, agent=name)
    told = talk | {"findings": listed}
    return page.show(View("conversation.html.j2", title, data=shown, json=told))


def talk_of(page: Page, buyer: str, agent: str | None, day: str, is_plain: bool) -> dict[str, Any]:
    """Return what a buyer and an account said in the sessions of a day, hidden unless plain."""
    filters, reader = page.filters, page.reader

    def ask() -> dict[str, Any]:
        with reader.talks(filters.shop_id) as talks:
            (scope,) = scopes_of(talks.shops, None, None)
            files = reader.kept(
                ("files", filters.shop_id), lambda: message_files(talks.snapshot, talks.shops[0])
            )
            return read_talk(
                talks.engine, talks.rows, talks.snapshot, scope, files, buyer, agent,
                parse_day(day), unmask=True,
            )  # fmt: skip

    talk = dict(reader.kept(("talk", filters.shop_id, buyer, agent, day), ask))
    if not is_plain:
        talk["messages"] = [row | {"text": hide(row["text"])} for row in talk["messages"]]
        talk["refunds"] = [row | {"reason": hide(row["reason"])} for row in talk["refunds"]]
    talk["others"] = [row for row in talk["others"] if page.sight.sees_agent(row["agent_id"])]
    return talk


def _step(others: list[dict[str, Any]], at: int, by: int) -> dict[str, Any] | None:
    """The nearest session of another day or account."""
    here = (others[at]["agent_id"], others[at]["day"])
    place = at + by
    while 0 <= place < len(others):
        if (others[place]["agent_id"], others[place]["day"]) != here:
            return others[place]
        place += by
    return None


def _other(page: Page, buyer: str, row: dict[str, Any] | None) -> dict[str, Any]:
    if row is None:
        return {}
    zone = ZoneInfo(page.filters.shop.timezone)
    at = datetime.fromisoformat(row["started_at"]).astimezone(zone)
    href = page.url(
        "conversation", buyer_id=buyer, agent=row["agent_id"] or "", day=row["day"], at=None
    )
    name = page.sight.name(row["agent_id"]) or page.w("cell_unassigned")
    return {"href": href, "name": name, "at": f"{at:%m-%d %H:%M}", "messages": row["messages"]}


def subject_of(shop_id: str, buyer_id: str) -> str:
    """Return what unmasking is granted for: all that is shown of one buyer."""
    return f"buyer:{shop_id}:{buyer_id}"


@router.post("/unmask", name="unmask")
def unmask(
    page: PageOf,
    subject: Annotated[str, Form(max_length=400)],
    reason: Annotated[str, Form(max_length=400)],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Show a buyer's conversations in full for a while; the reason is logged."""
    signed = page.signed
    if signed is None or not signed.session:
        raise Forbidden
    if not subject.startswith("buyer:"):
        raise NotFound
    with page.store.write() as session:
        grant(session, signed, subject, reason)
    return RedirectResponse(local_path(next), 303)
