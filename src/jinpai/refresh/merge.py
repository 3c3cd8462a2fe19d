"""Lay what was made again over what is in force: which buckets change, and what they hold then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from jinpai.refresh.ground import AnyGround
from jinpai.refresh.layout import LAYOUTS, bucketed
from jinpai.refresh.load import MOVED
from jinpai.refresh.narrow import is_touched
from jinpai.tables.derived import BUCKET, Patch

__all__ = ["patch"]

_SAME_SESSION = (
    "m.shop_id = r.shop_id and m.agent_key = coalesce(r.agent_id, '')"
    " and m.buyer_id = r.buyer_id and m.start_us = us(r.started_at)"
)


def patch(
    ground: AnyGround, name: str, since: int | None, cutoff: int
) -> tuple[Patch | None, dict[str, Any]]:
    """Return the patch of one derived table, None where nothing changes, and its facts.

    Leaves ``fresh_<name>`` (the rows made again) and ``stale_<name>`` (what they replace). The
    facts: rows added and removed, first and last day of them, buckets written anew.

    Args:
        since: the first week in which rows may change, as given to `narrow.put_old`.
        cutoff: of the full run that laid the tables out (see `layout`).
    """
    gone = _gone(name)
    recent = "true" if since is None else f"{BUCKET} = 0 or {BUCKET} >= {since}"
    engine = ground.engine
    engine.hold(f"stale_{name}", _stale(name))
    columns = ground.columns(f"stale_{name}")
    made = f"select {', '.join(columns)} from ({_fresh(ground, name, cutoff)})"
    engine.hold(f"fresh_{name}", f"{made} where {recent}")
    day = next(iter(_days(columns)), "null")
    listed = ", ".join(columns)
    # Rows that both have come to nothing; each that only one has is so many times added or gone.
    counted = engine.fetch(
        f"what differs in {name}",
        f"select {BUCKET}, sum(times) filter (where times > 0) as added,"
        f" -sum(times) filter (where times < 0) as removed, min({day}) as first, max({day}) as last"
        f" from (select {listed}, sum(one) as times from (select {listed}, 1 as one"
        f" from fresh_{name} union all select {listed}, -1 as one from stale_{name})"
        f" group by {listed} having sum(one) <> 0) group by {BUCKET} order by {BUCKET}",
    ).to_pylist()
    if not counted:
        return None, {}
    facts = _facts(counted)

    def rows_in(buckets: list[int]) -> str:
        within = f"{BUCKET} in ({', '.join(map(str, buckets))})"
        return (
            f"select {listed} from fresh_{name} where {within} union all select {listed}"
            f" from ({ground.old(name, only=buckets)}) as r where not ({gone})"
        )

    parts = {bucket: rows_in([bucket]) for bucket in facts["buckets"]}
    after = ground.snapshot.count(name) + facts["added"] - facts["removed"]
    return Patch(parts, after, rows_in(facts["buckets"])), facts


def _facts(counted: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "added": sum(int(row["added"] or 0) for row in counted),
        "removed": sum(int(row["removed"] or 0) for row in counted),
        "first": _text(min, [row["first"] for row in counted]),
        "last": _text(max, [row["last"] for row in counted]),
        "buckets": [row[BUCKET] for row in counted],
    }


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


def _fresh(ground: AnyGround, name: str, cutoff: int) -> str:
    if name != "sessions":
        return bucketed(name, cutoff)
    columns = ", ".join(
        "m.concurrency" if column == "concurrency" else f"r.{column}"
        for column in ground.columns("old_sessions")
    )
    mine = ", ".join(ground.columns("old_sessions"))
    return (
        f"select {mine} from ({bucketed(name, cutoff)}) union all"
        f" select {columns} from old_sessions as r inner join {MOVED} as m on {_SAME_SESSION}"
    )


def _days(columns: Collection[str]) -> list[str]:
    return [name for name in ("day", "judged_at", "created_day") if name in columns]


def _text(choose: Any, values: Sequence[Any]) -> str | None:
    known = [value for value in values if value is not None]
    return str(choose(known)) if known else None
