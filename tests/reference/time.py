"""Local days, wall clocks and duty hours, one stretch of constant offset at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from .model import HOUR, SECOND

__all__ = ["Calendar", "clock_us", "duty_us", "on_duty"]

DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def clock_us(text: str) -> int:
    """Return microseconds after midnight of ``HH:MM`` (24:00 allowed).

    >>> clock_us("01:30")
    5400000000
    """
    hours, minutes = text.split(":")
    return int(hours) * HOUR + int(minutes) * 60 * SECOND


def naive_us(day: date) -> int:
    """Return the wall-clock midnight of a date as if it were UTC."""
    return (day - date(1970, 1, 1)).days * DAY


@lru_cache(maxsize=100_000)
def offset(zone: str, at: int) -> int:
    """Return local minus UTC at an instant, in microseconds."""
    local = (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))
    return (local.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) - at


@lru_cache(maxsize=10_000)
def stretches(zone: str, start: int, end: int) -> tuple[tuple[int, int, int], ...]:
    """Cut [start, end) into (from, to, offset) of constant offset; looks every 15 minutes."""
    found: list[tuple[int, int, int]] = []
    at, begun = start, start
    while at < end:
        after = min(at + 15 * 60 * SECOND, end)
        if offset(zone, after) != offset(zone, at):
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                if offset(zone, middle) == offset(zone, at):
                    low = middle
                else:
                    high = middle
            found.append((begun, high, offset(zone, at)))
            begun = high
        at = after
    if begun < end:
        found.append((begun, end, offset(zone, begun)))
    return tuple(found)


@lru_cache(maxsize=10_000)
def first_instant(zone: str, start_clock: int, day: date) -> int | None:
    """Return the first instant of local date ``day`` at wall time >= start_clock; None if none."""
    midnight = naive_us(day)
    for begin, end, shift in stretches(zone, midnight - 36 * HOUR, midnight + 60 * HOUR):
        first = max(begin, midnight + start_clock - shift)
        if first < end and first + shift < midnight + DAY:
            return first
    return None


@lru_cache(maxsize=200_000)
def day_at(zone: str, start_clock: int, at: int) -> date:
    """Return the latest day that has begun at an instant."""
    day = date(1970, 1, 1) + timedelta(days=(at + offset(zone, at)) // DAY + 1)
    while True:
        begun = first_instant(zone, start_clock, day)
        if begun is not None and begun <= at:
            return day
        day -= timedelta(days=1)


class Calendar:
    """The days of one shop."""

    def __init__(self, zone: str, business_day_start: str) -> None:
        self.zone = zone
        self.start_clock = clock_us(business_day_start)

    def wall(self, at: int) -> int:
        """Return the local wall time as naive microseconds since 1970-01-01 00:00."""
        return at + offset(self.zone, at)

    def clock(self, at: int) -> int:
        """Return the local wall-clock time of day in microseconds."""
        return self.wall(at) % DAY

    def day_start(self, day: date) -> int:
        """Return the first instant of a day; of a day that does not exist, that of the next."""
        first = first_instant(self.zone, self.start_clock, day)
        return self.day_start(day + timedelta(days=1)) if first is None else first

    def day_end(self, day: date) -> int:
        """Return the last microsecond of a day."""
        return self.day_start(day + timedelta(days=1)) - 1

    def day_of(self, at: int) -> date:
        """Return the local day of an instant: the latest day that has begun."""
        return day_at(self.zone, self.start_clock, at)


def _duty_intervals(hours: dict[str, Any], first: date, last: date) -> list[tuple[int, int]]:
    """Return the naive wall intervals [start, end) that begin on the dates first..last."""
    found = []
    day = first
    while day <= last:
        weekly = hours.get("weekly", {}).get(WEEKDAYS[day.weekday()], [])
        for start_text, end_text in hours.get("exceptions", {}).get(day.isoformat(), weekly):
            start, end = clock_us(start_text), clock_us(end_text)
            found.append(
                (naive_us(day) + start, naive_us(day) + end + (DAY if end <= start else 0))
            )
        day += timedelta(days=1)
    return sorted(found)


def on_duty(calendar: Calendar, hours: dict[str, Any] | None, at: int) -> bool:
    """Tell whether the wall time of an instant lies in a duty interval."""
    if hours is None:
        return True
    wall = calendar.wall(at)
    day = date(1970, 1, 1) + timedelta(days=wall // DAY)
    intervals = _duty_intervals(hours, day - timedelta(days=2), day)
    return any(start <= wall < end for start, end in intervals)


def duty_us(calendar: Calendar, hours: dict[str, Any] | None, start: int, end: int) -> int:
    """Return the microseconds of [start, end) that are on duty."""
    if hours is None or end <= start:
        return max(end - start, 0)
    total = 0
    for begin, stop, shift in stretches(calendar.zone, start, end):
        wall_from, wall_to = begin + shift, stop + shift
        first = date(1970, 1, 1) + timedelta(days=wall_from // DAY - 2)
        last = date(1970, 1, 1) + timedelta(days=wall_to // DAY)
        done = wall_from
        for low, high in _duty_intervals(hours, first, last):
            low, high = max(low, done), min(high, wall_to)
            if high > low:
                total += high - low
                done = high
    return total
