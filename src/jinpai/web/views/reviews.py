"""The desk of reviewers: what waits, rulings, appeals and their decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from jinpai.errors import Conflict, UsageError
from jinpai.review.candidates import Draw
from jinpai.store.queues import count_states
from jinpai.store.reviews import Appeal, Case
from jinpai.web.cases import case_shown, desk_of, moment, waiting_for
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import Forbidden
from jinpai.web.finding import finding_of, finding_view
from jinpai.web.marks import is_inspected, rule_word
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
Short = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=8000)]
_APPEALS = 2000


def _queue(page: Page) -> list[str]:
    if not page.may("reviews"):
        return []
    with page.store.read() as session:
        return [case.finding_id for case in waiting_for(page, session)]


def finding_page(page: Page, finding_id: str, told: str = "", status: int = 200) -> Response:
    """Show a finding with what people said of it and may do with it."""
    found = finding_of(page, finding_id)
    queue = _queue(page) if page.query.get("queue") else []
    more = case_shown(page, found, queue)
    return page.show(finding_view(page, found, more, told=told, status=status))


@router.get("/findings/{finding_id}", name="finding")
def finding(page: PageOf, finding_id: str) -> Response:
    """Show one finding: why, its conversation with what shows it marked, and its case."""
    return finding_page(page, finding_id)


def _done(page: Page, finding_id: str, do: Callable[[], Any], to: str) -> Response:
    """Do something to a finding that one may see; tell it on its page where it cannot be done."""
    try:
        do()
    except Conflict as error:
        return finding_page(page, finding_id, page.w.pick(error.text_zh, str(error)), 409)
    except UsageError as error:
        return finding_page(page, finding_id, page.w.pick(error.text_zh, str(error)), 400)
    return RedirectResponse(to, 303)


@router.post("/findings/{finding_id}/rulings", name="finding_rule")
def finding_rule(
    page: PageOf, finding_id: str, verdict: Short, comment: Long = "", following: Short = ""
) -> Response:
    """Rule on a finding; in the queue the next one follows."""
    found = _judged(page, finding_id)
    desk, who = desk_of(page), page.user.login
    return _done(
        page,
        finding_id,
        lambda: desk.rule(found["finding_id"], verdict, reviewer=who, comment=comment),
        _after(page, found, following),
    )


@router.post("/findings/{finding_id}/missing", name="finding_missing")
def finding_missing(
    page: PageOf, finding_id: str, code: Short, comment: Long = "", following: Short = ""
) -> Response:
    """Report that a rule missed something in the session of a case; in the queue go on."""
    found = _judged(page, finding_id)
    desk, who = desk_of(page), page.user.login
    return _done(
        page,
        finding_id,
        lambda: desk.report(found["finding_id"], [code], reviewer=who, comment=comment),
        _after(page, found, following),
    )


def _after(page: Page, found: dict[str, Any], following: str) -> str:
    """Where one goes on after a ruling: in the queue to the next one."""
    if not page.query.get("queue"):
        return page.url("finding", finding_id=found["finding_id"])
    if following.isalnum():
        return page.url("finding", finding_id=following, queue=1)
    return page.url("reviews")


@router.post("/findings/{finding_id}/decision", name="finding_decide")
def finding_decide(page: PageOf, finding_id: str, outcome: Short, comment: Long = "") -> Response:
    """Decide an appeal; somebody who has not ruled on the finding does."""
    found = _judged(page, finding_id)
    if outcome == "rejected" and not comment.strip():
        return finding_page(page, finding_id, page.w("appeal_needs_comment"), 400)
    desk, who = desk_of(page), page.user.login
    return _done(
        page,
        finding_id,
        lambda: desk.decide(found["finding_id"], outcome, reviewer=who, comment=comment),
        page.url("finding", finding_id=found["finding_id"]),
    )


def _judged(page: Page, finding_id: str) -> dict[str, Any]:
    """Return a finding to judge; raises Forbidden for one about oneself."""
    found = finding_of(page, finding_id)
    if found["agent_id"] is not None and found["agent_id"] == page.user.agent_id:
        raise Forbidden
    return found


@router.post("/findings/{finding_id}/appeal", name="finding_appeal")
def finding_appeal(page: PageOf, finding_id: str, reason: Long) -> Response:
    """Appeal against a finding about oneself."""
    found = finding_of(page, finding_id)
    agent = page.user.agent_id
    if agent is None or found["agent_id"] != agent:
        raise Forbidden
    if not reason.strip():
        return finding_page(page, finding_id, page.w("appeal_needs_reason"), 400)
    return _done(
        page,
        finding_id,
        lambda: desk_of(page).appeal(found["finding_id"], agent=agent, reason=reason),
        page.url("finding", finding_id=found["finding_id"]),
    )


@router.get("/reviews", name="reviews")
def reviews(page: PageOf) -> Response:
    """List the findings that wait for a ruling of the one who looks."""
    return _reviews(page)


def _reviews(page: Page, told: str = "", status: int = 200) -> Response:
    w = page.w
    with page.store.read() as session:
        cases = waiting_for(page, session)
        states = count_states(session, shop_id=page.filters.shop_id)
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("reason", w("finding_reason")),
        Column("points", w("finding_points"), "points"),
        Column("agent", w("talks_agent")),
        Column("day", w("talk_day"), "day"),
        Column("state", w("review_state")),
        Column("opened", w("review_since"), "time"),
    ]
    empty = Empty(w("reviews_none" if page.may("review_draw") else "reviews_none_to_draw"))
    table = Table("reviews", w("reviews_list"), columns, [_case(page, one) for one in cases], empty)
    first = page.url("finding", finding_id=cases[0].finding_id, queue=1) if cases else ""
    shown = {
        "told": told,
        "first": first,
        "states": {name: n for name, n in states.items() if name != "listed"},
        "may_draw": page.may("review_draw") and is_inspected(page),
    }
    view = View("reviews.html.j2", w("reviews"), tables=[table], data=shown, status=status)
    return page.show(view)


def _case(page: Page, case: Case) -> Row:
    w = page.w
    href = page.url("finding", finding_id=case.finding_id, queue=1)
    return {
        "rule": Cell(rule_word(page, case.rule), href=href),
        "reason": Cell(w.pick(case.reason_zh, case.reason_en)),
        "points": Cell(case.points, text=page.w.points(case.points)),
        "agent": Cell(page.sight.name(case.agent_id) or w("cell_unassigned")),
        "day": Cell(case.day),
        "state": Cell(case.state, text=w(f"case_{case.state}")),
        "opened": Cell(moment(page, case.opened_at)),
    }


@router.post("/reviews", name="review_draw")
def review_draw(
    page: PageOf,
    per: Short = "agent",
    what: Short = "faults",
    n: Annotated[int, Form(ge=1, le=100)] = 5,
    seed: Short = "1",
    wanted: Annotated[int, Form(ge=1, le=2)] = 1,
) -> Response:
    """Draw a sample of the period's faults, or of sessions without, by hash into the queue."""
    filters = page.filters
    first, last = filters.period.first.isoformat(), filters.period.last.isoformat()
    asked = Draw(per, n, None, seed, first, last, filters.shop_id, what=what)  # type: ignore[arg-type]
    try:
        desk_of(page).sample(asked, by=page.user.login, wanted=wanted)
    except UsageError as error:
        return _reviews(page, page.w.pick(error.text_zh, str(error)), 400)
    return RedirectResponse(page.url("reviews"), 303)


@router.get("/appeals", name="appeals")
def appeals(page: PageOf) -> Response:
    """List the appeals one may see: those that wait first, the soonest due on top."""
    w = page.w
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("points", w("finding_points"), "points"),
        Column("agent", w("talks_agent")),
        Column("reason", w("appeal_reason")),
        Column("at", w("appeal_at"), "time"),
        Column("due", w("appeal_due"), "time"),
        Column("state", w("review_state")),
        Column("comment", w("appeal_comment")),
    ]
    rows = [_appeal(page, made, case) for made, case in _appeals(page)]
    word = "appeals_none_own" if page.user.role == "agent" else "appeals_none"
    empty = Empty(w(word), page.url("findings"), w("findings"))
    table = Table("appeals", w("appeals_list"), columns, rows, empty)
    return page.show(View("appeals.html.j2", w("appeals"), tables=[table]))


def _appeals(page: Page) -> list[tuple[Appeal, Case]]:
    query = (
        select(Appeal, Case)
        .join(Case, Case.finding_id == Appeal.finding_id)
        .where(Case.shop_id == page.filters.shop_id)
        .order_by(Appeal.outcome.is_not(None), Appeal.due_at, Appeal.id)
        .limit(_APPEALS)
    )
    if not page.sight.sees_all:
        seen = [one for one in page.sight.roster if page.sight.sees_agent(one)]
        query = query.where(Case.agent_id.in_(seen))
    with page.store.read() as session:
        return [(made, case) for made, case in session.execute(query)]


def _appeal(page: Page, made: Appeal, case: Case) -> Row:
    w = page.w
    badge = {"appealed": "yellow", "upheld": "green", "rejected": "secondary"}[case.state]
    return {
        "rule": Cell(
            rule_word(page, case.rule), href=page.url("finding", finding_id=case.finding_id)
        ),
        "points": Cell(case.points, text=page.w.points(case.points)),
        "agent": Cell(page.sight.name(case.agent_id)),
        "reason": Cell(made.reason),
        "at": Cell(moment(page, made.at)),
        "due": Cell(moment(page, made.due_at)),
        "state": Cell(case.state, text=w(f"case_{case.state}"), badge=badge),
        "comment": Cell(made.comment or None),
    }
