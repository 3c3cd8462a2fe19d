"""Duty hours: when a shop says it answers, as open stretches of time.

Written as in the definitions (4.1)::

    {"weekly": {"mon": [["09:00", "23:00"]], "sat": [["20:00", "02:00"]]},
     "exceptions": {"2026-03-08": [["00:00", "24:00"]]}}

An interval ``[start, end)`` belongs to the date it begins on; an end at or before its start, and
24:00, lie on the next date. An exception replaces the intervals that begin on its date; a weekday
left out is closed. No duty hours at all (None) is always open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from jinpai.errors import UsageError, nearest
from jinpai.periods import DAY_US, FIRST_DAY, clock_text, clock_us, offset_spans, parse_day

__all__ = [
    "DutyHours",
    "DutyMark",
    "DutySegment",
    "duty_marks",
    "duty_segments",
    "read_duty_hours",
]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Interval = tuple[int, int]


@dataclass(frozen=True)
class DutyHours:
    """Checked duty hours.

    Attributes:
        weekly: for Monday to Sunday, the intervals that begin on that weekday, as microseconds
            from its midnight by the clock; an end may reach into the next date.
        exceptions: the same for single dates.
    """

    weekly: tuple[tuple[Interval, ...], ...]
    exceptions: Mapping[date, tuple[Interval, ...]]

    def on(self, day: date) -> tuple[Interval, ...]:
        """Return the intervals that begin on that calendar date."""
        return self.exceptions.get(day, self.weekly[day.weekday()])

    def to_json(self) -> dict[str, dict[str, list[list[str]]]]:
        """Return the written form with its names, dates and clock times in one fixed style."""
        weekly = {name: _written(self.weekly[i]) for i, name in enumerate(WEEKDAYS)}
        exceptions = {day.isoformat(): _written(self.exceptions[day]) for day in self.exceptions}
        return {
            "weekly": {name: written for name, written in weekly.items() if written},
            "exceptions": dict(sorted(exceptions.items())),
        }


class DutySegment(NamedTuple):
    """A half-open stretch of time on duty."""

    from_us: int
    to_us: int


class DutyMark(NamedTuple):
    """A half-open stretch that lies in one UTC day and is either all open or all closed.

    Attributes:
        bucket: ``from_us // 86_400_000_000``.
        cum_open_us: open microseconds of the marks before this one. Duty time between a and b is
            ``F(b) - F(a)`` with ``F(t) = cum_open_us + (t - from_us if is_open else 0)``.
    """

    bucket: int
    from_us: int
    to_us: int
    is_open: bool
    cum_open_us: int


def read_duty_hours(value: object) -> DutyHours:
    """Check written duty hours; raises UsageError that says where, as ``weekly.mon[0]``."""
    form = _mapping(value, "", ("weekly", "exceptions"))
    if "weekly" not in form:
        raise UsageError(
            'weekly is missing; write {"weekly": {"mon": [["09:00", "23:00"]]}}.',
            zh='缺少 weekly；请写成 {"weekly": {"mon": [["09:00", "23:00"]]}}。',
        )
    weekly = _mapping(form["weekly"], "weekly", WEEKDAYS)
    exceptions = _mapping(form.get("exceptions", {}), "exceptions")
    return DutyHours(
        tuple(_intervals(weekly.get(name, []), f"weekly.{name}") for name in WEEKDAYS),
        {
            parse_day(day, f"exceptions.{day}"): _intervals(written, f"exceptions.{day}")
            for day, written in sorted(exceptions.items())
        },
    )


def _mapping(value: object, place: str, known: tuple[str, ...] | None = None) -> dict[str, object]:
    name = place or "the value"
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{name} must be an object with names, not {value!r}.",
            zh=f"{place or '该值'} 应为带名称的对象，不能是 {value!r}。",
        )
    form = {str(key): item for key, item in value.items()}
    for key in form:
        if known is not None and key not in known:
            hint = nearest(key, known)
            more = f"Did you mean '{hint}'?" if hint else f"It takes {', '.join(known)}."
            more_zh = f"是不是“{hint}”？" if hint else f"可用的有：{'、'.join(known)}。"
            raise UsageError(
                f"{name}: there is no '{key}'. {more}",
                zh=f"{place or '该值'}：没有“{key}”。{more_zh}",
            )
    return form


def _intervals(value: object, place: str) -> tuple[Interval, ...]:
    if not isinstance(value, list | tuple):
        raise UsageError(
            f'{place} must be a list like [["09:00", "23:00"]], not {value!r}.',
            zh=f'{place} 应为列表，如 [["09:00", "23:00"]]，不能是 {value!r}。',
        )
    return tuple(_interval(item, f"{place}[{i}]") for i, item in enumerate(value))


def _interval(value: object, place: str) -> Interval:
    pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) != 2 or not all(isinstance(part, str) for part in pair):
        raise UsageError(
            f'{place} must be a pair like ["09:00", "23:00"], not {value!r}.',
            zh=f'{place} 应为一对时刻，如 ["09:00", "23:00"]，不能是 {value!r}。',
        )
    try:
        start, end = (clock_us(part) for part in pair)
    except UsageError as error:
        raise UsageError(f"{place}: {error}", zh=f"{place}：{error.text_zh}") from None
    if start == DAY_US:
        raise UsageError(
            f"{place}: an interval cannot start at 24:00; write 00:00 of the next day.",
            zh=f"{place}：时段不能从 24:00 开始；请写次日的 00:00。",
        )
    return start, end if end > start else end + DAY_US


def _written(intervals: tuple[Interval, ...]) -> list[list[str]]:
    def end_text(end: int) -> str:
        return clock_text(end if end <= DAY_US else end - DAY_US)

    return [[clock_text(start), end_text(end)] for start, end in intervals]


def duty_segments(
    duty_hours: DutyHours | None, tz: str, from_us: int, to_us: int
) -> list[DutySegment]:
    """Return the stretches on duty inside ``[from_us, to_us)``, merged and in order.

    An instant is on duty iff its local clock time lies in an interval; an hour that the clocks
    repeat is on duty both times, one that they jump over never.
    """
    if duty_hours is None:
        return [DutySegment(from_us, to_us)] if from_us < to_us else []
    kept: list[DutySegment] = []
    for start, end in sorted(_open(duty_hours, tz, from_us, to_us)):
        if kept and start <= kept[-1].to_us:
            last = kept.pop()
            start, end = last.from_us, max(last.to_us, end)
        kept.append(DutySegment(start, end))
    return kept


def _open(duty_hours: DutyHours, tz: str, from_us: int, to_us: int) -> Iterator[Interval]:
    for span_from, span_to, offset in offset_spans(tz, from_us, to_us):
        first, last = ((edge + offset) // DAY_US for edge in (span_from, span_to))
        for number in range(first - 1, last + 1):
            midnight = number * DAY_US - offset
            for start, end in duty_hours.on(FIRST_DAY + timedelta(days=number)):
                low, high = max(span_from, midnight + start), min(span_to, midnight + end)
                if low < high:
                    yield low, high


def duty_marks(duty_hours: DutyHours | None, tz: str, from_us: int, to_us: int) -> list[DutyMark]:
    """Cut ``[from_us, to_us)`` at every duty edge and UTC midnight; contiguous and in order."""
    open_at = duty_segments(duty_hours, tz, from_us, to_us)
    midnights = range((from_us // DAY_US + 1) * DAY_US, to_us, DAY_US)
    edges = sorted({from_us, to_us, *midnights, *(edge for pair in open_at for edge in pair)})
    starts = {segment.from_us for segment in open_at}
    ends = {segment.to_us for segment in open_at}
    marks, is_open, total = [], False, 0
    for start, end in pairwise(edges):
        is_open = start in starts or (is_open and start not in ends)
        marks.append(DutyMark(start // DAY_US, start, end, is_open, total))
        total += (end - start) * is_open
    return marks
