"""One finding as a page shows it: its facts, and the conversation with the evidence marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.errors import UnknownName
from jinpai.inspection import read_finding
from jinpai.periods import parse_day
from jinpai.quality.names import rule_names
from jinpai.settings import Settings
from jinpai.web.bubbles import lines_of
from jinpai.web.contexts import Page
from jinpai.web.errors import NotFound
from jinpai.web.respond import View
from jinpai.web.views.talks import subject_of, talk_of

__all__ = ["finding_of", "finding_view", "is_inspected", "rule_word"]

Finding = dict[str, Any]


def is_inspected(page: Page) -> bool:
    """Tell whether the last run judged what was said."""
    with page.reader.derived(page.filters.shop_id) as (_, _, snapshot):
        return "findings" in snapshot.derived


def rule_word(page: Page, code: str) -> str:
    """Return what a rule is called."""
    names = {one.code: page.w.pick(one.zh, one.en) for one in rule_names()}
    return names.get(code, code)


def finding_of(page: Page, finding_id: str) -> Finding:
    """Return a finding of the last run; raises NotFound, also for one that one may not see."""
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
    _mark(lines, found, is_plain)
    until = signed.grants[subject].astimezone(zone).strftime("%H:%M") if is_plain and signed else ""
    first = next((line["id"] for line in lines if "is_evidence" in line), None)
    shown: dict[str, Any] = {
        "found": found,
        "lines": lines,
        "first": first,
        "rule": rule_word(page, found["rule"]),
        "reason": w.pick(found["reason_zh"], found["reason_en"]),
        "others": [_other(page, one) for one in found["others"]],
        "agent_name": page.sight.name(found["agent_id"]) or w("cell_unassigned"),
        "day": parse_day(found["day"]),
        "subject": subject,
        "is_plain": is_plain,
        "until": until,
        "told": told,
    }
    title = w("finding_title", rule=shown["rule"], agent=shown["agent_name"])
    made = {"finding": found, "case": more["case"], "messages": talk["messages"]}
    data = shown | dict(more)
    return View("finding.html.j2", title, data=data, json=made, status=status)


def _other(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "href": page.url("finding", finding_id=row["finding_id"]),
        "rule": rule_word(page, row["rule"]),
        "points": f"{row['points']:+g}",
        "reason": page.w.pick(row["reason_zh"], row["reason_en"]),
    }


def _mark(lines: list[dict[str, Any]], found: Finding, is_plain: bool) -> None:
    """Mark the characters that show the finding; all of a text in which something is hidden."""
    shown = {one["message_id"]: (one["start"], one["end"]) for one in found["evidence"]}
    for line in lines:
        if line["what"] != "message" or line["id"] not in shown:
            continue
        text, (start, end) = line["text"], shown[line["id"]]
        line["is_evidence"] = True
        if not is_plain and _is_hidden(text):
            start, end = 0, len(text)
        parts = [(text[:start], False), (text[start:end], True), (text[end:], False)]
        line["parts"] = [part for part in parts if part[0]]


def _is_hidden(text: str) -> bool:
    """Tell whether something in a text may have been hidden, so that places in it have moved."""
    return "*" in text or "〔" in text
