"""Periods as plans and policies mean them: which one comes before, and whether one is whole."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

__all__ = ["is_whole", "period_before"]

_ONE_DAY = timedelta(days=1)


def period_before(rule: str, first: date, last: date) -> tuple[date, date]:
    """Return the period before: as many months before whole months under ``month``, else days.

    >>> period_before("month", date(2026, 3, 1), date(2026, 3, 31))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    end = first - _ONE_DAY
    if rule == "month" and is_whole(rule, first, last):
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
        return date(year, month + 1, 1), end
    return end - (last - first), end


def is_whole(rule: str, first: date, last: date) -> bool:
    """Tell whether the days are what the rule asks: whole months, weeks, one day, N days."""
    if rule == "month":
        return first.day == 1 and last.day == calendar.monthrange(last.year, last.month)[1]
    if rule == "week":
        return first.weekday() == 0 and last.weekday() == 6
    if rule == "any":
        return True
    return (last - first).days + 1 == (1 if rule == "day" else int(rule.split()[0]))
