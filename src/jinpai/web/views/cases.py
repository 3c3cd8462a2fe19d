"""Training cases: of a fault the clearest sessions, and how others did well; to read and print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.errors import UnknownName, UsageError
from jinpai.quality.book import book_id, load_book
from jinpai.quality.cases import lessons, lessons_json
from jinpai.quality.rule import Rule
from jinpai.reports.training_pack import render_pack
from jinpai.store import log_event
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.sessions import alone, sessions_of

__all__ = ["router"]

router = APIRouter()
_MOST = 10
Lessons = list[dict[str, Any]]


@router.get("/cases", name="cases")
def cases(page: PageOf) -> Response:
    """Offer rules and agents to choose from, and show the cases that were asked for."""
    w = page.w
    rules = _faults(page)
    is_asked = "n" in page.query
    found = _found(page, rules) if is_asked else []
    agents = sorted(one for one in page.sight.roster if page.sight.sees_agent(one))
    shown = {
        "rules": [(one.code, w.pick(one.zh, one.en)) for one in rules],
        "agents": [(one, page.sight.name(one)) for one in agents],
        "found": found,
        "is_asked": is_asked,
        "most": _MOST,
        "many": _number(page),
    }
    return page.show(View("cases.html.j2", w("cases"), data=shown, json={"lessons": found}))


@router.get("/cases/pack", name="cases_pack")
def cases_pack(page: PageOf) -> Response:
    """Download the cases that were asked for as one HTML file."""
    found, filters = _found(page, _faults(page)), page.filters
    with page.store.write() as session:
        log_event(
            session, actor=page.user.login, kind="cases.exported", subject="page:cases",
            after={"query": str(page.request.url.query)[:500]},
        )  # fmt: skip
    period = filters.period
    name = page.reader.shop_name(filters.shop_id)
    made = render_pack(found, page.language, shop=name, when=page.w.span(period.first, period.last))
    file = quote(f"{page.w('cases')}-{filters.shop_id}.html")
    headers = {
        "content-disposition": f"attachment; filename=\"cases.html\"; filename*=UTF-8''{file}"
    }
    return Response(made, media_type="text/html; charset=utf-8", headers=headers)


def _faults(page: Page) -> list[Rule]:
    return [one for one in load_book(page.reader.root).rules if not one.is_merit]


def _number(page: Page) -> int:
    """How many cases of each kind were asked for; raises UsageError."""
    asked = page.query.get("n", "2")
    if not asked.isdecimal() or not 1 <= int(asked) <= _MOST:
        raise UsageError(f"n: from 1 to {_MOST}.", zh=f"每类几个：应为 1 至 {_MOST}。")
    return int(asked)


def _found(page: Page, rules: Sequence[Rule]) -> Lessons:
    """Return the lessons asked for, worked out once per run and question."""
    code, agent = page.query.get("code", ""), page.query.get("agent") or None
    by_code = {one.code: one for one in rules}
    if code and code not in by_code:
        raise UnknownName("rule", code, by_code)
    if agent is not None:
        page.sight.need_agent(agent)
    number, filters = _number(page), page.filters
    chosen = [by_code[code]] if code else list(rules)

    def ask() -> Lessons:
        with alone():
            return _worked(page, chosen, agent, number)

    book = book_id(page.reader.root)
    question = ("cases", filters.shop_id, filters.period, filters.rule, code, agent, number, book)
    return list(page.reader.kept(question, ask))


def _worked(page: Page, chosen: Sequence[Rule], agent: str | None, number: int) -> Lessons:
    filters, book = page.filters, load_book(page.reader.root)
    names = {one: page.sight.name(one) for one in page.sight.roster}
    found = lessons(
        sessions_of(page, book.judge, book.scanner, filters.period), chosen, _credited(page),
        agent=agent, bad=number, good=number,
    )  # fmt: skip
    return lessons_json(found, names, {act.name: (act.zh, act.en) for act in book.acts})


def _credited(page: Page) -> set[tuple[str, str]]:
    """The (buyer, account) of credited orders under the judge rule that was chosen."""
    filters = page.filters
    sql = (
        "select distinct buyer_id, agent_id from credits where status = 'credited'"
        " and shop_id = $shop_id and judge_rule = $rule"
    )
    with page.reader.derived(filters.shop_id) as (engine, _, _snapshot):
        values = {"shop_id": filters.shop_id, "rule": filters.rule}
        rows = engine.fetch("credited buyers", sql, values).to_pylist()
    return {(row["buyer_id"], row["agent_id"]) for row in rows}
