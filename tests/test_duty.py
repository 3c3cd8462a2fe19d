"""Duty hours against the local clock asked instant by instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.duty import DutyMark, duty_marks, duty_segments, read_duty_hours
from jinpai.errors import UsageError

DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPOTS = (
    ("Asia/Shanghai", date(2026, 3, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
)

clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 1, 30, 59)))
intervals = st.lists(st.tuples(clocks, clocks | st.just("24:00")).map(list), max_size=3)


def us(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def on_duty(hours: dict[str, Any], zone: str, t: int) -> bool:
    """The definition, for one instant: does its wall time lie in an interval of a nearby date?"""
    wall = (EPOCH + timedelta(microseconds=t)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    for day in (wall.date() - timedelta(days=1), wall.date()):
        begins = hours["weekly"].get(WEEKDAYS[day.weekday()], [])
        for start, end in hours["exceptions"].get(day.isoformat(), begins):
            midnight = datetime(day.year, day.month, day.day)
            low, high = (
                midnight + timedelta(hours=int(text[:2]), minutes=int(text[3:]))
                for text in (start, end)
            )
            if low <= wall < (high if high > low else high + timedelta(days=1)):
                return True
    return False


def open_until(marks: list[DutyMark], t: int) -> int:
    mark = next(m for m in reversed(marks) if m.from_us <= t)
    return mark.cum_open_us + (t - mark.from_us if mark.is_open else 0)


@settings(max_examples=100, deadline=None)
@given(
    spot=st.sampled_from(SPOTS),
    weekly=st.dictionaries(st.sampled_from(WEEKDAYS), intervals),
    exception=intervals,
    back=st.integers(0, 3 * DAY_US),
    length=st.integers(1, 6 * DAY_US),
    data=st.data(),
)
def test_on_duty_at_every_instant(
    spot: tuple[str, date],
    weekly: dict[str, Any],
    exception: list[Any],
    back: int,
    length: int,
    data: st.DataObject,
) -> None:
    zone, day = spot
    written = {"weekly": weekly, "exceptions": {day.isoformat(): exception}}
    hours = read_duty_hours(written)
    assert read_duty_hours(hours.to_json()) == hours
    low = us(f"{day}T12:00:00+00:00") - back
    high = low + length
    open_at = duty_segments(hours, zone, low, high)
    marks = duty_marks(hours, zone, low, high)

    edges = [edge for segment in open_at for edge in segment]
    assert edges == sorted(set(edges))
    assert [m.from_us for m in marks] + [high] == [low] + [m.to_us for m in marks]
    for mark in marks:
        assert mark.bucket == mark.from_us // DAY_US == (mark.to_us - 1) // DAY_US
    near = [t for edge in edges for t in (edge - 1, edge)]
    for t in near + data.draw(st.lists(st.integers(low, high - 1), max_size=6)):
        if low <= t < high:
            expected = on_duty(written, zone, t)
            assert any(a <= t < b for a, b in open_at) == expected
            assert next(m for m in reversed(marks) if m.from_us <= t).is_open == expected
            assert open_until(marks, t) == sum(min(b, t) - a for a, b in open_at if a < t)


def test_the_example_of_the_definitions() -> None:
    """09:00-23:00 on Mondays; Sunday 8 March 2026 all day."""
    hours = read_duty_hours(
        {
            "weekly": {"mon": [["09:00", "23:00"]]},
            "exceptions": {"2026-03-08": [["00:00", "24:00"]]},
        }
    )
    low, high = us("2026-03-07T00:00:00+08:00"), us("2026-03-11T00:00:00+08:00")
    assert duty_segments(hours, "Asia/Shanghai", low, high) == [
        (us("2026-03-08T00:00:00+08:00"), us("2026-03-09T00:00:00+08:00")),
        (us("2026-03-09T09:00:00+08:00"), us("2026-03-09T23:00:00+08:00")),
    ]


def test_an_exception_replaces_only_what_begins_on_its_date() -> None:
    """Saturday's late shift reaches into an excepted, closed Sunday."""
    hours = read_duty_hours(
        {"weekly": {"sat": [["20:00", "02:00"]]}, "exceptions": {"2026-03-08": []}}
    )
    low, high = us("2026-03-08T00:00:00+08:00"), us("2026-03-09T00:00:00+08:00")
    assert duty_segments(hours, "Asia/Shanghai", low, high) == [
        (low, us("2026-03-08T02:00:00+08:00"))
    ]


def test_an_hour_that_comes_twice_counts_twice() -> None:
    hours = read_duty_hours({"weekly": {"sun": [["01:00", "02:00"]]}})
    low, high = us("2026-11-01T00:00:00+00:00"), us("2026-11-02T00:00:00+00:00")
    (segment,) = duty_segments(hours, "America/New_York", low, high)
    assert segment.to_us - segment.from_us == 2 * 3_600_000_000


def test_no_duty_hours_is_always_open() -> None:
    marks = duty_marks(None, "Asia/Shanghai", DAY_US - 5, 2 * DAY_US + 7)
    assert marks == [
        (0, DAY_US - 5, DAY_US, True, 0),
        (1, DAY_US, 2 * DAY_US, True, 5),
        (2, 2 * DAY_US, 2 * DAY_US + 7, True, DAY_US + 5),
    ]
    assert all(a.to_us == b.from_us for a, b in pairwise(marks))
    assert duty_segments(None, "Asia/Shanghai", 5, 5) == []


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], "must be an object"),
        ({}, "weekly is missing"),
        ({"weekly": {"monday": []}}, "Did you mean 'mon'"),
        ({"weekly": {"mon": "09:00-23:00"}}, "weekly.mon must be a list"),
        ({"weekly": {"mon": ["09:00", "23:00"]}}, r"weekly.mon\[0\] must be a pair"),
        ({"weekly": {"mon": [["09:00", "25:00"]]}}, r"weekly.mon\[0\]: '25:00'"),
        ({"weekly": {"mon": [["24:00", "01:00"]]}}, "cannot start at 24:00"),
        ({"weekly": {}, "exceptions": {"8 March": []}}, "exceptions.8 March"),
        ({"weekly": {}, "exceptions": {"2026-03-08": [[9, 23]]}}, r"exceptions.2026-03-08\[0\]"),
        ({"weekly": {}, "exeptions": {}}, "Did you mean 'exceptions'"),
    ],
)
def test_refused_with_its_place(value: object, place: str) -> None:
    with pytest.raises(UsageError, match=place):
        read_duty_hours(value)
