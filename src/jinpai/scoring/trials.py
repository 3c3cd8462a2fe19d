"""A changed plan beside the original, whatever the values come from; here: from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from jinpai.errors import UsageError
from jinpai.scoring.changes import Change, changed_plan, read_changes, value_at
from jinpai.scoring.plan import Plan
from jinpai.scoring.score import Sheet, score
from jinpai.scoring.sheet_json import sheets_json
from jinpai.scoring.values import Values
from jinpai.scoring.whatif import Effect, Trial, beside, effect, single_changes, tornado_json

__all__ = ["Card", "Made", "ValueCard", "WhatIf", "asked_singly", "what_if_values"]

Both = tuple[str, str]
# Makes the sheets of a changed plan and changed settings.
Made = Callable[[Plan, Sequence[Change]], Sequence[Sheet]]


class Card(Protocol):
    """Score sheets of a period, one per shop."""

    @property
    def sheets(self) -> list[Sheet]:
        """The sheets, shop by shop."""

    @property
    def notes(self) -> tuple[Both, ...]:
        """What a reader should know, in English and in Chinese."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""


@dataclass(frozen=True)
class ValueCard:
    """The one sheet of values from a file."""

    sheet: Sheet
    notes: tuple[Both, ...] = ()

    @property
    def sheets(self) -> list[Sheet]:
        """The sheet."""
        return [self.sheet]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        notes = [{"en": en, "zh": zh} for en, zh in self.notes]
        return sheets_json(self.sheets) | {"notes": notes}


@dataclass(frozen=True)
class WhatIf:
    """A changed plan or setting beside the original.

    Attributes:
        changes: what was changed: path, value before and after.
        pairs: a row per agent: before, after, the lines that differ.
        tornado: what each single change does, those that move the ranking most first.
    """

    base: Card
    sheets: tuple[Sheet, ...]
    changes: tuple[tuple[str, str, str], ...]
    pairs: list[dict[str, Any]]
    tornado: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        top = self.base.to_json()
        return {
            "plan": top["plan"],
            "from": top["from"],
            "to": top["to"],
            "changes": [
                {"path": path, "before": before, "after": after}
                for path, before, after in self.changes
            ],
            "agents": self.pairs,
            "tornado": self.tornado,
            "before": top,
            "after": sheets_json(self.sheets),
            "notes": top["notes"],
        }


def asked_singly(
    plan: Plan, wanted: Sequence[Change], together: Sequence[Sheet], made: Made
) -> list[tuple[Change, Sequence[Sheet]]]:
    """Return what each change asked for makes alone; ``together`` is what all of them make."""
    if len(wanted) < 2:
        return [(change, together) for change in wanted]
    return [(change, made(changed_plan(plan, [change]), [change])) for change in wanted]


def what_if_values(
    plan: Plan,
    values: Values,
    changes: Iterable[str],
    *,
    first: date | None = None,
    last: date | None = None,
) -> WhatIf:
    """Score values as they are and as a changed plan would score them.

    Args:
        changes: ``PATH=VALUE`` of the plan; none only asks what moves the ranking.
    Raises UsageError, UnknownName, InputError for a path or value that does not hold, and for what
    would need the values to be counted again.
    """
    wanted = [_of_plan(change) for change in read_changes(changes)]

    def sheet(changed: Plan) -> Sheet:
        return score(changed, values, first=first, last=last)

    base, after = sheet(plan), [sheet(changed_plan(plan, wanted))]
    singles = asked_singly(plan, wanted, after, lambda changed, _: [sheet(changed)])
    tried: list[tuple[Trial, Effect]] = [
        (_asked(plan, change), effect(base, found[0])) for change, found in singles
    ]
    for trial in single_changes(plan, replace(base, judge_rule=plan.judge_rule)):
        if not trial.judge_rule:  # the values are there already, whatever rule counted them
            tried.append((trial, effect(base, sheet(trial.plan))))
    said = tuple((one.path, value_at(plan, one.path), one.value) for one in wanted)
    pairs = beside(base, after[0])
    return WhatIf(ValueCard(base), tuple(after), said, pairs, tornado_json(base, tried))


def _of_plan(change: Change) -> Change:
    if change.setting or change.path == "judge_rule":
        raise UsageError(
            f"--set {change.path}: values from a file are counted already; this needs a workspace.",
            zh=f"--set {change.path}：文件中的数值已经算好；此项改动需要工作区。",
        )
    return change


def _asked(plan: Plan, change: Change) -> Trial:
    before, word = value_at(plan, change.path), change.path.removeprefix("indicators.")
    return Trial((word, word), change.path, before, change.value, plan, is_asked=True)
