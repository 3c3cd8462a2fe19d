"""The rules of the inspection: what they are called and cost, and their two examples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.quality.book import book_id, load_book
from jinpai.quality.rule import Rule
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
_LINE = re.compile(r"([BAROETP])(?: \+(\d+))?(?: (.*))?", re.DOTALL)


@router.get("/rules", name="rules")
def rules(page: PageOf) -> Response:
    """List the rules in force."""
    w = page.w
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("group", w("rule_group")),
        Column("severity", w("rule_severity")),
        Column("points", w("finding_points"), "points"),
        Column("settings", w("rule_settings"), is_sortable=False),
        Column("marks", w("talk_marks"), is_sortable=False),
        Column("code", w("metric_code")),
    ]
    rows = [_row(page, one) for one in _in_force(page)]
    table = Table("rules", w("rules_list"), columns, rows, Empty(w("rules_none")))
    return page.show(View("rules.html.j2", w("rules"), tables=[table]))


def _in_force(page: Page) -> Sequence[Rule]:
    return _read(page.reader.root, book_id(page.reader.root))


@lru_cache(maxsize=4)
def _read(root: Path, book: str) -> Sequence[Rule]:
    """Read the rules; anew where the files' hash is another one."""
    return load_book(root).rules


def _row(page: Page, rule: Rule) -> Row:
    w = page.w
    marks = [w(f"mark_{name}") for name in ("fatal", "shadow") if getattr(rule, name)]
    return {
        "rule": Cell(w.pick(rule.zh, rule.en), href=page.url("rule", code=rule.code)),
        "group": Cell(rule.group, text=w(f"rule_group_{rule.group}")),
        "severity": Cell(rule.severity, text=w(f"rule_severity_{rule.severity}")),
        "points": Cell(
            rule.cost, text=w.points(rule.cost), tone="better" if rule.is_merit else "worse"
        ),
        "settings": Cell(_settings(page, rule)),
        "marks": Cell(w("comma").join(marks) or None, badge="secondary" if marks else ""),
        "code": Cell(rule.code),
    }


def _settings(page: Page, rule: Rule) -> str | None:
    w, told = page.w, []
    for name, value in rule.settings.items():
        word = f"rule_setting_{name}"
        told.append(w(word, n=f"{value:g}") if w.has(word) else f"{name} {value:g}")
    return w("comma").join(told) or None


def _reason(rule: Rule, text: str) -> str:
    """A reason as findings tell it: the rule's settings filled in, dots for what differs."""

    def filled(place: re.Match[str]) -> str:
        return f"{rule.settings[place[1]]:g}" if place[1] in rule.settings else "…"

    return re.sub(r"\{(\w+)\}", filled, text)


@router.get("/rules/{code}", name="rule")
def rule(page: PageOf, code: str) -> Response:
    """Show one rule: what it costs, and a conversation that shows it and one that does not."""
    known = {one.code: one for one in _in_force(page)}
    if code not in known:
        raise NotFound
    one, w = known[code], page.w
    shown: dict[str, Any] = {
        "one": one,
        "points": page.w.points(one.cost),
        "settings": _settings(page, one),
        "reason": _reason(one, w.pick(one.reason_zh, one.reason_en)),
        "breaks": _lines(page, one.breaks),
        "keeps": _lines(page, one.keeps),
    }
    json = {"rule": one.model_dump(mode="json", exclude={"when"})}
    return page.show(View("rule.html.j2", w.pick(one.zh, one.en), data=shown, json=json))


def _lines(page: Page, example: Sequence[str]) -> list[dict[str, str]]:
    """An example as bubbles; what is no message is told between them (see `quality.example`)."""
    made = []
    for line in example:
        match = _LINE.fullmatch(line)
        kind, wait, text = (match[1], match[2], match[3]) if match else ("B", None, line)
        side = {"B": "buyer", "A": "agent", "R": "agent"}.get(kind, "")
        told = text or "" if side else page.w(f"example_{kind}", text=text or "")
        waited = page.w("example_wait", n=wait) if wait else ""
        made.append({"side": side, "text": told, "wait": waited, "auto": "yes" * (kind == "R")})
    return made
