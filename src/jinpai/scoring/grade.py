"""Values under a grade policy: a grade for every metric, one for the agent, and why.

A grade is held from period to period: it rises after ``promote_after`` and falls after
``demote_after`` consecutive periods on one side of it, then to the grade computed last. A period
without a grade breaks the row and keeps what was held.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from jinpai.metrics.definition import registry
from jinpai.scoring import grade_words as words
from jinpai.scoring.policy import GRADES, Policy, Standard
from jinpai.scoring.values import Value, Values, as_value

__all__ = ["Grade", "GradeLine", "Graded", "grade", "held_grade"]

Grade = str  # one of GRADES
History = Mapping[str, Sequence[Grade | None]]


@dataclass(frozen=True)
class GradeLine:
    """One metric of one agent; ``grade`` None: missing, or in no band (``flags`` say which)."""

    metric: str
    value: Value
    grade: Grade | None
    band: str | None
    weight: Fraction
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graded:
    """One agent, graded.

    Attributes:
        grade: the one held, after hysteresis; computed: that of this period alone. None: too few
            metrics are present (computed), and there was none before (grade).
        lines: in the policy's order.
        reasons_en, reasons_zh: why, a sentence each.
        status: ``provisional`` when a value is.
    """

    subject: str
    grade: Grade | None
    computed: Grade | None
    lines: tuple[GradeLine, ...]
    reasons_en: tuple[str, ...]
    reasons_zh: tuple[str, ...]
    status: str = "final"


def grade(
    policy: Policy,
    values: Values,
    history: History | None = None,
    *,
    promote_after: int = 1,
    demote_after: int = 2,
) -> list[Graded]:
    """Grade values under a policy, best first, equals by name.

    Args:
        values: subject -> metric -> number (see `values.as_value`).
        history: subject -> the grades computed in the consecutive periods before, oldest first.
        promote_after, demote_after: where the policy does not say.
    Raises UnknownName when the policy names a metric that does not exist.
    """
    for standard in policy.metrics:
        registry().metric(standard.metric)
    patience = _Patience(policy.promote_after or promote_after, policy.demote_after or demote_after)
    found = [
        _graded(policy, subject, given, (history or {}).get(subject, ()), patience)
        for subject, given in values.items()
    ]
    return sorted(found, key=lambda one: (-_number(one.grade), -_number(one.computed), one.subject))


def _number(grade_: Grade | None) -> int:
    return -1 if grade_ is None else GRADES.index(grade_)


@dataclass(frozen=True)
class _Patience:
    promote_after: int
    demote_after: int


def _graded(
    policy: Policy,
    subject: str,
    given: Mapping[str, Any],
    history: Sequence[Grade | None],
    patience: _Patience,
) -> Graded:
    lines = tuple(_line(one, as_value(given.get(one.metric))) for one in policy.metrics)
    computed = _combined(policy, lines)
    held, run = held_grade([*history, computed], patience.promote_after, patience.demote_after)
    before, _ = held_grade(history, patience.promote_after, patience.demote_after)
    reasons: list[words.Both | None] = [words.line(line) for line in lines]
    reasons.append(words.combined(policy, Counter(line.grade for line in lines), computed))
    reasons.append(words.held(before, computed, held, run, patience.demote_after))
    provisional = any(line.value.status == "provisional" for line in lines)
    said = [reason for reason in reasons if reason is not None]
    return Graded(
        subject,
        held,
        computed,
        lines,
        tuple(en for en, _ in said),
        tuple(zh for _, zh in said),
        "provisional" if provisional else "final",
    )


def _line(standard: Standard, value: Value) -> GradeLine:
    """Return the grade of a value, the better one where bands overlap."""
    bands = {name: getattr(standard.bands, name) for name in GRADES}
    got = None
    for name, interval in bands.items():
        if value.exact is not None and value.exact in interval:
            got = name
    flags = [
        *(["missing"] if value.exact is None else []),
        *(["gap"] if value.exact is not None and got is None else []),
        *(["provisional"] if value.status == "provisional" else []),
    ]
    band = str(bands[got]) if got else None
    return GradeLine(standard.metric, value, got, band, standard.weight, tuple(flags))


def _combined(policy: Policy, lines: Sequence[GradeLine]) -> Grade | None:
    present = [line for line in lines if line.grade is not None]
    if not present or Fraction(len(present), len(lines)) < policy.least_present:
        return None
    numbers = sorted(_number(line.grade) for line in present)
    if policy.combine == "min":
        return GRADES[numbers[0]]
    if policy.combine == "median":
        return GRADES[numbers[(len(numbers) - 1) // 2]]
    weights = sum((line.weight for line in present), Fraction(0))
    mean = sum((_number(line.grade) * line.weight for line in present), Fraction(0)) / weights
    return GRADES[math.ceil(mean - Fraction(1, 2))]


def held_grade(
    computed: Sequence[Grade | None], promote_after: int, demote_after: int
) -> tuple[Grade | None, int]:
    """Return the grade held after these computed ones, and for how many periods in a row the last
    ones lay on the other side of it.

    >>> held_grade(["gold", "mid"], 1, 2), held_grade(["gold", "mid", "senior"], 1, 2)
    (('gold', 1), ('senior', 0))
    """
    held: Grade | None = None
    side, run = 0, 0
    for one in computed:
        if one is None or held is None:
            held, side, run = held or one, 0, 0
            continue
        now = (_number(one) > _number(held)) - (_number(one) < _number(held))
        run = run + 1 if now == side else 1
        side = now
        if now and run >= (promote_after if now > 0 else demote_after):
            held, side, run = one, 0, 0
    return held, run if side else 0
