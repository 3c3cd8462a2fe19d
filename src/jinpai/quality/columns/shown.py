"""What rules found in many sessions: who, why, and the messages that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from jinpai.quality.acts.patterns import Role
from jinpai.quality.checks import NEVER, whole
from jinpai.quality.columns.conditions import Figure, Found
from jinpai.quality.columns.sheet import Flags, Numbers, Sheet
from jinpai.quality.columns.spans import first_spans
from jinpai.quality.finding import EVIDENCE
from jinpai.quality.judge import SHOWN, Finding, reasons, shown
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
    reasons_zh: pa.Array
    reasons_en: pa.Array
    orders: pa.Array
    counts: Numbers
    evidence: pa.StructArray


def of_found(rule: Rule, found: Found, sheet: Sheet, eligible: Flags) -> Shown:
    """Return the findings of a rule in the sessions it is for."""
    held = found.held & eligible
    sessions = np.flatnonzero(held)
    owners = sheet.session[found.messages]
    is_own = held[owners]
    messages, owners = found.messages[is_own], owners[is_own]
    counts = np.bincount(owners, minlength=sheet.sessions)[sessions]
    if counts.max(initial=0) > SHOWN:
        number = np.arange(len(messages)) - np.repeat(np.cumsum(counts) - counts, counts)
        messages, counts = messages[number < SHOWN], np.minimum(counts, SHOWN)
    orders = _orders(found, sessions)
    return Shown(
        rule,
        sessions,
        *_reasons(rule, found, sessions, orders),
        orders,
        counts,
        _evidence(messages, found.acts, sheet),
    )


def _orders(found: Found, sessions: Numbers) -> pa.Array:
    if not found.orders:
        return pa.nulls(len(sessions), pa.string())
    return pa.array([found.orders.get(session) for session in sessions.tolist()], pa.string())


def _reasons(
    rule: Rule, found: Found, sessions: Numbers, orders: pa.Array
) -> tuple[pa.Array, pa.Array]:
    """Return the reasons in both languages; the same figures make the same reason."""
    names = [name for name in (*found.figures, "order") if _is_told(rule, name)]
    columns = [
        _counted(found.figures[name], sessions)
        if name in found.figures
        else _listed(orders.to_pylist())
        for name in names
    ]
    which, firsts = _combined([codes for codes, _ in columns], len(sessions))
    told = [
        {
            name: _told(values[codes[first]])
            for name, (codes, values) in zip(names, columns, strict=True)
            if values[codes[first]] is not None
        }
        for first in firsts.tolist()
    ]
    known = {"order": ""} | {name: shown(value) for name, value in rule.settings.items()}
    known = {name: value for name, value in known.items() if _is_told(rule, name)}
    both = [reasons(rule, known | figures) for figures in told]
    zh, en = (pa.array([pair[place] for pair in both], pa.string()) for place in (0, 1))
    return zh.take(pa.array(which)), en.take(pa.array(which))


def _is_told(rule: Rule, name: str) -> bool:
    return f"{{{name}}}" in rule.reason_zh or f"{{{name}}}" in rule.reason_en


def _combined(columns: Sequence[Numbers], count: int) -> tuple[Numbers, Numbers]:
    """Return which combination of numbers each place has, and a place for each combination."""
    which, firsts = np.zeros(count, np.int64), np.zeros(min(count, 1), np.int64)
    for codes in columns:
        mixed = which * (codes.max(initial=0) + 1) + codes
        _, firsts, which = np.unique(mixed, return_index=True, return_inverse=True)
    return which, firsts


def _counted(figure: Figure, sessions: Numbers) -> tuple[Numbers, list[Any]]:
    """Return which distinct value a figure has in some sessions, and the values; 0 is none."""
    values, held = figure.values[sessions], figure.held[sessions]
    if figure.names is not None:
        return np.where(held, values + 1, 0), [None, *figure.names]
    if values.dtype == object:
        values[~held] = None
        return _listed(values.tolist())
    distinct, codes = np.unique(values, return_inverse=True)
    return np.where(held, codes + 1, 0), [None, *distinct.tolist()]


def _listed(values: Sequence[Any]) -> tuple[Numbers, list[Any]]:
    """Return which distinct value each is, and the values."""
    numbers = dict[Any, int]()
    codes = [numbers.setdefault(value, len(numbers)) for value in values]
    return np.array(codes, np.int64), list(numbers)


def _told(value: Any) -> str:
    """Return a figure as reasons write it."""
    if isinstance(value, str):
        return value
    return NEVER if value == np.inf else shown(whole(float(value)))


def _evidence(messages: Numbers, acts: Sequence[tuple[str, Flags]], sheet: Sheet) -> pa.StructArray:
    """Return messages as evidence, with the characters that show the first act they have."""
    starts, ends = np.zeros(len(messages), np.int64), np.full(len(messages), -1, np.int64)
    rest = np.arange(len(messages))
    for act, held in acts:
        has = sheet.has(act)[messages[rest]]
        has &= held[sheet.session[messages[rest]]]
        own, rest = rest[has], rest[~has]
        if len(own):
            starts[own], ends[own] = _spans(act, sheet.codes[messages[own]], sheet)
    ends[rest] = sheet.lengths[messages[rest]]
    rows = pa.array(sheet.rows[messages])
    return _struct(
        sheet.lines["line_id"].combine_chunks().take(rows),
        starts,
        ends,
        sheet.lines["at_us"].combine_chunks().take(rows),
    )


def _spans(act: str, codes: Numbers, sheet: Sheet) -> tuple[Numbers, Numbers]:
    """Return the characters that show an act in distinct texts; each is looked at once."""
    role, _, code = act.partition(".")
    texts = sheet.said[cast(Role, role)][1]
    if act not in sheet.spans:
        sheet.spans[act] = np.zeros(len(texts), np.int64), np.full(len(texts), -1, np.int64)
    starts, ends = sheet.spans[act]
    is_new = np.zeros(len(texts), bool)
    is_new[codes] = ends[codes] < 0
    new = np.flatnonzero(is_new)
    if len(new):
        starts[new], ends[new] = first_spans(
            sheet.scanner,
            cast(Role, role),
            code,
            texts.take(pa.array(new)),
            sheet.shown_by(act)[new],
        )
    return starts[codes], ends[codes]


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
        pa.array([found.reason_zh for found in shown_by], pa.string()),
        pa.array([found.reason_en for found in shown_by], pa.string()),
        pa.array([found.order_id for found in shown_by], pa.string()),
        np.array([len(found.evidence) for found in shown_by], np.int64),
        _struct(
            pa.array([one.message_id for one in evidence], pa.string()),
            [one.start for one in evidence],
            [one.end for one in evidence],
            [None if one.at is None else round(one.at * 1e6) for one in evidence],
        ),
    )
