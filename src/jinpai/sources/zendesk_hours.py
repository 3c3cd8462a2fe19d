"""Zendesk's business hours, said as the value of the setting ``duty_hours``.

A source loads rows, never settings: the note tells the user which value would say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from jinpai.sources.base import Note
from jinpai.sources.zendesk_records import Place, Store

__all__ = ["duty_hours", "schedule_notes"]

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY, _WEEK = 1440, 10_080
_LONGEST_HOLIDAY = timedelta(days=366)


def schedule_notes(store: Store) -> Iterator[Note]:
    """Yield a note for each schedule (JSON: one record; CSV: one row an interval).

    Holidays that name no schedule of the import get a note of their own.
    """
    parts, holidays = _alive(store.schedules), _alive(store.holidays)
    identities = list(dict.fromkeys(str(record.get("id")) for _, record in parts))
    for identity in identities:
        own = [(place, record) for place, record in parts if str(record.get("id")) == identity]
        intervals = [pair for _, record in own for pair in _intervals(record)]
        closed = [record for _, record in holidays if _schedule(record) in ("", identity)]
        place, first = own[0]
        about = f"'{first.get('name')}' ({first.get('time_zone')})"
        yield _note(place, about, duty_hours(intervals, closed))
    named = {"", *identities} if identities else set()
    loose = [one for one in holidays if _schedule(one[1]) not in named]
    if loose:
        hours = duty_hours([], [record for _, record in loose])
        yield _note(loose[0][0], "holidays", {"exceptions": hours["exceptions"]})


def _schedule(holiday: Mapping[str, Any]) -> str:
    """Return the schedule a holiday names; '' (any) in the answer about one schedule."""
    return str(holiday.get("schedule_id") or "")


def _alive(
    found: Sequence[tuple[Place, Mapping[str, Any]]],
) -> list[tuple[Place, Mapping[str, Any]]]:
    """Leave out records that the copy keeps although they were deleted at Zendesk."""
    return [one for one in found if str(one[1].get("_fivetran_deleted")).lower() != "true"]


def _note(place: Place, about: str, hours: Mapping[str, Any]) -> Note:
    value = json.dumps(hours)
    command = f"jinpai settings WORKSPACE set duty_hours '{value}'"
    return Note(
        place.file,
        f"Business hours {about} are not in force by themselves. To count response times on duty "
        f"only, in the shop's own zone: {command}",
        f"营业时间 {about} 不会自动生效。如只计值班时间内的响应时长(按店铺时区),请执行:{command}",
    )


def _intervals(record: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    nested = record.get("intervals")
    for part in nested if isinstance(nested, list) else (record,):
        try:
            start, end = int(part["start_time"]), int(part["end_time"])
        except (KeyError, TypeError, ValueError):
            continue  # an interval without two numbers opens nothing
        if 0 <= start < end <= 2 * _WEEK:
            yield start, end


def duty_hours(
    intervals: Sequence[tuple[int, int]], holidays: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the setting for intervals in minutes from Sunday 00:00 and closed days.

    >>> duty_hours([(1980, 2460)], [{"start_date": "2026-03-02", "end_date": "2026-03-03"}])
    {'weekly': {'mon': [['09:00', '17:00']]}, 'exceptions': {'2026-03-02': [], '2026-03-03': []}}
    """
    weekly: dict[str, list[list[str]]] = {}
    for start, end in sorted(intervals):
        while start < end:
            stop = min(end, (start // _DAY + 1) * _DAY)
            day = _DAYS[start % _WEEK // _DAY]
            weekly.setdefault(day, []).append([_clock(start % _DAY), _clock(stop, start)])
            start = stop
    closed: dict[str, list[list[str]]] = {day: [] for record in holidays for day in _days(record)}
    return {"weekly": weekly, "exceptions": dict(sorted(closed.items()))}


def _clock(minute: int, start: int | None = None) -> str:
    """Return HH:MM; an end at midnight is 24:00 of the day it closes."""
    rest = minute % _DAY
    if start is not None and rest == 0:
        return "24:00"
    return f"{rest // 60:02d}:{rest % 60:02d}"


def _days(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the days of a holiday, both ends included; none when its dates cannot be read."""
    try:
        first = date.fromisoformat(str(record.get("start_date"))[:10])
        last = date.fromisoformat(str(record.get("end_date"))[:10])
    except ValueError:
        return
    for offset in range(min(last - first, _LONGEST_HOLIDAY).days + 1):
        yield (first + timedelta(days=offset)).isoformat()
