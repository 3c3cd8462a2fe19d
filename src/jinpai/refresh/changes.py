"""Whose rows changed between two states of the canonical tables, and since which moment.

Delta tables are files that never change, so rows differ only in files that one state has and the
other has not; those are compared row by row, since lake maintenance writes files anew with the rows
they had. The moment up to which a run sees (as_of) moves too: rows with a time between the old and
the new moment count as changed.

Marks the buyers, orders and accounts of these rows (`ground.Marks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from jinpai.refresh.ground import AnyGround
from jinpai.tables import delta
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES, Table
from jinpai.tables.zones import ident, quoted

__all__ = ["FOLLOWED", "WHOLE", "Change", "Move", "Touched", "find_changes"]

# Table -> what its rows belong to. Steps that read another table cannot be followed.
FOLLOWED: dict[str, str] = {
    "messages": "buyer_id",
    "orders": "order_id",
    "order_items": "order_id",
    "refunds": "order_id",
    "complaints": "order_id",
    "reviews": "order_id",
    "online_sessions": "agent_id",
    "agents": "agent_id",
    "transfers": "buyer_id",
    "products": "product_id",
}
# Small tables whose rows belong to many buyers; a part of the work reads all of them.
WHOLE = ("agents", "products")
_TIMED = ("messages", "orders", "online_sessions", "transfers")


@dataclass(frozen=True)
class Change:
    """Rows of one table that differ, and why: ``loaded`` or ``as_of``.

    Attributes:
        first, last: their own times, ISO texts in UTC; None in a table without one.
    """

    table: str
    why: str
    rows: int
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class Move:
    """The moment up to which a shop is seen went from ``low`` to ``high`` or back.

    An order is watched for ``watch`` microseconds, so that one made just before ``low`` counts too.
    """

    shop_id: str
    low: int
    high: int
    watch: int = 0


@dataclass
class Touched:
    """What changed.

    Attributes:
        changes: by table.
        tables: canonical tables whose change may be seen in a derived row.
        since_us: own time of the earliest changed message, order or online session, or None where
            there is none; rows of other tables count at the time of their order.
        is_timeless: something changed that may be seen in a row of any time.
    """

    changes: list[Change] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    since_us: int | None = None
    is_timeless: bool = False


@dataclass(frozen=True)
class _Finder:
    ground: AnyGround
    found: Touched

    def touch(self, unit: str, relation: str, *, has_buyer: bool = False) -> None:
        self.ground.marks.add(unit, relation, has_buyer=has_buyer)

    def take(self, table: str, why: str, relation: str) -> None:
        """Note the changed rows of a table, held by a relation."""
        own = TABLES[table].own_time
        ends = (f"us({what}({ident(own)}))" if own else "null" for what in ("min", "max"))
        low, high = (f"cast({end} as bigint)" for end in ends)
        sql = f"select count(*) as n, {low} as low, {high} as high from {relation}"
        rows, since, until = self.ground.engine.fetch(table, sql).to_pylist()[0].values()
        if not rows:
            return
        if table in _TIMED and since is not None:
            self.found.since_us = min(since, self.found.since_us or since)
        self.found.changes.append(Change(table, why, rows, _text(since), _text(until)))
        if table in ("messages", "transfers"):
            self.touch("buyer", relation)
        elif table == "products":
            self._shown(relation)
        elif table == "online_sessions":
            self.touch("agent", relation)
        elif table != "agents":
            self.touch("order", relation, has_buyer=table == "orders")
            if table == "orders":
                self.touch("buyer", relation)
        if table != "agents":
            self.found.tables.add(table)

    def loaded(self, table: str, bases: Mapping[str, int | None]) -> None:
        """Compare a table with what it was at the version of each shop."""
        parts = []
        for version in set(bases.values()):
            shops = [shop for shop, at in bases.items() if at == version]
            gone, more = _differing(self.ground.snapshot, table, version, shops)
            if gone or more:
                parts.append(self._difference(table, gone, more, shops))
        if not parts:
            return
        made = f"changed_{table}"
        self.ground.engine.hold(made, " union all ".join(parts))
        self.take(table, "loaded", made)
        if table == "agents":
            self._accounts(made)
        self.ground.engine.drop(made)

    def _shown(self, relation: str) -> None:
        """What a product is counts where messages show it."""
        sql = (
            "(select m.shop_id, m.buyer_id from messages as m semi join"
            f" {relation} as c on c.shop_id = m.shop_id and c.product_id = m.product_id)"
        )
        self.touch("buyer", sql)
        self.found.is_timeless = True

    def _accounts(self, made: str) -> None:
        """An account that comes or goes makes, or no longer makes, a buyer of its name internal.

        One whose role changes is judged by other rules.
        """
        roles = (
            f"(select shop_id, agent_id from {made}"
            " group by shop_id, agent_id, role having sum(_sign) <> 0)"
        )
        if self._has_rows(roles):
            same = "c.shop_id = m.shop_id and c.agent_id = m.agent_id"
            talks = (
                f"select m.shop_id, m.buyer_id from messages as m semi join {roles} as c on {same}"
            )
            self.touch("buyer", f"({talks})")
            self.found.tables.add("roster")
            self.found.is_timeless = True
        sql = (
            f"(select shop_id, agent_id as buyer_id from {made}"
            " group by shop_id, agent_id having sum(_sign) <> 0)"
        )
        if self._has_rows(sql):
            self.touch("buyer", sql)
            self.found.tables.add("agents")
            self.found.is_timeless = True

    def _has_rows(self, relation: str) -> bool:
        return bool(self.ground.engine.fetch("any", f"select 1 from {relation} limit 1").num_rows)

    def _difference(
        self, table: str, gone: Sequence[DataFile], more: Sequence[DataFile], shops: Sequence[str]
    ) -> str:
        """Return SQL of the shops' rows in one list of files and not in the other."""
        if not gone or not more:
            return self._rows(table, gone or more, 1 if more else -1, shops, "_sign")
        rows = f"{self._rows(table, more, 1, shops)} union all {self._rows(table, gone, -1, shops)}"
        columns = ", ".join(_columns(TABLES[table]))
        return (
            f"select {columns}, sum(_one) as _sign from ({rows}) group by {columns}"
            " having sum(_one) <> 0"
        )

    def _rows(
        self,
        table: str,
        files: Sequence[DataFile],
        sign: int,
        shops: Sequence[str],
        name: str = "_one",
    ) -> str:
        columns = ", ".join(_columns(TABLES[table]))
        source = self.ground.source(table, files)
        listed = ", ".join(map(quoted, shops))
        return f"select {columns}, {sign} as {name} from {source} where shop_id in ({listed})"

    def seen_again(self, table: str, moves: Sequence[Move]) -> None:
        """Take the rows of a table with a time that an as_of passed."""
        times = [column.name for column in TABLES[table].columns if column.kind == "time"]
        if not times or not moves:
            return
        held = self.ground.snapshot.data_files(table)
        files = [file for file in held if _is_near(file, table, moves)]
        if not files:
            return
        key = FOLLOWED[table]
        buyer = ", t.buyer_id" if table == "orders" else ""
        own = TABLES[table].own_time
        listed = f"t.shop_id, t.{key}{buyer}{f', t.{own}' if own != key else ''}"
        if table == "online_sessions":  # an account without offline_at is online until as_of
            test = (
                "us(t.online_at) <= m.high and (t.offline_at is null or us(t.offline_at) > m.low)"
            )
        else:
            test = " or ".join(
                f"(us(t.{name}) > m.low and us(t.{name}) <= m.high)" for name in times
            )
            if table == "orders":
                test += " or (us(t.created_at) > m.low - m.watch and us(t.created_at) <= m.high)"
        self.ground.engine.hold(
            "passed",
            f"select {listed} from {self.ground.source(table, files)} as t"
            f" inner join moves as m on m.shop_id = t.shop_id where {test}",
        )
        self.take(table, "as_of", "passed")
        self.ground.engine.drop("passed")


def find_changes(
    ground: AnyGround,
    tables: Collection[str],
    bases: Mapping[str, Mapping[str, int]],
    moves: Sequence[Move],
) -> Touched:
    """Mark what changed in the shops of ``bases``.

    Args:
        tables: the canonical tables that matter, all of FOLLOWED.
        bases: shop_id -> versions its rows were last computed from.
        moves: as_of moves of these shops.
    """
    columns = {
        "shop_id": pa.array([move.shop_id for move in moves], pa.string()),
        "low": pa.array([move.low for move in moves], pa.int64()),
        "high": pa.array([move.high for move in moves], pa.int64()),
        "watch": pa.array([move.watch for move in moves], pa.int64()),
    }
    ground.engine.put("moves", pa.table(columns))
    finder = _Finder(ground, Touched())
    for table in sorted(tables):
        finder.loaded(table, {shop: versions.get(table) for shop, versions in bases.items()})
        finder.seen_again(table, moves)
    return finder.found


def _differing(
    snapshot: Snapshot, table: str, version: int | None, shops: Sequence[str]
) -> tuple[list[DataFile], list[DataFile]]:
    """Return the files that may hold rows of the shops at a version and not now, and the reverse.

    None is the version of a table that had no data yet.
    """
    if version == snapshot.versions.get(table):
        return [], []
    folder = snapshot.lake.folder / table
    old = [] if version is None else delta.data_files(folder, version)
    new = snapshot.data_files(table)
    before, after = ({file.path for file in files} for files in (old, new))
    gone = [file for file in old if file.path not in after and file.may_hold(shops)]
    more = [file for file in new if file.path not in before and file.may_hold(shops)]
    return gone, more


def _columns(table: Table) -> list[str]:
    return ["shop_id", *(ident(column.name) for column in table.columns)]


def _is_near(file: DataFile, table: str, moves: Sequence[Move]) -> bool:
    """Whether a file may hold a message that an as_of passed; other tables have several times."""
    if table != "messages" or file.month is None:
        return True
    return any(
        _month(move.low) <= file.month <= _month(move.high)
        for move in moves
        if file.may_hold([move.shop_id])
    )


def _text(us: int | None) -> str | None:
    if us is None:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return at.isoformat(" ").removesuffix(":00")


def _month(us: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return f"{at:%Y-%m}"
