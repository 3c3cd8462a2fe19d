"""The canonical tables cut down to the buyers, orders and accounts that changed.

Works on the ``touched_*`` tables of `changes.find_changes`, and on ``old_<relation>``: the derived
tables in force with the bucket of every row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import duckdb
import pyarrow as pa

from jinpai.engine.plan import Step
from jinpai.refresh.changes import FOLLOWED, WHOLE
from jinpai.refresh.layout import LAYOUTS
from jinpai.refresh.lineage import seen_through
from jinpai.tables import derived
from jinpai.tables.conform import TYPES
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

__all__ = [
    "ROWS_OF",
    "complete",
    "is_laid_out",
    "is_touched",
    "old_sql",
    "put_narrow",
    "put_old",
    "take_back",
]

# What `span` looks at, and what tells rows apart.
_ALWAYS = {"buyer_id", "order_id", "created_at", "paid_at"}
ROWS_OF = {
    "buyer": ("touched_buyers", "buyer_id"),
    "order": ("touched_orders", "order_id"),
    "agent": ("touched_agents", "agent_id"),
}

_NULLS = {kind: f"cast(null as {name})" for kind, name in TYPES.items()}


def is_touched(unit: str, alias: str) -> str:
    """Return the test whether a row of a unit is touched."""
    table, key = ROWS_OF[unit]
    return (
        f"exists (select 1 from {table} as _t"
        f" where _t.shop_id = {alias}.shop_id and _t.{key} = {alias}.{key})"
    )


def put_old(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    names: Iterable[str],
    since: int | None = None,
) -> None:
    """Make the views ``old_<name>`` of the derived tables in force, with ``_bucket``.

    ``since`` leaves out earlier weeks of the tables whose old rows stay as they are.
    """
    for name in names:
        first = None if LAYOUTS[name].is_open else since
        sql = old_sql(con, snapshot, name, first)
        con.execute(f"create or replace temp view old_{name} as {sql}")


def old_sql(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    name: str,
    since: int | None = None,
    only: Collection[int] | None = None,
) -> str:
    """Return SQL of a derived table in force with ``_bucket`` (see `derived.bucket_sql`)."""
    folder = snapshot.lake.folder / name
    return derived.bucket_sql(con, folder, snapshot.versions[name], since, only)


def complete(con: duckdb.DuckDBPyConnection, whole: Collection[str]) -> None:
    """Bring ``touched_*`` to their ends.

    Every buyer, order and account of the shops in ``whole``, now or in the last run (for which it
    reads ``old_*``); the buyers of touched orders; then every order of touched buyers. An order
    that is gone or has another buyer is touched itself. Leaves ``changed_orders``, the orders
    touched before buyers were. Reads the canonical tables unrestricted.
    """
    con.register("_whole", pa.table({"shop_id": pa.array(sorted(whole), pa.string())}))
    con.execute("create or replace temp table whole_shops as select * from _whole")
    con.unregister("_whole")
    if whole:
        _touch_whole_shops(con)
    con.execute(
        "create or replace temp table changed_orders as select distinct * from touched_orders"
    )
    _add(con, "buyer", f"orders as r where {is_touched('order', 'r')}")
    _distinct(con, "buyer")
    _add(con, "order", f"orders as r where {is_touched('buyer', 'r')}")
    _distinct(con, "order")
    _distinct(con, "agent")


def _touch_whole_shops(con: duckdb.DuckDBPyConnection) -> None:
    sources = {
        "buyer": ("messages", "orders", "old_sessions", "old_judged_orders"),
        "order": ("orders", "old_judged_orders"),
        "agent": ("online_sessions", "old_online_days"),
    }
    for unit, names in sources.items():
        for name in names:
            _add(con, unit, f"{name} as r where r.shop_id in (from whole_shops)")


def _add(con: duckdb.DuckDBPyConnection, unit: str, source: str) -> None:
    table, key = ROWS_OF[unit]
    con.execute(
        f"insert into {table} select distinct r.shop_id, r.{key} from {source}"
        f" and r.{key} is not null"
    )


def _distinct(con: duckdb.DuckDBPyConnection, unit: str) -> None:
    table, _ = ROWS_OF[unit]
    con.execute(f"create or replace temp table {table} as select distinct * from {table}")


def put_narrow(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    steps: Sequence[Step],
    idle: Collection[str] = (),
) -> None:
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
        con.execute(
            f"create or replace temp table narrow as select {listed}"
            f" from ({snapshot.table_sql(name)}) as r where {is_touched(unit, 'r')}"
        )
        con.execute(f"drop view {name}")
        con.execute(f"alter table narrow rename to {name}")


def take_back(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `put_narrow` put; the canonical tables are to be registered again."""
    for name in FOLLOWED:
        if name not in WHOLE:
            con.execute(f"drop table {name}")


def is_laid_out(snapshot: Snapshot, names: Iterable[str]) -> bool:
    """Whether the derived tables are known, and every file of theirs tells its bucket."""
    return all(
        name in LAYOUTS
        and name in snapshot.derived
        and all(derived.bucket_of(path) is not None for path in snapshot.files(name))
        for name in names
    )
