"""Lay what was made again over what is in force: which buckets change, and what they hold then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import duckdb

from jinpai.refresh.layout import LAYOUTS, bucketed
from jinpai.refresh.load import MOVED
from jinpai.refresh.narrow import is_touched, old_sql
from jinpai.tables.derived import BUCKET, Patch
from jinpai.tables.lake import Snapshot

__all__ = ["patch"]

_SAME_SESSION = (
    "m.shop_id = r.shop_id and m.agent_key = coalesce(r.agent_id, '')"
    " and m.buyer_id = r.buyer_id and m.start_us = us(r.started_at)"
)


def patch(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, name: str, since: int | None, cutoff: int
) -> tuple[Patch | None, dict[str, Any]]:
    """Return the patch of one derived table, None where nothing changes, and its facts.

    Leaves ``fresh_<name>`` (the rows made again) and ``stale_<name>`` (what they replace). The
    facts: rows added and removed, first and last day of them, buckets written anew.

    Args:
        snapshot: what is in force.
        since: the first week in which rows may change, as given to `narrow.put_old`.
        cutoff: of the full run that laid the tables out (see `layout`).
    """
    gone = _gone(name)
    recent = (
        "true" if since is None or LAYOUTS[name].is_open else f"{BUCKET} = 0 or {BUCKET} >= {since}"
    )
    con.execute(f"create or replace temp table stale_{name} as {_stale(name)}")
    con.execute(
        f"create or replace temp table fresh_{name} as select * from ({_fresh(con, name, cutoff)})"
        f" where {recent}"
    )
    columns = _columns(con, f"stale_{name}")
    day = next((f"min({one}), max({one})" for one in _days(columns)), "null, null")
    listed = ", ".join(columns)
    # Rows that both have come to nothing; each that only one has is so many times added or gone.
    counted = con.execute(
        f"select {BUCKET}, sum(_d) filter (_d > 0), -sum(_d) filter (_d < 0), {day} from ("
        f"select {listed}, sum(_d) as _d from (select {listed}, 1 as _d from fresh_{name}"
        f" union all select {listed}, -1 from stale_{name}) group by {listed}"
        f" having sum(_d) <> 0) group by 1 order by 1"
    ).fetchall()
    if not counted:
        return None, {}
    buckets = [row[0] for row in counted]
    parts = {
        bucket: f"select {listed} from fresh_{name} where {BUCKET} = {bucket} union all"
        f" select {listed} from ({old_sql(con, snapshot, name, only=[bucket])}) as r"
        f" where not ({gone})"
        for bucket in buckets
    }
    facts: dict[str, Any] = {
        "added": sum(int(row[1] or 0) for row in counted),
        "removed": sum(int(row[2] or 0) for row in counted),
        "first": _text(min, [row[3] for row in counted]),
        "last": _text(max, [row[4] for row in counted]),
        "buckets": buckets,
    }
    after = snapshot.count(name) + facts["added"] - facts["removed"]
    return Patch(parts, after), facts


def _stale(name: str) -> str:
    """Rows in force that what was made again replaces, each once."""
    if LAYOUTS[name].unit == "shop":
        return f"select * from old_{name}"
    sql = f"select r.* from old_{name} as r where {is_touched(LAYOUTS[name].unit, 'r')}"
    if name != "sessions":
        return sql
    moved = f"select r.* from old_sessions as r semi join {MOVED} as m on {_SAME_SESSION}"
    return f"{sql} union all {moved}"


def _gone(name: str) -> str:
    """Test of rows in force that do not stay as they are."""
    unit = LAYOUTS[name].unit
    if unit == "shop":
        return "true"
    touched = is_touched(unit, "r")
    if name != "sessions":
        return touched
    return f"({touched} or exists (select 1 from {MOVED} as m where {_SAME_SESSION}))"


def _fresh(con: duckdb.DuckDBPyConnection, name: str, cutoff: int) -> str:
    if name != "sessions":
        return bucketed(name, cutoff)
    columns = ", ".join(
        "m.concurrency" if column == "concurrency" else f"r.{column}"
        for column in _columns(con, "old_sessions")
    )
    mine = ", ".join(_columns(con, "old_sessions"))
    return (
        f"select {mine} from ({bucketed(name, cutoff)}) union all"
        f" select {columns} from old_sessions as r inner join {MOVED} as m on {_SAME_SESSION}"
    )


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in con.execute(f"describe {relation}").fetchall()]


def _days(columns: Collection[str]) -> list[str]:
    return [name for name in ("day", "judged_at", "created_day") if name in columns]


def _text(choose: Any, values: Sequence[Any]) -> str | None:
    known = [value for value in values if value is not None]
    return str(choose(known)) if known else None
