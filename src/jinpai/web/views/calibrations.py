"""Calibration sessions: everybody judges the same findings alone, then sees where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi import Path as PathPart
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from jinpai.errors import Conflict, UsageError
from jinpai.quality.names import rule_names
from jinpai.review.candidates import Draw, draw
from jinpai.store.people import User
from jinpai.web.calibrating import case_view, next_case, said_by
from jinpai.web.cases import desk_of, moment
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.marks import is_inspected, rule_word
from jinpai.web.sight import Sight
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
Short = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=8000)]
Number = Annotated[int, PathPart(ge=1, le=2**31 - 1)]
_ROLES = ("owner", "inspector", "supervisor")


@router.get("/calibrations", name="calibrations")
def calibrations(page: PageOf) -> Response:
    """List the sessions, and offer to open one."""
    return _list(page)


def _list(page: Page, told: str = "") -> Response:
    w, may_open = page.w, page.may("calibration_open")
    columns = [
        Column("name", w("calibration_name"), is_fixed=True),
        Column("state", w("calibration_state")),
        Column("mine", w("calibration_mine"), is_sortable=False),
        Column("size", w("calibration_size"), "count"),
        Column("ruled", w("calibration_ruled"), is_sortable=False),
        Column("by", w("calibration_by")),
        Column("at", w("calibration_at"), "time"),
    ]
    rows = [_row(page, one) for one in desk_of(page).calibrations()]
    empty = Empty(w("calibrations_none" if may_open else "calibrations_none_for_you"))
    table = Table("calibrations", w("calibrations_list"), columns, rows, empty)
    shown = {
        "told": told,
        "members": _candidates(page) if may_open else [],
        "rules": [(one.code, w.pick(one.zh, one.en)) for one in rule_names() if not one.is_merit],
        "may_open": may_open and is_inspected(page),
    }
    status = 400 if told else 200
    title = w("calibrations")
    return page.show(View("calibrations.html.j2", title, [table], data=shown, status=status))


def _candidates(page: Page) -> list[User]:
    with page.store.read() as session:
        query = select(User).where(User.is_active, User.role.in_(_ROLES)).order_by(User.login)
        return list(session.scalars(query))


def _row(page: Page, one: Mapping[str, Any]) -> Row:
    w, size = page.w, one["size"]
    mine = one["ruled"].get(page.user.login)
    ruled = [f"{name} {n}/{size}" for name, n in one["ruled"].items()]
    is_open = one["state"] == "open"
    return {
        "name": Cell(one["name"], href=page.url("calibration", number=one["calibration"])),
        "state": Cell(
            one["state"],
            text=w("calibration_open" if is_open else "calibration_revealed"),
            badge="yellow" if is_open else "green",
        ),
        "mine": Cell(w("calibration_not_in") if mine is None else f"{mine}/{size}"),
        "size": Cell(size),
        "ruled": Cell(w("comma").join(ruled)),
        "by": Cell(one["opened_by"]),
        "at": Cell(moment(page, one["opened_at"])),
    }


@router.post("/calibrations", name="calibration_open")
def calibration_open(
    page: PageOf,
    name: Short,
    members: Annotated[list[str], Form(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
    rule: Short = "",
    per: Short = "all",
    n: Annotated[int, Form(ge=1, le=100)] = 10,
    seed: Short = "1",
) -> Response:
    """Draw faults of the period and open a session on them."""
    filters = page.filters
    first, last = filters.period.first.isoformat(), filters.period.last.isoformat()
    rules = (rule,) if rule else ()
    asked = Draw(per, n, None, seed, first, last, filters.shop_id, (), rules)  # type: ignore[arg-type]
    try:
        _check_sight(page, asked, members)
        made = desk_of(page).calibrate(asked, reviewers=members, name=name, by=page.user.login)
    except UsageError as error:
        return _list(page, page.w.pick(error.text_zh, str(error)))
    return RedirectResponse(page.url("calibration", number=made["calibration"]), 303)


def _check_sight(page: Page, asked: Draw, members: list[str]) -> None:
    """Raise UsageError for a member who may not see what is drawn, or is nobody."""
    known = {user.login: user for user in _candidates(page)}
    agents = {facts["agent_id"] for facts in draw(page.reader, asked).facts}
    for login in members:
        if login not in known:
            raise UsageError(f"There is no reviewer '{login}'.", zh=f"没有复核员“{login}”。")
        sight = Sight(known[login], page.sight.roster)
        for agent in sorted(agents, key=str):
            if not sight.sees_agent(agent):
                name = sight.name(agent)
                raise UsageError(
                    f"{login} may not see the conversations of {name} and cannot take part.",
                    zh=f"{login} 看不到客服 {name} 的会话，不能参加这次校准。",
                )


def _session(page: Page, number: int) -> dict[str, Any]:
    """Return a session as the one who looks may see it; raises NotFound."""
    try:
        return desk_of(page).calibration(number, viewer=page.user.login)
    except UsageError:
        raise NotFound from None


@router.get("/calibrations/{number}", name="calibration")
def calibration(page: PageOf, number: Number) -> Response:
    """Show a session: how far it is, and when all have ruled, where they differ."""
    found, w = _session(page, number), page.w
    me, done = page.user.login, found["size"]
    waiting = [name for name, n in found["ruled"].items() if n < done and name != me]
    following = next_case(page, found)
    shown = {
        "found": found,
        "is_open": found["state"] == "open",
        "waiting": w("comma").join(waiting),
        "begin": _case_url(page, found, following) if following else "",
        "is_member": page.user.login in found["ruled"],
    }
    tables = [said_by(page, found, lambda case: _case_url(page, found, case))]
    if found["agreement"] is not None:
        tables.append(_agreement(page, found["agreement"]))
        differ = [row for row in tables[0].rows if row["differ"].value]
        shown["said"] = w("calibration_differ_n", n=len(differ), of=found["size"])
    return page.show(View("calibration.html.j2", found["name"], tables, data=shown, json=found))


def _case_url(page: Page, found: Mapping[str, Any], case: Mapping[str, Any]) -> str:
    number, finding_id = found["calibration"], case["finding_id"]
    return page.url("calibration_case", number=number, finding_id=finding_id, shop=case["shop_id"])


def _agreement(page: Page, found: Mapping[str, Any]) -> Table:
    w = page.w
    columns = [
        Column("pair", w("calibration_pair"), is_fixed=True),
        Column("n", w("calibration_n"), "count"),
        Column("same", w("calibration_same"), "ratio"),
        Column("kappa", w("calibration_kappa"), "number"),
    ]

    def row(name: str, one: Mapping[str, Any]) -> Row:
        figures = {"n": Cell(one["n"]), "same": Cell(one["agreement"]), "kappa": Cell(one["kappa"])}
        return {"pair": Cell(name)} | figures

    rows = [row(" · ".join(one["reviewers"]), one) for one in found["pairs"]]
    foot = [row(w("calibration_all"), found)] if len(rows) > 1 else []
    empty = Empty(w("calibrations_none"))
    return Table("agreement", w("calibration_agreement"), columns, rows, empty, foot=foot)


@router.get("/calibrations/{number}/{finding_id}", name="calibration_case")
def calibration_case(page: PageOf, number: Number, finding_id: str) -> Response:
    """Show a finding of a session to rule on, with its conversation and without others' words."""
    return _case(page, number, finding_id)


def _case(page: Page, number: int, finding_id: str, told: str = "", status: int = 200) -> Response:
    found = _session(page, number)
    case = next((one for one in found["findings"] if one["finding_id"] == finding_id), None)
    if case is None:
        raise NotFound
    page.sight.need_agent(case["agent_id"])
    following = next_case(page, found, after=finding_id)
    to = _case_url(page, found, following) if following else ""
    title = page.w("calibration_case_title", rule=rule_word(page, case["rule"]))
    shown = {"found": found, "told": told, "after": to}
    return page.show(case_view(page, case, title, shown, status))


@router.post("/calibrations/{number}/{finding_id}", name="calibration_rule")
def calibration_rule(
    page: PageOf, number: Number, finding_id: str, verdict: Short, comment: Long = ""
) -> Response:
    """Rule on a finding of a session; the next one follows, in the end the session."""
    w, who = page.w, page.user.login
    _session(page, number)
    try:
        found = desk_of(page).rule_calibration(
            number, finding_id, verdict, reviewer=who, comment=comment
        )
    except Conflict as error:
        return _case(page, number, finding_id, w.pick(error.text_zh, str(error)), 409)
    except UsageError as error:
        return _case(page, number, finding_id, w.pick(error.text_zh, str(error)), 400)
    following = next_case(page, found, after=finding_id)
    to = _case_url(page, found, following) if following else ""
    return RedirectResponse(to or page.url("calibration", number=number), 303)
