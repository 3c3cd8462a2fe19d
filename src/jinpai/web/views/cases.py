"""Training cases: of a fault the clearest sessions, and how others did well; to read and print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.errors import UnknownName, UsageError
from jinpai.quality.book import book_id, load_book
from jinpai.quality.rule import Rule
from jinpai.reports.training_pack import render_pack
from jinpai.store import log_event
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.trials import Trial, ask_trial, days_of, go_to, trial_of, trial_shown

__all__ = ["router"]

router = APIRouter()
_MOST = 10
Lessons = list[dict[str, Any]]


@router.get("/cases", name="cases")
def cases(page: PageOf) -> Response:
    """Offer rules and agents to choose from, and show the cases that were asked for."""
    w = page.w
    rules = _faults(page)
    trial = _trial(page, rules) if "n" in page.query else None
    found = _lessons(trial)
    agents = sorted(one for one in page.sight.roster if page.sight.sees_agent(one))
    shown = {
        "rules": [(one.code, w.pick(one.zh, one.en)) for one in rules],
        "agents": [(one, page.sight.name(one)) for one in agents],
        "found": found,
        "is_asked": trial is not None and trial.found is not None,
        "trial": None if trial is None else trial_shown(page, trial, _start(page)),
        "most": _MOST,
        "many": _number(page),
    }
    told = {"lessons": found, "trial": shown["trial"]}
    return page.show(View("cases.html.j2", w("cases"), data=shown, json=told))


@router.post("/cases", name="cases_try")
def cases_try(page: PageOf) -> Response:
    """Ask for the cases of the address to be chosen."""
    ask_trial(page, _trial(page, _faults(page)))
    return go_to(page, page.here())


def _start(page: Page) -> str:
    """The address that asks for them: this page's, as a change."""
    return page.here(format=None)


@router.get("/cases/pack", name="cases_pack")
def cases_pack(page: PageOf) -> Response:
    """Download the cases that were asked for as one HTML file."""
    found, filters = _lessons(_trial(page, _faults(page))), page.filters
    if not found:
        raise NotFound
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


def _trial(page: Page, rules: Sequence[Rule]) -> Trial:
    """Return the question the address asks; raises UnknownName, NotFound."""
    code, agent = page.query.get("code", ""), page.query.get("agent") or ""
    by_code = {one.code: one for one in rules}
    if code and code not in by_code:
        raise UnknownName("rule", code, by_code)
    if agent:
        page.sight.need_agent(agent)
    filters = page.filters
    args: dict[str, Any] = {
        "shop": filters.shop_id,
        "rule": filters.rule,
        **days_of(filters.period),
    }
    args |= {"code": code, "agent": agent, "n": _number(page), "book": book_id(page.reader.root)}
    return trial_of(page, "cases", args)


def _lessons(trial: Trial | None) -> Lessons:
    return [] if trial is None or trial.found is None else list(trial.found["lessons"])
