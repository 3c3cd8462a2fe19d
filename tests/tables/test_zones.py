"""Wall times to UTC in SQL, against Python's own zones: any year, doubled hours, missing ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import pytest

from jinpai.tables.zones import local_to_utc

ZONES = ("Asia/Shanghai", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "UTC")
# Clocks changed on these days in one of the zones.
CHANGES = (datetime(1986, 5, 4), datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2071, 11, 1))
EDGES = (datetime(1969, 12, 1), datetime(2020, 1, 1), datetime(2029, 1, 1), datetime(2102, 1, 1))


def in_utc(local: datetime, zone: str) -> datetime | None:
    """The first instant at which the wall shows the time, None where none does."""
    there = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    at = there.astimezone(UTC)
    if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return None
    return at.replace(tzinfo=None)


@pytest.mark.parametrize("zone", ZONES)
def test_wall_times_of_any_year(zone: str) -> None:
    rng = Random(zone)
    times = [
        datetime(1970, 1, 3) + timedelta(minutes=rng.randrange(68_000_000)) for _ in range(500)
    ]
    for near in (*CHANGES, *EDGES[1:3]):
        times += [near + timedelta(minutes=30 * n) for n in range(-24, 48)]
    with duckdb.connect() as con:
        con.execute("create table walls (place integer, wall timestamp)")
        con.executemany("insert into walls values (?, ?)", list(enumerate(times)))
        sql = f"select {local_to_utc('wall', zone)} from walls order by place"
        found = con.execute(sql).fetchall()
    assert [row[0] for row in found] == [in_utc(time, zone) for time in times]


def test_what_is_outside_has_no_instant() -> None:
    with duckdb.connect() as con:
        for text in (None, *EDGES[::3]):
            sql = f"select {local_to_utc('cast($wall as timestamp)', 'Europe/London')}"
            assert con.execute(sql, {"wall": text}).fetchall() == [(None,)]
