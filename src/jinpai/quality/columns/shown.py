"""What rules found in many sessions: who, why, and the messages that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.acts.patterns import Role
from jinpai.quality.checks import whole
from jinpai.quality.columns.conditions import Figure, Found
from jinpai.quality.columns.sheet import Flags, Numbers, Sheet
from jinpai.quality.columns.spans import first_spans
from jinpai.quality.finding import EVIDENCE
from jinpai.quality.judge import SHOWN, Finding, filled, shown
from jinpai.quality.rule import Rule

__all__ = ["Shown", "of_findings", "of_found"]


@dataclass(frozen=True)
class Shown:
    """The findings of one rule, one a session.

    Attributes:
        sessions: in order; the rest is by finding.
        counts: messages of the evidence; ``evidence`` has them one finding after the other.
    """

    rule: Rule
    sessions: Numbers
    reasons_zh: Sequence[str]
    reasons_en: Sequence[str]
    orders: Sequence[str | None]
    counts: Numbers
    evidence: pa.StructArray


def of_found(rule: Rule, found: Found, sheet: Sheet, eligible: Flags) -> Shown:
    """Return the findings of a rule in the sessions it is for."""
    held = found.held & eligible
    sessions = np.flatnonzero(held)
    messages = found.messages[held[sheet.session[found.messages]]]
    owners = sheet.session[messages]
    opens = np.searchsorted(owners, owners, side="left")
    messages = messages[np.arange(len(messages)) - opens < SHOWN]
    counts = np.bincount(sheet.session[messages], minlength=sheet.sessions)[sessions]
    return Shown(
        rule,
        sessions,
        *_reasons(rule, found, sessions),
        [found.orders.get(session) for session in sessions.tolist()],
        counts,
        _evidence(messages, found.acts, sheet),
    )


def _reasons(rule: Rule, found: Found, sessions: Numbers) -> tuple[list[str], list[str]]:
    """Return the reasons in both languages; the same figures make the same reason."""
    settings = {name: shown(value) for name, value in rule.settings.items()}
    names = [
        name
        for name in found.figures
        if f"{{{name}}}" in rule.reason_zh or f"{{{name}}}" in rule.reason_en
    ]
    columns = [_column(found.figures[name], sessions) for name in names]
    orders = [found.orders.get(session, "") for session in sessions.tolist()]
    made = dict[tuple[Any, ...], tuple[str, str]]()
    reasons = list[tuple[str, str]]()
    for order, *values in zip(orders, *columns, strict=True):
        key = (order, *values)
        if key not in made:
            told = {
                name: _told(value)
                for name, value in zip(names, values, strict=True)
                if value is not None
            }
            figures = settings | told | {"order": order}
            made[key] = filled(rule.reason_zh, figures), filled(rule.reason_en, figures)
        reasons.append(made[key])
    return [zh for zh, _ in reasons], [en for _, en in reasons]


def _column(figure: Figure, sessions: Numbers) -> list[Any]:
    """Return a figure of some sessions, None where one has none."""
    values: list[Any] = figure.values[sessions].tolist()
    held = figure.held[sessions]
    if held.all():
        return values
    return [value if has else None for value, has in zip(values, held.tolist(), strict=True)]


def _told(value: Any) -> str:
    """Return a figure as reasons write it."""
    if isinstance(value, str):
        return value
    return "∞" if value == np.inf else shown(whole(float(value)))


def _evidence(messages: Numbers, acts: Sequence[tuple[str, Flags]], sheet: Sheet) -> pa.StructArray:
    """Return messages as evidence, with the characters that show the first act they have."""
    starts, ends = np.zeros(len(messages), np.int64), np.full(len(messages), -1, np.int64)
    for act, held in acts:
        role, _, code = act.partition(".")
        flags = (ends < 0) & sheet.has(act)[messages] & held[sheet.session[messages]]
        own = np.flatnonzero(flags)
        if not len(own):
            continue
        codes, back = np.unique(sheet.codes[messages[own]], return_inverse=True)
        texts = sheet.said[cast(Role, role)][1].take(pa.array(codes))
        first, last = first_spans(sheet.scanner, cast(Role, role), code, texts)
        starts[own], ends[own] = first[back], last[back]
    rest = np.flatnonzero(ends < 0)
    if len(rest):
        lengths = pc.utf8_length(sheet.texts(messages[rest]))
        ends[rest] = lengths.to_numpy(zero_copy_only=False)
    rows = pa.array(sheet.rows[messages])
    return _struct(
        sheet.lines["line_id"].combine_chunks().take(rows),
        starts,
        ends,
        sheet.lines["at_us"].combine_chunks().take(rows),
    )


def _struct(messages: Any, starts: Any, ends: Any, times: Any) -> pa.StructArray:
    types = [field.type for field in EVIDENCE]
    columns = [
        column.cast(kind) if isinstance(column, pa.Array) else pa.array(column, kind)
        for column, kind in zip((messages, starts, ends, times), types, strict=True)
    ]
    return pa.StructArray.from_arrays(columns, fields=list(EVIDENCE))


def of_findings(rule: Rule, findings: Sequence[tuple[int, Finding]]) -> Shown:
    """Return findings that were judged one by one, with the numbers of their sessions."""
    shown_by = [found for _, found in findings]
    evidence = [one for found in shown_by for one in found.evidence]
    return Shown(
        rule,
        np.array([number for number, _ in findings], np.int64),
        [found.reason_zh for found in shown_by],
        [found.reason_en for found in shown_by],
        [found.order_id for found in shown_by],
        np.array([len(found.evidence) for found in shown_by], np.int64),
        _struct(
            pa.array([one.message_id for one in evidence], pa.string()),
            [one.start for one in evidence],
            [one.end for one in evidence],
            [None if one.at is None else round(one.at * 1e6) for one in evidence],
        ),
    )
