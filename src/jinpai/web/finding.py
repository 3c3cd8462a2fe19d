"""One finding as a page shows it: its facts, and the conversation with the evidence marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.errors import UnknownName
from jinpai.inspection import read_finding
from jinpai.periods import parse_day
from jinpai.settings import Settings
from jinpai.web.bubbles import lines_of
from jinpai.web.contexts import Page
from jinpai.web.errors import NotFound
from jinpai.web.marks import is_inspected, mark, rule_word
from jinpai.web.respond import View
from jinpai.web.unfound import drawn_session, missing_choices
from jinpai.web.views.talks import subject_of, talk_of

__all__ = ["finding_of", "finding_view"]

Finding = dict[str, Any]


def finding_of(page: Page, finding_id: str) -> Finding:
    """Return a finding of the last run, or what a case without one keeps; raises NotFound.

    Also for one that one may not see.
    """
    filters = page.filters
    if not is_inspected(page):
        raise NotFound

    def read() -> Finding | None:
        with page.reader.derived(filters.shop_id) as (engine, shops, _):
            try:
                return read_finding(engine, shops, finding_id)
            except UnknownName:  # its words name findings of others
                return None

    found = page.reader.kept(("finding", filters.shop_id, finding_id), read)
    found = found or drawn_session(page, finding_id)
    if found is None:
        raise NotFound
    page.sight.need_agent(found["agent_id"])
    return dict(found)


def finding_view(
    page: Page,
    found: Finding,
    more: Mapping[str, Any],
    *,
    told: str = "",
    status: int = 200,
) -> View:
    """Return the page of a finding.

    Args:
        more: what people said of it and may do with it (`web.cases`).
        told: why what was asked for was not done.
    """
    w, signed = page.w, page.signed
    subject = subject_of(page.filters.shop_id, found["buyer_id"])
    is_plain = signed is not None and signed.sees_plain(subject)
    zone = ZoneInfo(page.filters.shop.timezone)
    talk = talk_of(page, found["buyer_id"], found["agent_id"], found["day"], is_plain)
    slow = Settings.of(page.filters.shop.settings).slow_seconds
    lines = lines_of(page, talk, zone, slow=slow)
    (said,) = mark(page, lines, [found], is_plain=is_plain)
    until = signed.grants[subject].astimezone(zone).strftime("%H:%M") if is_plain and signed else ""
    shown: dict[str, Any] = {
        "found": found,
        "lines": lines,
        "first": said["at"],
        "talk_href": _talk(page, found, said["at"]),
        "rule": rule_word(page, found["rule"]),
        "reason": w.pick(found["reason_zh"], found["reason_en"]),
        "others": [_other(page, one) for one in found["others"]],
        "agent_name": page.sight.name(found["agent_id"]) or w("cell_unassigned"),
        "day": parse_day(found["day"]),
        "subject": subject,
        "is_plain": is_plain,
        "until": until,
        "told": told,
        "missing": missing_choices(page, found),
    }
    title = w("finding_title", rule=shown["rule"], agent=shown["agent_name"])
    made = {"finding": found, "case": more["case"], "messages": talk["messages"]}
    data = shown | dict(more)
    return View("finding.html.j2", title, data=data, json=made, status=status)


def _talk(page: Page, found: Finding, at: str) -> str:
    """Where the conversation of a finding opens, at the message that shows it."""
    to = page.url(
        "conversation", buyer_id=found["buyer_id"], agent=found["agent_id"] or "", day=found["day"]
    )
    return f"{to}#m-{at}" if at else to


def _other(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "href": page.url("finding", finding_id=row["finding_id"]),
        "rule": rule_word(page, row["rule"]),
        "points": page.w.points(row["points"]),
        "reason": page.w.pick(row["reason_zh"], row["reason_en"]),
    }
