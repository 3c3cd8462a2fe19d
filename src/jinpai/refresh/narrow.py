"""The canonical tables cut down to the buyers, orders and accounts that changed.

Works on the marks of `changes.find_changes`, and on ``old_<relation>``: the derived
tables in force with the bucket of every row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace

import pyarrow as pa

from jinpai.engine.base import Engine
from jinpai.engine.plan import Step
from jinpai.refresh.changes import FOLLOWED, WHOLE
from jinpai.refresh.ground import TOUCHED, AnyGround, view
from jinpai.refresh.layout import LAYOUTS
from jinpai.refresh.lineage import seen_through
from jinpai.tables import derived
from jinpai.tables.conform import TYPES
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

__all__ = [
    "complete",
    "is_laid_out",
    "is_touched",
    "lack_seq",
    "put_narrow",
    "put_old",
    "take_back",
]

# What `span` looks at, and what tells rows apart.
_ALWAYS = {"buyer_id", "order_id", "created_at", "paid_at"}
_TIED = """
select 1 as one
from messages
group by shop_id, buyer_id, agent_id, sent_at, seq
having count(*) > 1
limit 1
"""
_NULLS = {kind: f"cast(null as {name})" for kind, name in TYPES.items()}


def is_touched(unit: str, alias: str) -> str:
    """Return the test whether a row of a unit is touched."""
    return _is_in(*TOUCHED[unit], alias)


def _is_in(table: str, key: str, alias: str) -> str:
    return (
        f"exists (select 1 from {table} as _t"
        f" where _t.shop_id = {alias}.shop_id and _t.{key} = {alias}.{key})"
    )


def lack_seq(engine: Engine) -> bool:
    """Whether some message has no seq: then their ids may have to place many."""
    sql = "select 1 as one from messages where seq is null limit 1"
    return bool(engine.fetch("messages without seq", sql).num_rows)


def put_old(ground: AnyGround, names: Iterable[str], since: int | None = None) -> None:
    """Make the views ``old_<name>`` of the derived tables in force, with ``_bucket``.

    ``since`` leaves out earlier weeks.
    """
    for name in names:
        view(ground, f"old_{name}", ground.old(name, since))


def complete(ground: AnyGround, whole: Collection[str]) -> None:
    """Make ``touched_buyers`` and ``touched_agents`` of the marks and what follows from them.

    Every buyer, order and account of the shops in ``whole``, now or in the last run (for which it
    reads ``old_*``); the buyers of touched orders. An order that is gone or has another buyer is
    touched itself. Leaves ``changed_orders``, the orders touched before buyers were; `put_narrow`
    touches those of touched buyers. Reads the canonical tables unrestricted.
    """
    engine, marks = ground.engine, ground.marks
    engine.put("whole_shops", pa.table({"shop_id": pa.array(sorted(whole), pa.string())}))
    if whole:
        _touch_whole_shops(ground)
    marks.settle("order")
    engine.hold("changed_orders", "select shop_id, order_id from touched_orders")
    if marks.lack_buyers:
        marks.add("buyer", "orders", is_touched("order", "r"))
    marks.settle("buyer")
    marks.settle("agent")


def _touch_whole_shops(ground: AnyGround) -> None:
    sources = {
        "buyer": ("messages", "orders", "old_sessions", "old_judged_orders"),
        "order": ("orders", "old_judged_orders"),
        "agent": ("online_sessions", "old_online_days"),
    }
    test = "r.shop_id in (select shop_id from whole_shops)"
    for unit, names in sources.items():
        for name in names:
            ground.marks.add(unit, name, test, has_buyer=True)


def put_narrow(ground: AnyGround, steps: Sequence[Step], idle: Collection[str] = ()) -> None:
    """Put the touched rows in the place of the canonical tables; touches orders of touched buyers.

    Args:
        steps: what will be asked of them; columns that no statement about the table names are left
            out.
        idle: steps that will have no row, whatever their columns hold: what only they name is null.
    """
    busy = [step for step in steps if step.name not in idle]
    for name, key in sorted(FOLLOWED.items(), key=lambda one: one[0] != "orders"):
        if name in WHOLE:
            continue
        named, read = seen_through(steps, name), seen_through(busy, name) | _ALWAYS
        if name == "messages":
            _put_messages(ground, busy, named, read)
        else:
            _put(ground, name, key, named, read)
        if name == "orders":
            ground.marks.add("order", name, has_buyer=True)
            ground.marks.settle("order")


def _put_messages(ground: AnyGround, busy: Sequence[Step], named: Set[str], read: Set[str]) -> None:
    """Put touched messages in their place, with ids only where some share their time and seq.

    Ids are a quarter of what is read of messages, and mostly nobody asks for them.
    """
    without_ids = seen_through(_unplaced(busy), "messages") | _ALWAYS
    if read == without_ids or lack_seq(ground.engine):
        _put(ground, "messages", "buyer_id", named, read)
        return
    _put(ground, "messages", "buyer_id", named, without_ids)
    if ground.engine.fetch("ties", _TIED).num_rows:
        _put(ground, "messages", "buyer_id", named, read)


def _unplaced(steps: Iterable[Step]) -> list[Step]:
    """Return the steps as they are where time and seq place every message."""
    return [
        replace(step, sql=step.sql.replace("m.message_id,", ""))
        if step.name == "visible_messages"
        else step
        for step in steps
        if step.name != "turns_by_id"
    ]


def _put(ground: AnyGround, name: str, key: str, named: Set[str], read: Set[str]) -> None:
    """Put one table's touched rows in its place; columns that are named but not read are null."""
    own = [
        f"r.{column.name}" if column.name in read else f"{_NULLS[column.kind]} as {column.name}"
        for column in TABLES[name].columns
        if column.name in named | read
    ]
    listed = ", ".join(["r.shop_id", *own])
    ground.put(
        name, f"select {listed} from ({ground.whole(name)}) as r where {_is_mine(name, key)}"
    )


def _is_mine(name: str, key: str) -> str:
    """Return the test whether a row of a canonical table, called ``r``, is a touched one."""
    if name == "orders":  # of touched buyers, or touched before
        return f"{is_touched('buyer', 'r')} or {_is_in('changed_orders', key, 'r')}"
    unit = {"buyer_id": "buyer", "order_id": "order", "agent_id": "agent"}[key]
    # One key first, which leaves few rows: looking both up for each row takes a fifth more.
    return f"r.{key} in (select {key} from {TOUCHED[unit][0]}) and {is_touched(unit, 'r')}"


def take_back(ground: AnyGround) -> None:
    """Undo `put_narrow`."""
    ground.take_back([name for name in FOLLOWED if name not in WHOLE])


def is_laid_out(snapshot: Snapshot, names: Iterable[str]) -> bool:
    """Whether the derived tables are known, and every file of theirs tells its bucket."""
    return all(
        name in LAYOUTS
        and name in snapshot.derived
        and all(derived.bucket_of(path) is not None for path in snapshot.files(name))
        for name in names
    )
