"""The canonical tables cut down to the buyers, orders and accounts that changed.

Works on the marks of `changes.find_changes`, and on ``old_<relation>``: the derived
tables in force with the bucket of every row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa

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
    "put_narrow",
    "put_old",
    "take_back",
]

# What `span` looks at, and what tells rows apart.
_ALWAYS = {"buyer_id", "order_id", "created_at", "paid_at"}
_NULLS = {kind: f"cast(null as {name})" for kind, name in TYPES.items()}


def is_touched(unit: str, alias: str) -> str:
    """Return the test whether a row of a unit is touched."""
    table, key = TOUCHED[unit]
    return (
        f"exists (select 1 from {table} as _t"
        f" where _t.shop_id = {alias}.shop_id and _t.{key} = {alias}.{key})"
    )


def put_old(ground: AnyGround, names: Iterable[str], since: int | None = None) -> None:
    """Make the views ``old_<name>`` of the derived tables in force, with ``_bucket``.

    ``since`` leaves out earlier weeks of the tables whose old rows stay as they are.
    """
    for name in names:
        first = None if LAYOUTS[name].is_open else since
        view(ground, f"old_{name}", ground.old(name, first))


def complete(ground: AnyGround, whole: Collection[str]) -> None:
    """Make ``touched_*`` of the marks and what follows from them.

    Every buyer, order and account of the shops in ``whole``, now or in the last run (for which it
    reads ``old_*``); the buyers of touched orders; then every order of touched buyers. An order
    that is gone or has another buyer is touched itself. Leaves ``changed_orders``, the orders
    touched before buyers were. Reads the canonical tables unrestricted.
    """
    engine, marks = ground.engine, ground.marks
    engine.put("whole_shops", pa.table({"shop_id": pa.array(sorted(whole), pa.string())}))
    if whole:
        _touch_whole_shops(ground)
    marks.settle("order")
    engine.hold("changed_orders", "select shop_id, order_id from touched_orders")
    marks.add("buyer", "orders", is_touched("order", "r"))
    marks.settle("buyer")
    marks.add("order", "orders", is_touched("buyer", "r"))
    marks.settle("order")
    marks.settle("agent")


def _touch_whole_shops(ground: AnyGround) -> None:
    sources = {
        "buyer": ("messages", "orders", "old_sessions", "old_judged_orders"),
        "order": ("orders", "old_judged_orders"),
        "agent": ("online_sessions", "old_online_days"),
    }
    for unit, names in sources.items():
        for name in names:
            ground.marks.add(unit, name, "r.shop_id in (select shop_id from whole_shops)")


def put_narrow(ground: AnyGround, steps: Sequence[Step], idle: Collection[str] = ()) -> None:
    """Put the touched rows in the place of the canonical tables.

    Args:
        steps: what will be asked of them; columns that no statement about the table names are left
            out.
        idle: steps that will have no row, whatever their columns hold: what only they name is null.
    """
    busy = [step for step in steps if step.name not in idle]
    for name, key in FOLLOWED.items():
        if name in WHOLE:
            continue
        named, read = seen_through(steps, name), seen_through(busy, name) | _ALWAYS
        own = [
            f"r.{column.name}" if column.name in read else f"{_NULLS[column.kind]} as {column.name}"
            for column in TABLES[name].columns
            if column.name in named | read
        ]
        listed = ", ".join(["r.shop_id", *own])
        unit = {"buyer_id": "buyer", "order_id": "order", "agent_id": "agent"}[key]
        touched = f"from ({ground.whole(name)}) as r where {is_touched(unit, 'r')}"
        ground.put(name, f"select {listed} {touched}")


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
