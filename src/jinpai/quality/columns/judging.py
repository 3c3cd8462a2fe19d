"""Rules on many sessions at once.

Where a rule asks for a check that only tells which sessions it could hold in, `judge.Judge` judges
those one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_, or_

import numpy as np
import pyarrow as pa

from jinpai.quality.columns.checks import COLUMNAR, RARE
from jinpai.quality.columns.conditions import Found, acted, joined, matched, turned
from jinpai.quality.columns.sheet import Flags, Numbers, Sheet
from jinpai.quality.columns.shown import Shown, of_findings, of_found
from jinpai.quality.judge import Finding, Judge
from jinpai.quality.lines import sessions_in
from jinpai.quality.rule import Condition, Rule

__all__ = ["judged"]


def judged(sheet: Sheet, judge: Judge) -> list[Shown]:
    """Return what each rule finds, in their order."""
    eligible = {rule.code: _eligible(rule, sheet, judge) for rule in judge.rules}
    rare = [rule for rule in judge.rules if rule.when.checks & RARE.keys()]
    near = {
        rule.code: eligible[rule.code] & _could(rule.when, sheet, rule.settings) for rule in rare
    }
    found = _one_by_one(sheet, Judge(rare, sheet.scanner), near)
    return [
        of_findings(rule, found[rule.code])
        if rule.code in found
        else of_found(
            rule,
            _found(rule.when, sheet, rule.settings, eligible[rule.code]),
            sheet,
            eligible[rule.code],
        )
        for rule in judge.rules
    ]


def _eligible(rule: Rule, sheet: Sheet, judge: Judge) -> Flags:
    """By session: the rule is for it, as `Judge.findings` tells."""
    fits = sheet.is_for(rule.roles)
    if judge.needs_words(rule.code):
        fits = fits & ~sheet.wordless
    talked = (sheet.human > 0) & (sheet.bought > 0)
    return fits if rule.group == "timing" else fits & talked


def _found(
    condition: Condition, sheet: Sheet, settings: Mapping[str, float], among: Flags
) -> Found:
    """Return what shows a condition, at least in the sessions it is asked for."""
    if condition.check:
        return COLUMNAR[condition.check](sheet, settings)
    if condition.act:
        return acted(condition, sheet)
    if condition.sequence:
        return matched(condition, sheet, among)
    if condition.not_ is not None:
        return turned(_found(condition.not_, sheet, settings, among))
    parts = list[Found]()
    for part in condition.all or condition.any:
        parts.append(_found(part, sheet, settings, among))
        if condition.all:
            among = among & parts[-1].held
    return joined(parts, sheet, wants_all=bool(condition.all))


def _could(condition: Condition, sheet: Sheet, settings: Mapping[str, float]) -> Flags:
    """By session: a condition could hold."""
    everywhere = np.ones(sheet.sessions, bool)
    if not condition.checks & RARE.keys():
        return _found(condition, sheet, settings, everywhere).held
    if condition.check:
        return RARE[condition.check](sheet, settings)
    if condition.not_ is not None:
        return everywhere
    parts = [_could(part, sheet, settings) for part in condition.all or condition.any]
    return reduce(and_ if condition.all else or_, parts)


def _one_by_one(
    sheet: Sheet, judge: Judge, near: Mapping[str, Flags]
) -> dict[str, list[tuple[int, Finding]]]:
    """Return by rule its findings with the numbers of their sessions."""
    found: dict[str, list[tuple[int, Finding]]] = {rule.code: [] for rule in judge.rules}
    wanted = reduce(or_, near.values(), np.zeros(sheet.sessions, bool))
    if not wanted.any():
        return found
    chosen = np.zeros(int(sheet.buyers.max()) + 1, bool)
    chosen[sheet.buyers[sheet.firsts[wanted]]] = True
    _remember(sheet, np.flatnonzero(chosen[sheet.buyers[sheet.rows]]))
    lines = sheet.lines.filter(pa.array(chosen[sheet.buyers]))
    numbers = iter(np.flatnonzero(chosen[sheet.buyers[sheet.firsts]]).tolist())
    for sessions in sessions_in(lines.to_batches(), sheet.scanner):
        for _, session in sessions:
            number = next(numbers)
            if wanted[number]:
                for finding in judge.findings(session):
                    found[finding.rule].append((number, finding))
    return found


def _remember(sheet: Sheet, messages: Numbers) -> None:
    """Let the scanner know the acts of some messages, so that none is scanned again."""
    for role in sheet.said:
        own = messages[sheet.of_role(role)[messages]]
        sheet.scanner.remember(role, sheet.texts(own).to_pylist(), sheet.masks[own].tolist())
