"""Sequences on many sessions at once: `Pattern.find`, one array operation for each move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

import numpy as np

from jinpai.quality.columns.sheet import Flags, Numbers, Sheet
from jinpai.quality.sequence import Pattern, Test

__all__ = ["walk"]

_NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class _Plan:
    """A pattern with its free moves taken: states are those with a test, and the end behind them.

    Attributes:
        tests: by state; ``leads`` is where it leads, ``enters`` where all begin.
    """

    pattern: Pattern

    @cached_property
    def tested(self) -> list[int]:
        """The states with a test."""
        return [at for at, state in enumerate(self.pattern.states) if state.test is not None]

    @cached_property
    def tests(self) -> list[Test]:
        """Their tests."""
        return [test for state in self.pattern.states if (test := state.test) is not None]

    @cached_property
    def leads(self) -> list[list[int]]:
        """Where each leads."""
        return [self._reached(self.pattern.states[at].to) for at in self.tested]

    @cached_property
    def enters(self) -> list[int]:
        """Where a match begins."""
        return self._reached((self.pattern.start,))

    def _reached(self, states: tuple[int, ...]) -> list[int]:
        numbers = {state: number for number, state in enumerate(self.tested)}
        numbers[len(self.pattern.states) - 1] = len(self.tested)
        todo, seen = list(states), set[int]()
        while todo:
            here = todo.pop()
            if here not in seen:
                seen.add(here)
                if here not in numbers:
                    todo += self.pattern.states[here].to
        return sorted(numbers[state] for state in seen if state in numbers)

    @cached_property
    def needed(self) -> list[Test]:
        """Tests that a message of every match passes."""
        return [
            test
            for test in dict.fromkeys(self.tests)
            if (test.acts and not test.is_negated) and not self._ends_without(test)
        ]

    def _ends_without(self, left_out: Test) -> bool:
        todo, seen = list(self.enters), set[int]()
        while todo:
            here = todo.pop()
            if here == len(self.tests):
                return True
            if here not in seen and self.tests[here] != left_out:
                todo += self.leads[here]
            seen.add(here)
        return False


@lru_cache(maxsize=1024)
def _planned(pattern: Pattern) -> _Plan:
    return _Plan(pattern)


def walk(pattern: Pattern, sheet: Sheet, among: Flags) -> tuple[Flags, Numbers, Numbers]:
    """Return by session whether it matches, and its match as messages [first, behind last)."""
    plan = _planned(pattern)
    flags = {test: _flags(test, sheet) for test in dict.fromkeys(plan.tests)}
    for test in plan.needed:
        among = among & sheet.any_of(flags[test])
    chosen = np.flatnonzero(among)
    chosen = chosen[np.argsort(-sheet.counts[chosen], kind="stable")]
    first, behind = _run(plan, [flags[test] for test in plan.tests], sheet, chosen)
    held = np.zeros(sheet.sessions, bool)
    held[chosen] = first < _NEVER
    starts, ends = sheet.starts.copy(), sheet.starts.copy()
    hit = chosen[first < _NEVER]
    starts[hit] += first[first < _NEVER]
    ends[hit] += behind[first < _NEVER]
    return held, starts, ends


def _flags(test: Test, sheet: Sheet) -> Flags:
    flags = np.zeros(len(sheet.rows), bool)
    if test.role:
        flags |= sheet.of_role(test.role)
    elif not test.acts:
        flags[:] = True
    for act in test.acts:
        flags |= sheet.has(act)
    return ~flags if test.is_negated else flags


def _run(
    plan: _Plan, flags: list[Flags], sheet: Sheet, sessions: Numbers
) -> tuple[Numbers, Numbers]:
    """Return where the match begins and ends, counted in each session, longest sessions first."""
    states, pattern = len(flags), plan.pattern
    lengths, starts = sheet.counts[sessions], sheet.starts[sessions]
    begun = np.full((states + 1, len(sessions)), _NEVER, np.int64)  # where it earliest began
    first = np.full(len(sessions), _NEVER, np.int64)
    behind = np.zeros(len(sessions), np.int64)
    for place in range(int(lengths.max(initial=-1)) + 1):
        there = int(np.searchsorted(-lengths, -place, side="right"))
        if place == 0 or not pattern.at_start:
            begun[plan.enters, :there] = np.minimum(begun[plan.enters, :there], place)
        better = begun[states, :there] < first[:there]
        if pattern.at_end:
            better &= lengths[:there] == place
        first[:there][better] = begun[states, :there][better]
        behind[:there][better] = place
        further = int(np.searchsorted(-lengths, -place, side="left"))
        stepped = np.full((states + 1, further), _NEVER, np.int64)
        for state, leads in enumerate(plan.leads):
            passes = np.where(
                flags[state][starts[:further] + place], begun[state, :further], _NEVER
            )
            for after in leads:
                np.minimum(stepped[after], passes, out=stepped[after])
        begun[:, :further] = stepped
    return cast(Numbers, first), cast(Numbers, behind)
