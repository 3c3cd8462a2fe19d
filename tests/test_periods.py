"""Shop time against a clock that is asked minute by minute, and against hand-worked days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai import periods
from jinpai.errors import UnknownName, UsageError

DAY_US = 86_400_000_000
QUARTER = timedelta(minutes=15)
STARTS = ("00:00", "01:30", "02:30", "05:00")
# Stretches of days around what each zone does to its clocks.
SPOTS = (
    ("Asia/Shanghai", date(2026, 3, 1)),
    ("Asia/Shanghai", date(1988, 4, 17)),
    ("UTC", date(2026, 1, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/London", date(2026, 3, 29)),
    ("Europe/London", date(2026, 10, 25)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # forward at midnight: no 00:00
    ("America/Sao_Paulo", date(2018, 2, 18)),  # back at midnight: 23:00 twice
    ("Pacific/Apia", date(2011, 12, 30)),  # skipped
    ("Pacific/Kwajalein", date(1993, 8, 21)),  # skipped
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Africa/Casablanca", date(2026, 2, 15)),
    ("Africa/Cairo", date(2026, 4, 24)),  # forward at midnight
    ("Africa/Cairo", date(2026, 10, 30)),  # back at midnight
    ("America/Havana", date(2026, 11, 1)),  # back over midnight's hour: 00:00 twice
)


def us(text: str) -> int:
    """Microseconds of an ISO time with a zone."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@cache
def first_instant(zone: str, day: date, start: str) -> datetime | None:
    """The definition of a day's start, by asking the clock at every quarter of an hour."""
    wanted = datetime.strptime(start, "%H:%M").time()
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=30)
    for _ in range(96 * 4):
        local = at.astimezone(ZoneInfo(zone))
        if local.date() == day and local.time() >= wanted:
            return at
        at += QUARTER
    return None


def day_by_asking(zone: str, at: datetime, start: str) -> date:
    """The latest day that has begun."""
    day = at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    while True:
        begun = first_instant(zone, day, start)
        if begun is not None and begun <= at:
            return day
        day -= timedelta(days=1)


@settings(max_examples=150, deadline=None)
@given(
    spot=st.sampled_from(SPOTS),
    start=st.sampled_from(STARTS),
    back=st.integers(0, 40 * DAY_US),
    length=st.integers(1, 60 * DAY_US),
    data=st.data(),
)
def test_segments_say_what_the_clock_says(
    spot: tuple[str, date], start: str, back: int, length: int, data: st.DataObject
) -> None:
    zone, day = spot
    from_us = us(f"{day}T12:00:00+00:00") - back
    segments = periods.clock_segments(zone, start, from_us, from_us + length)
    edges = [segment.from_us for segment in segments] + [segments[-1].to_us]
    assert edges == sorted(set(edges))
    assert (edges[0], edges[-1]) == (from_us, from_us + length)
    assert [s.to_us for s in segments] == edges[1:]
    assert all(a[2:] != b[2:] for a, b in pairwise(segments))

    near = [t for edge in edges for t in (edge - 1, edge, edge + 1) if from_us <= t < edges[-1]]
    drawn = data.draw(st.lists(st.integers(from_us, edges[-1] - 1), max_size=6))
    for t in near[:12] + drawn:
        segment = next(s for s in segments if s.from_us <= t < s.to_us)
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)
        local = at.astimezone(ZoneInfo(zone))
        clock = local.replace(tzinfo=None) - datetime(local.year, local.month, local.day)
        expected = day_by_asking(zone, at, start)
        assert (t + segment.wall_shift_us) % DAY_US == clock // timedelta(microseconds=1)
        assert (t + segment.day_shift_us) // DAY_US == (expected - date(1970, 1, 1)).days
        assert periods.day_of(t, zone, start) == expected


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("zone", "middle"), SPOTS)
def test_days_start_where_the_clock_first_shows_them(zone: str, middle: date, start: str) -> None:
    for day in periods.days(middle - timedelta(days=2), middle + timedelta(days=2)):
        begun = first_instant(zone, day, start) or first_instant(
            zone, day + timedelta(days=1), start
        )
        assert begun is not None
        assert periods.utc_time(periods.day_start(day, zone, start)) == begun


def test_one_segment_where_the_clocks_never_change() -> None:
    start, end = us("2000-01-01T00:00:00+00:00"), us("2030-01-01T00:00:00+00:00")
    hours = 3_600_000_000
    assert periods.clock_segments("Asia/Shanghai", "05:00", start, end) == [
        (start, end, 3 * hours, 8 * hours)
    ]
    assert periods.clock_segments("Asia/Shanghai", "00:00", start, start) == []


@pytest.mark.parametrize(
    ("day", "zone", "start", "first", "hours"),
    [
        ("2026-03-01", "Asia/Shanghai", "00:00", "2026-02-28T16:00:00+00:00", 24),
        ("2026-03-01", "Asia/Shanghai", "05:00", "2026-02-28T21:00:00+00:00", 24),
        ("2026-03-08", "America/New_York", "00:00", "2026-03-08T05:00:00+00:00", 23),
        ("2026-11-01", "America/New_York", "00:00", "2026-11-01T04:00:00+00:00", 25),
        # 02:30 does not exist that day; the day starts when the clock has jumped to 03:00.
        ("2026-03-08", "America/New_York", "02:30", "2026-03-08T07:00:00+00:00", 23.5),
        # 01:30 comes twice; the day starts the first time.
        ("2026-11-01", "America/New_York", "01:30", "2026-11-01T05:30:00+00:00", 25),
        ("2018-11-04", "America/Sao_Paulo", "00:00", "2018-11-04T03:00:00+00:00", 23),
        ("2018-02-17", "America/Sao_Paulo", "00:00", "2018-02-17T02:00:00+00:00", 25),
        ("2011-12-29", "Pacific/Apia", "00:00", "2011-12-29T10:00:00+00:00", 24),
        ("2011-12-30", "Pacific/Apia", "00:00", "2011-12-30T10:00:00+00:00", 0),
        # Skipped, so the small hours of the 31st still belong to the 29th.
        ("2011-12-29", "Pacific/Apia", "05:00", "2011-12-29T15:00:00+00:00", 24),
        ("2011-12-31", "Pacific/Apia", "05:00", "2011-12-30T15:00:00+00:00", 24),
    ],
)
def test_days_worked_by_hand(day: str, zone: str, start: str, first: str, hours: float) -> None:
    on = date.fromisoformat(day)
    assert periods.day_start(on, zone, start) == us(first)
    length = periods.day_end(on, zone, start) + 1 - periods.day_start(on, zone, start)
    assert length == hours * 3_600_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-08", "2026-03-09T04:59:59.999999+00:00"),  # the 9th starts at 01:00 EDT
        ("2026-03-08T12:00", "2026-03-08T16:00:00+00:00"),
        ("2026-03-08 12:00:00.5", "2026-03-08T16:00:00.5+00:00"),
        ("2026-03-08T12:00:00+08:00", "2026-03-08T04:00:00+00:00"),
        ("2026-03-08T12:00:00Z", "2026-03-08T12:00:00+00:00"),
        ("2026-11-01T01:30", "2026-11-01T05:30:00+00:00"),  # twice: the first is meant
    ],
)
def test_as_of(text: str, expected: str) -> None:
    assert periods.parse_as_of(text, "America/New_York", "01:00") == us(expected)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("2026-03-08T02:30", "does not exist"),
        ("yesterday", "YYYY-MM-DD"),
        ("2026-02-30", "no day"),
        ("20260308", "no day"),
        ("2026-03-08T25:00", "no time"),
        ("9999-12-31", "outside"),
        ("9999-12-31T23:59:59", "outside"),
        ("", "no day"),
    ],
)
def test_as_of_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        periods.parse_as_of(text, "America/New_York")


def test_ranges() -> None:
    assert periods.parse_range(None, "2026-03-08") == (None, date(2026, 3, 8))
    with pytest.raises(UsageError, match="--from"):
        periods.parse_range("2026-3-8", None)
    with pytest.raises(UsageError, match="before --from"):
        periods.parse_range("2026-03-09", "2026-03-08")
    assert list(periods.days(date(2026, 2, 28), date(2026, 3, 1))) == [
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert periods.week_key(date(2026, 1, 1)) == date(2025, 12, 29)


@pytest.mark.parametrize("name", ["Asia/Shangai", "../Asia/Shanghai", "", "America", "/etc/passwd"])
def test_unknown_zones(name: str) -> None:
    with pytest.raises(UnknownName, match="time zone"):
        periods.zone(name)
    with pytest.raises(UnknownName, match="Asia/Shanghai"):
        periods.zone("Asia/Shangai")


@pytest.mark.parametrize("text", ["24:01", "8", "8:5", "-1:00", "08:60", "noon", "08:00:99"])
def test_clock_times_refused(text: str) -> None:
    with pytest.raises(UsageError, match="clock time"):
        periods.clock_us(text)
