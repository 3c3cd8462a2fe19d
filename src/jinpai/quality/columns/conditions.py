"""Conditions on many sessions at once: `judge` says what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jinpai.quality.columns.sheet import Flags, Numbers, Sheet, ranges
from jinpai.quality.columns.walk import walk
from jinpai.quality.judge import sequence_of
from jinpai.quality.rule import Condition

__all__ = ["Figure", "Found", "acted", "joined", "matched", "turned"]


@dataclass(frozen=True)
class Figure:
    """A figure of the reason, by session: its value where it has one.

    Attributes:
        names: where there are any, the values are places in them.
    """

    held: Flags
    values: Any
    names: Sequence[str] | None = None

    @property
    def told(self) -> Any:
        """The values, by name where they have names."""
        return self.values if self.names is None else np.array(self.names, object)[self.values]


@dataclass(frozen=True)
class Found:
    """What shows that a condition holds.

    Attributes:
        held: by session, it does.
        messages: those that show it, session by session, in the order they are shown.
        acts: in which acts of theirs, first ones first, and in which sessions.
        orders: session -> order that shows it.
    """

    held: Flags
    messages: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    acts: Sequence[tuple[str, Flags]] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    orders: Mapping[int, str] = field(default_factory=dict)


def acted(condition: Condition, sheet: Sheet) -> Found:
    """A message has an act."""
    messages = sheet.with_act(condition.act)
    sessions = sheet.session[messages]
    role = condition.act.partition(".")[0]
    fits = np.ones(len(messages), bool)
    if condition.first:
        fits &= sheet.number_of(role)[messages] < condition.first
    if condition.last:
        of_role = sheet.number_written(role)
        fits &= sheet.number_of(role)[messages] >= of_role[sessions] - condition.last
    if condition.after:
        fits &= _behind(condition, sheet, messages)
    messages, sessions = messages[fits], sessions[fits]
    counts = np.bincount(sessions, minlength=sheet.sessions)
    held = counts >= condition.count
    figures = {"count": Figure(held, counts)}
    return Found(held, messages[held[sessions]], [(condition.act, held)], figures)


def _behind(condition: Condition, sheet: Sheet, messages: Numbers) -> Flags:
    """Tell which messages are the first with the act ``after``, or within reach behind it."""
    first = sheet.first_with(condition.after)[sheet.session[messages]]
    flags: Flags = messages >= first
    if condition.within is not None and len(messages):
        since = sheet.at[np.minimum(first, len(sheet.rows) - 1)]
        flags &= sheet.at[messages] - since <= condition.within
    return flags


def matched(condition: Condition, sheet: Sheet, among: Flags) -> Found:
    """A sequence is there."""
    names = frozenset(act.name for act in sheet.scanner.acts)
    pattern = sequence_of(condition.sequence, names)
    held, starts, ends = walk(pattern, sheet, among)
    return Found(held, ranges(starts[held], ends[held]), [(act, held) for act in pattern.acts])


def turned(found: Found) -> Found:
    """The condition does not hold."""
    return Found(~found.held)


def joined(parts: Sequence[Found], sheet: Sheet, wants_all: bool) -> Found:
    """All or one of the conditions hold; what shows those that do is put together."""
    held = parts[0].held.copy()
    for part in parts[1:]:
        held = held & part.held if wants_all else held | part.held
    messages = np.concatenate([part.messages for part in parts])
    messages = messages[held[sheet.session[messages]]]
    in_order = messages[np.argsort(sheet.session[messages], kind="stable")]
    kept = np.sort(np.unique(in_order, return_index=True)[1])
    figures = dict[str, Figure]()
    for part in parts:
        for name, figure in part.figures.items():
            before = figures.get(name)
            figures[name] = figure if before is None else _over(before, figure)
    acts = [pair for part in parts for pair in part.acts]
    orders = {session: name for part in reversed(parts) for session, name in part.orders.items()}
    return Found(held, in_order[kept], acts, figures, orders)


def _over(before: Figure, after: Figure) -> Figure:
    values = np.where(after.held, after.told, np.asarray(before.told, object))
    return Figure(before.held | after.held, values)
