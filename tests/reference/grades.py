"""Grades (section 5) a second time: bands of six indicators, one grade of them, hysteresis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from .plans import parse_interval

__all__ = ["DEFAULT", "GRADES", "combine", "grade_of", "standing"]

GRADES = ("junior", "mid", "senior", "gold")

# Seeds 49 to 54, with a returning share of exactly 30 % as mid: junior, mid, senior, gold.
DEFAULT: Mapping[str, tuple[str, str, str, str]] = {
    "returning_share": ("[0, 30%)", "[30%, 50%]", "(50%, 70%]", "(70%, 1]"),
    "old_buyer_churn": ("[40%, 1]", "[30%, 40%)", "[20%, 30%)", "[0, 20%)"),
    "purchase_cycle_days": ("[95, inf)", "[70, 95)", "[45, 70)", "[0, 45)"),
    "new_buyer_conversion_rate": ("[0, 60%]", "(60%, 70%]", "(70%, 80%]", "(80%, 1]"),
    "new_buyer_repurchase_rate": ("[0, 4%]", "(4%, 7%]", "(7%, 10%]", "(10%, 1]"),
    "new_buyer_retention_rate": ("[0, 3%]", "(3%, 4%]", "(4%, 5%]", "(5%, 1]"),
}


def grade_of(metric: str, value: Fraction) -> str:
    """Return the grade of one value under the default policy."""
    (found,) = (
        grade
        for grade, interval in zip(GRADES, DEFAULT[metric], strict=True)
        if parse_interval(interval).holds(value)
    )
    return found


def combine(
    grades: Sequence[str | None],
    how: str,
    least: Fraction = Fraction(1, 2),
    weights: Sequence[Fraction] = (),
) -> str | None:
    """Return one grade of those of the metrics (None: no value).

    Args:
        how: ``median``, ``min``, or ``weighted``: the mean rank by weight, a half down.
        least: of a smaller share of the metrics there is none.
    """
    ranks = [GRADES.index(grade) for grade in grades if grade is not None]
    if not ranks or Fraction(len(ranks), len(grades)) < least:
        return None
    if how == "weighted":
        there = [w for w, grade in zip(weights, grades, strict=True) if grade is not None]
        mean = sum((w * r for w, r in zip(there, ranks, strict=True)), Fraction(0)) / sum(there)
        return GRADES[math.ceil(mean - Fraction(1, 2))]
    ranks.sort()
    return GRADES[ranks[0] if how == "min" else ranks[(len(ranks) - 1) // 2]]


def standing(
    computed: Sequence[str | None], promote_after: int = 1, demote_after: int = 2
) -> list[str | None]:
    """Return the grade somebody has after each period, from the grades computed for them.

    The first is as computed. A row of periods above (below) the grade held promotes (demotes),
    when it is long enough, to the grade computed last. A period without a grade ends a row.
    """
    held: list[str | None] = []
    above = below = 0
    for grade in computed:
        before = held[-1] if held else None
        if grade is None or before is None:
            held.append(before if grade is None else grade)
            above = below = 0
            continue
        here, now = GRADES.index(before), GRADES.index(grade)
        above, below = (above + 1 if now > here else 0), (below + 1 if now < here else 0)
        moves = above >= promote_after if now > here else now < here and below >= demote_after
        held.append(grade if moves else before)
        if moves:
            above = below = 0
    return held
