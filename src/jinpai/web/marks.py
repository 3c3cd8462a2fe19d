"""What the inspection found, marked in the lines of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinpai.inspection import findings_of_talk
from jinpai.periods import parse_day
from jinpai.quality.names import rule_names
from jinpai.review.unfound import NOTHING
from jinpai.web.contexts import Page

__all__ = ["found_in_talk", "is_inspected", "mark", "rule_word"]

Finding = Mapping[str, Any]
Line = dict[str, Any]


def is_inspected(page: Page) -> bool:
    """Tell whether the last run judged what was said."""
    return page.reader.is_inspected


def rule_word(page: Page, code: str) -> str:
    """Return what a rule is called."""
    names = {one.code: page.w.pick(one.zh, one.en) for one in rule_names()}
    return names.get(code, page.w("review_nothing_found") if code == NOTHING else code)


def found_in_talk(page: Page, buyer: str, agent: str | None, day: str) -> list[Finding]:
    """Return what was found in the sessions of a buyer and an account that began on a day."""
    shop_id = page.filters.shop_id

    def ask() -> list[Finding]:
        with page.reader.talks(shop_id) as talks:
            return [*findings_of_talk(talks.rows, shop_id, buyer, agent, parse_day(day))]

    if not is_inspected(page):
        return []
    return list(page.reader.kept(("talk findings", shop_id, buyer, agent, day), ask))


def mark(
    page: Page, lines: Sequence[Line], found: Sequence[Finding], *, is_plain: bool
) -> list[dict[str, Any]]:
    """Mark the messages that show findings, and return what a page tells of each finding.

    A marked line has ``parts``, its text in pieces (text, is marked), and ``why``, its findings.
    Where something in a text is hidden, places in it have moved: all of it is marked.
    """
    said = [_said(page, one) for one in found]
    by_id = {line["id"]: line for line in reversed(lines) if line["what"] == "message"}
    spans: dict[str, list[tuple[int, int]]] = {}
    for told, one in zip(said, found, strict=True):
        for shown in one["evidence"]:
            name = shown["message_id"]
            if name not in by_id:
                continue
            told["at"] = told["at"] or name
            spans.setdefault(name, []).append((shown["start"], shown["end"]))
            by_id[name].setdefault("why", []).append(told)
    for name, marked in spans.items():
        line = by_id[name]
        is_moved = not is_plain and _is_hidden(line["text"])
        line["parts"] = _parts(line["text"], [(0, len(line["text"]))] if is_moved else marked)
    return said


def _said(page: Page, one: Finding) -> dict[str, Any]:
    marks = [
        page.w(f"mark_{name}") for name in ("fatal", "shadow", "overruled") if one[f"is_{name}"]
    ]
    return {
        "id": one["finding_id"],
        "href": page.url("finding", finding_id=one["finding_id"]),
        "rule": rule_word(page, one["rule"]),
        "points": page.w.points(one["points"]),
        "reason": page.w.pick(one["reason_zh"], one["reason_en"]),
        "tone": "secondary" if one["is_shadow"] else "green" if one["is_merit"] else "red",
        "marks": marks,
        "at": "",
    }


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Return a text in pieces, those under a span marked; spans may lie over each other."""
    made: list[tuple[str, bool]] = []
    at = 0
    for start, end in sorted(spans):
        start = max(start, at)
        made += [(text[at:start], False), (text[start:end], True)]
        at = max(at, end)
    made.append((text[at:], False))
    return [part for part in made if part[0]]


def _is_hidden(text: str) -> bool:
    """Tell whether something in a text may have been hidden, so that places in it have moved."""
    return "*" in text or "〔" in text
