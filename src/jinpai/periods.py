"""Shop time: days, clock segments and duty hours. The only module that owns time.

Instants are ``int`` microseconds since 1970-01-01 UTC, days are ``datetime.date`` at the edge and
``int`` days since 1970-01-01 inside, and clock times are text, ``"HH:MM"`` or ``"HH:MM:SS"``.

A day starts at the first instant whose local date is D and whose local clock is at or past
``business_day_start``; it ends where the next one begins. SQL cannot ask a time zone for that, so
`clock_segments` hands it over as shifts that hold between two instants.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from jinpai.errors import UnknownName, UsageError

__all__ = [
    "DAY_US",
    "FIRST_DAY",
    "LAST_DAY",
    "ClockSegment",
    "clock_segments",
    "clock_text",
    "clock_us",
    "day_end",
    "day_number",
    "day_of",
    "day_start",
    "days",
    "instant_of",
    "local_time",
    "month_key",
    "offset_spans",
    "parse_as_of",
    "parse_day",
    "parse_range",
    "utc_time",
    "week_key",
    "zone",
]

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2100, 12, 31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A day started at most this long before an instant: one skipped date and one long day fit in.
_LOOK_BACK_US = 4 * DAY_US


class ClockSegment(NamedTuple):
    """A half-open stretch of time in which the shop's clock runs evenly.

    For every instant t in ``[from_us, to_us)``: the local day is
    ``floor((t + day_shift_us) / 86_400_000_000)`` and the local clock stands at
    ``(t + wall_shift_us) mod 86_400_000_000`` microseconds.
    """

    from_us: int
    to_us: int
    day_shift_us: int
    wall_shift_us: int


@cache
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone; raises UnknownName with the nearest one.

    >>> zone("Asia/Shanghai").key
    'Asia/Shanghai'
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownName("time zone", name, available_timezones()) from None


def clock_us(text: str) -> int:
    """Return a clock time as microseconds of the day, 24:00 included; raises UsageError.

    >>> clock_us("08:30"), clock_us("24:00") == DAY_US
    (30600000000, True)
    """
    match = re.fullmatch(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?", text.strip())
    hour, minute, second = (int(part or 0) for part in match.groups()) if match else (99, 0, 0)
    total = hour * 3600 + minute * 60 + second
    if total > 86_400:
        raise UsageError(
            f"'{text}' is no clock time; write HH:MM, from 00:00 to 24:00.",
            zh=f"“{text}”不是时刻；请写成 HH:MM，00:00 至 24:00。",
        )
    return total * SECOND_US


def clock_text(us: int) -> str:
    """Return microseconds of the day as ``HH:MM``, or ``HH:MM:SS`` when seconds are needed.

    >>> clock_text(30_600_000_000)
    '08:30'
    """
    minutes, second = divmod(us // SECOND_US, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def utc_time(us: int) -> datetime:
    """Return the instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def local_time(us: int, tz: str) -> datetime:
    """Return the instant as a datetime in the zone.

    >>> local_time(0, "Asia/Shanghai").isoformat()
    '1970-01-01T08:00:00+08:00'
    """
    return utc_time(us).astimezone(zone(tz))


def instant_of(time: datetime, tz: str) -> int:
    """Return the instant of a datetime; one without a zone is the zone's local time.

    Of a local time that happens twice the first is meant; one that the clocks jump over does not
    exist and raises UsageError.
    """
    aware = time if time.tzinfo is not None else time.replace(tzinfo=zone(tz))
    us = (aware - _EPOCH) // timedelta(microseconds=1)
    if time.tzinfo is None and local_time(us, tz).replace(tzinfo=None) != time:
        raise UsageError(
            f"{time} does not exist in {tz}: the clocks jump over it.",
            zh=f"{time} 在 {tz} 不存在：夏令时跳过了这一刻。",
        )
    return us


def day_number(day: date) -> int:
    """Return days since 1970-01-01.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return day.toordinal() - FIRST_DAY.toordinal()


def week_key(day: date) -> date:
    """Return the Monday of the day's week.

    >>> week_key(date(2026, 3, 8))
    datetime.date(2026, 3, 2)
    """
    return day - timedelta(days=day.weekday())


def month_key(day: date) -> str:
    """Return the day's month.

    >>> month_key(date(2026, 3, 8))
    '2026-03'
    """
    return f"{day:%Y-%m}"


def days(first: date, last: date) -> Iterator[date]:
    """Yield the days from first to last, both included; nothing when last is before first."""
    for number in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(number)


def parse_day(text: str, name: str = "the day") -> date:
    """Return the day written ``YYYY-MM-DD``, 1970 to 2100; ``name`` is the option in the error."""
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text.strip()):
            raise ValueError
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{name}: '{text}' is no day; write YYYY-MM-DD.",
            zh=f"{_place_zh(name)}：“{text}”不是日期；请写成 YYYY-MM-DD。",
        ) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError(
            f"{name}: {day} is outside {FIRST_DAY} to {LAST_DAY}.",
            zh=f"{_place_zh(name)}：{day} 不在 {FIRST_DAY} 至 {LAST_DAY} 之间。",
        )
    return day


def _place_zh(name: str) -> str:
    return "日期" if name == "the day" else name


def parse_range(first: str | None, last: str | None) -> tuple[date | None, date | None]:
    """Return the days of ``--from`` and ``--to``; None stays open. Raises UsageError."""
    start = None if first is None else parse_day(first, "--from")
    end = None if last is None else parse_day(last, "--to")
    if start and end and end < start:
        raise UsageError(
            f"--to {end} is before --from {start}; swap them.",
            zh=f"--to {end} 早于 --from {start}；请对调。",
        )
    return start, end


def parse_as_of(text: str, tz: str, business_day_start: str = "00:00") -> int:
    """Return the instant of ``--as-of``.

    A day means its last microsecond; a time without a zone is the shop's local time. Raises
    UsageError for anything else.
    """
    word = text.strip()
    if "T" not in word.upper() and ":" not in word:
        return day_end(parse_day(word, "--as-of"), tz, business_day_start)
    try:
        time = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(
            f"--as-of: '{text}' is no time; write YYYY-MM-DD, YYYY-MM-DDTHH:MM:SS "
            "or YYYY-MM-DDTHH:MM:SS+08:00.",
            zh=f"--as-of：“{text}”不是时间；请写成 YYYY-MM-DD、YYYY-MM-DDTHH:MM:SS "
            "或 YYYY-MM-DDTHH:MM:SS+08:00。",
        ) from None
    if not FIRST_DAY <= time.date() <= LAST_DAY:
        raise UsageError(
            f"--as-of: {text} is outside {FIRST_DAY} to {LAST_DAY}.",
            zh=f"--as-of：{text} 不在 {FIRST_DAY} 至 {LAST_DAY} 之间。",
        )
    return instant_of(time, tz)


def day_start(day: date, tz: str, business_day_start: str = "00:00") -> int:
    """Return the first instant of the day.

    For a day that never came (the zone skipped it) this is the start of the next one, so that it
    holds no instant.
    """
    number = day_number(day)
    near = number * DAY_US
    for segment in clock_segments(tz, business_day_start, near - 2 * DAY_US, near + 4 * DAY_US):
        start = max(segment.from_us, near - segment.day_shift_us)
        if start < segment.to_us:
            return start
    raise AssertionError(f"no instant of {day} or later near it in {tz}")  # pragma: no cover


def day_end(day: date, tz: str, business_day_start: str = "00:00") -> int:
    """Return the last microsecond of the day."""
    return day_start(day + timedelta(days=1), tz, business_day_start) - 1


def day_of(us: int, tz: str, business_day_start: str = "00:00") -> date:
    """Return the local day of an instant.

    >>> day_of(0, "Asia/Shanghai", "09:00")
    datetime.date(1969, 12, 31)
    """
    (segment,) = clock_segments(tz, business_day_start, us, us + 1)
    return FIRST_DAY + timedelta(days=(us + segment.day_shift_us) // DAY_US)


def clock_segments(
    tz: str, business_day_start: str, from_us: int, to_us: int
) -> list[ClockSegment]:
    """Return contiguous segments that cover ``[from_us, to_us)``, in order, neighbours merged.

    A zone that changes no clocks in the range gives one. Empty when the range is empty.
    """
    bds = clock_us(business_day_start)
    before = from_us - _LOOK_BACK_US
    latest: int | None = None
    found: list[ClockSegment] = []
    for span in offset_spans(tz, before, to_us):
        if latest is None:
            latest = (before + span[2] - bds) // DAY_US
        pieces, latest = _pieces(span, bds, latest)
        found += pieces
    return _merged(found, from_us, to_us)


def _pieces(span: tuple[int, int, int], bds: int, latest: int) -> tuple[list[ClockSegment], int]:
    """Cut one offset span where its days stop following from the clock alone.

    ``latest`` is the latest day begun before the span. The clock may show an earlier day again
    (clocks set back over a day's start) or a day before its start (set forward past one): then the
    day in force stays ``latest`` until the next start.
    """
    at, end, offset = span
    shown = (at + offset - bds) // DAY_US
    begun = (at + offset) % DAY_US >= bds
    pieces = []
    while at < end:
        latest = max(latest, shown) if begun else latest
        lag = latest - shown
        until = min(end, (shown + 1) * DAY_US + bds - offset) if lag else end
        pieces.append(ClockSegment(at, until, offset - bds + lag * DAY_US, offset))
        at, shown, begun = until, shown + 1, True
    return pieces, max(latest, (end - 1 + pieces[-1].day_shift_us) // DAY_US)


def _merged(segments: list[ClockSegment], from_us: int, to_us: int) -> list[ClockSegment]:
    kept: list[ClockSegment] = []
    for segment in segments:
        start, end = max(segment.from_us, from_us), min(segment.to_us, to_us)
        if start >= end:
            continue
        if kept and kept[-1][2:] == segment[2:]:
            start = kept.pop().from_us
        kept.append(ClockSegment(start, end, *segment[2:]))
    return kept


def offset_spans(tz: str, from_us: int, to_us: int) -> list[tuple[int, int, int]]:
    """Return ``(from_us, to_us, offset_us)`` for each stretch with one UTC offset, in order."""
    place = zone(tz)
    # Clocks change on whole seconds and never twice within a day (tzdata, 1970 on).
    at, stop = from_us // SECOND_US, -(-to_us // SECOND_US)
    start, offset = from_us, _offset(place, at)
    spans = []
    while at < stop:
        ahead = min(at + 86_400, stop)
        if _offset(place, ahead) != offset:
            ahead = _change(place, at, ahead, offset)
            spans.append((start, ahead * SECOND_US, offset))
            start, offset = ahead * SECOND_US, _offset(place, ahead)
        at = ahead
    spans.append((start, to_us, offset))
    return [(start, min(end, to_us), offset) for start, end, offset in spans if start < to_us]


def _change(place: ZoneInfo, low: int, high: int, offset: int) -> int:
    """Return the first second after ``low`` with another offset."""
    seconds = range(low + 1, high + 1)
    return seconds[bisect_left(seconds, True, key=lambda s: _offset(place, s) != offset)]


def _offset(place: ZoneInfo, second: int) -> int:
    shift = (_EPOCH + timedelta(seconds=second)).astimezone(place).utcoffset()
    return (shift or timedelta()) // timedelta(microseconds=1)
