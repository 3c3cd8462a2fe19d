"""Grades (section 5) a second time: bands of six indicators, one grade of them, hysteresis."""

from __future__ import annotations

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


def combine(grades: Sequence[str | None], how: str, least: Fraction = Fraction(1, 2)) -> str | None:
    """Return one grade of those of the metrics (None: no value), by ``median`` or ``min``.

    None where fewer than ``least`` of the metrics are there.
    """
    ranks = sorted(GRADES.index(grade) for grade in grades if grade is not None)
    if not ranks or Fraction(len(ranks), len(grades)) < least:
        return None
    return GRADES[ranks[0] if how == "min" else ranks[(len(ranks) - 1) // 2]]


def standing(computed: Sequence[str], promote_after: int = 1, demote_after: int = 2) -> list[str]:
    """Return the grade somebody has after each period, from the grades computed for them.

    The first is as computed. A run of periods above (below) the grade held promotes (demotes),
    when it is long enough, to the grade computed last.
    """
    held: list[str] = []
    above = below = 0
    for grade in computed:
        if not held:
            held.append(grade)
            continue
        here, now = GRADES.index(held[-1]), GRADES.index(grade)
        above, below = (above + 1 if now > here else 0), (below + 1 if now < here else 0)
        if (above >= promote_after and now > here) or (below >= demote_after and now < here):
            held.append(grade)
            above = below = 0
        else:
            held.append(held[-1])
    return held
