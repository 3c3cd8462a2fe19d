"""The lake without a buyer: canonical tables and rejects written anew, old files deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.forget.known import Known
from jinpai.forget.rows import BY_BUYER, BY_ORDER, DROPPED, Shown, hashed_ids, row_without
from jinpai.tables import delta, mounts, places, state, write
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Lake, Snapshot, TableChange, Writer
from jinpai.tables.load import working_engine
from jinpai.tables.rejects import empty_rejects
from jinpai.tables.schema import TABLES, Table
from jinpai.tables.zones import ident, quoted

if TYPE_CHECKING:
    from jinpai.workspace_config import Config

__all__ = ["Person", "Pinned", "Purged", "Traces", "find", "holders", "purge", "rewrite"]


@dataclass
class Traces:
    """What a state of the lake knows of a buyer.

    Attributes:
        rows: canonical table -> rows.
        rejects: rejected rows that name them.
        words: names and phones the rows gave.
        orders: numbers of their orders.
    """

    rows: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    words: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pinned:
    """A locked state whose files hold the buyer; ``files`` says how many."""

    name: str
    state: int
    files: int


@dataclass
class Purged:
    """Old files deleted (how many, bytes), and the locked states that keep some or were let go."""

    files: int = 0
    bytes: int = 0
    kept: tuple[Pinned, ...] = ()
    released: tuple[Pinned, ...] = ()


def pattern(needles: Iterable[str]) -> re.Pattern[str]:
    """Return what finds a person's words in a text; short ones only as words of their own."""
    found = []
    for needle in sorted(set(needles), key=len, reverse=True):
        plain = re.escape(needle)
        is_telling = len(needle) > 4 or (not needle.isascii() and len(needle) > 1)
        found.append(plain if is_telling else rf"(?<!\w){plain}(?!\w)")
    return re.compile("|".join(found))


def find(snapshot: Snapshot, buyer: str, name: str = "") -> Traces:
    """Return what a state's canonical tables and rejects know of a buyer, or of their ``name``."""
    made = Traces()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        snapshot.register(con, (*BY_BUYER, "refunds"))
        _put_orders(con, buyer, name)
        made.orders = tuple(row[0] for row in con.execute("SELECT order_id FROM their").fetchall())
        for table in TABLES:
            if test := _mine(table, buyer):
                sql = f"SELECT count(*) FROM {table} WHERE {test}"
                ((made.rows[table],),) = con.execute(sql).fetchall()
        told = con.execute(
            f"SELECT name, phone FROM buyers WHERE buyer_id = {quoted(buyer)}"
        ).fetchall()
    words = {word.strip() for row in told for word in row if word and len(word.strip()) > 1}
    made.words = tuple(sorted(words - {buyer}))
    seen = pattern([buyer, *made.words])
    made.rejects = sum(len(rows) for rows in _rejects_naming(snapshot, seen).values())
    return made


def _put_orders(con: duckdb.DuckDBPyConnection, buyer: str, name: str) -> None:
    both = f"({quoted(buyer)}, {quoted(name or buyer)})"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE their AS SELECT DISTINCT shop_id, order_id FROM orders"
        f" WHERE buyer_id IN {both}"
    )


def _mine(table: str, buyer: str) -> str:
    """Return the test of rows that still tell of a buyer; empty where none can."""
    tests = []
    if table in BY_BUYER:
        tests.append(f"coalesce(buyer_id = {quoted(buyer)}, false)")
    if table in BY_ORDER:
        said = " OR ".join(f"{name} IS NOT NULL" for name in DROPPED[table])
        tests.append(f"(({said}) AND (shop_id, order_id) IN (FROM their))")
    return " OR ".join(tests)


# -- writing anew --------------------------------------------------------------------------------


def rewrite(lake: Lake, config: Config, buyer: str, known: Known, memory: str) -> Snapshot:
    """Publish a state whose canonical tables and rejects do not know the buyer any more."""
    with lake.importing() as writer, working_engine(writer.folder, memory, 2) as con:
        snapshot = writer.snapshot
        snapshot.register(con, ["orders"])
        _put_orders(con, buyer, known.name_of(buyer))
        shown = _Shows(config)
        told = find(snapshot, buyer, known.name_of(buyer))
        changes = {}
        for table in TABLES.values():
            if told.rows.get(table.name):
                changes[table.name] = _changed(con, table, writer, buyer, known, shown)
        seen = pattern([buyer, *told.words])
        rejects = _rejects_without(snapshot, seen)
        if not changes and not rejects:
            return snapshot
        return writer.publish(changes, empty_rejects(), what="forget", anew=rejects)


class _Shows:
    """The words of each shop's settings, asked for once."""

    def __init__(self, config: Config) -> None:
        self._config, self._made = config, dict[str, Shown]()

    def of(self, shop: str) -> Shown:
        if shop not in self._made:
            entry = shop if shop in self._config.shops else None
            self._made[shop] = Shown.of(self._config.settings(entry))
        return self._made[shop]


def _changed(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    writer: Writer,
    buyer: str,
    known: Known,
    shows: _Shows,
) -> TableChange:
    """Write the files that hold the buyer anew, month by month."""
    root = writer.snapshot.lake.folder / table.name
    test, months = _mine(table.name, buyer), dict[str | None, list[DataFile]]()
    for file in writer.snapshot.data_files(table.name):
        source = delta.parquet([str(root / file.path)])
        if con.execute(f"SELECT 1 FROM {source} WHERE {test} LIMIT 1").fetchall():
            months.setdefault(file.month, []).append(file)
    adds, removes = list[DataFile](), list[DataFile]()
    for files in months.values():
        source = delta.parquet([str(root / file.path) for file in files])
        rows = f"(SELECT {write.own_times(table)}, source_file, source_row FROM {source})"
        old = con.sql(f"SELECT * FROM {rows} WHERE {test}").to_arrow_table()
        con.register("nobodys", _without(table.name, old, known, shows))
        every = f"SELECT * FROM {rows} WHERE NOT ({test}) UNION ALL BY NAME FROM nobodys"
        every = f"(SELECT *, {write.month_sql(table)} AS _month FROM ({every}))"
        adds += _written(con, table, every, writer)
        removes += files
        con.unregister("nobodys")
    return TableChange(adds, removes)


def _written(
    con: duckdb.DuckDBPyConnection, table: Table, rows: str, writer: Writer
) -> list[DataFile]:
    return write.write_cells(
        con,
        table,
        write.cells_in(con, rows),
        lambda cell: f"SELECT * FROM {rows} WHERE {cell.test}",
        writer.folder / table.name,
        writer.tag,
    )


def _without(table: str, rows: pa.Table, known: Known, shows: _Shows) -> pa.Table:
    before = rows.to_pylist()
    after = [row_without(table, row, known, shows.of(row["shop_id"])) for row in before]
    if table == "messages":
        hashed_ids(before, after)
    return pa.Table.from_pylist(after, rows.schema)


def _rejects_naming(snapshot: Snapshot, seen: re.Pattern[str]) -> dict[str, set[int]]:
    """Return file of rejects -> places of the rows that name the person."""
    lake, found = snapshot.lake, dict[str, set[int]]()
    for name in snapshot.manifest.rejects:
        rows = pq.read_table(delta.here(lake.rejects_folder / name))
        texts = zip(rows["raw"].to_pylist(), rows["source_file"].to_pylist(), strict=True)
        places_ = {
            at for at, row in enumerate(texts) if any(text and seen.search(text) for text in row)
        }
        if places_:
            found[name] = places_
    return found


def _rejects_without(snapshot: Snapshot, seen: re.Pattern[str]) -> dict[str, pa.Table]:
    """Return file of rejects -> what to put in its place; the rows' places and reasons stay."""
    made = {}
    for name, rows in _rejects_naming(snapshot, seen).items():
        table = pq.read_table(snapshot.lake.rejects_folder / name)
        kept = table.to_pylist()
        for at in rows:
            kept[at]["raw"] = None
            kept[at]["source_file"] = seen.sub("***", kept[at]["source_file"] or "") or None
        made[name] = pa.Table.from_pylist(kept, table.schema)
    return made


# -- old files -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """By what old files are searched: the account, and the orders whose words are theirs."""

    buyer: str
    orders: tuple[str, ...] = ()


def holders(lake: Lake, paths: Iterable[Path], person: Person) -> list[Path]:
    """Return the Parquet files one of whose columns tells of the person, nested ones too."""
    found, folder = [], lake.folder.absolute()
    with duckdb.connect() as con:
        for path in paths:
            with suppress(FileNotFoundError):
                if _holds(con, delta.here(path), path.relative_to(folder).parts[0], person):
                    found.append(path)
    return found


def _holds(con: duckdb.DuckDBPyConnection, path: Path, table: str, person: Person) -> bool:
    source = delta.parquet([str(path)])
    columns = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    tests = []
    for name, kind, *_ in columns:
        if "VARCHAR" in kind:
            text = ident(name) if kind == "VARCHAR" else f"CAST({ident(name)} AS VARCHAR)"
            tests.append(_test(name, text, person.buyer))
    if table in BY_ORDER and person.orders:
        said = " OR ".join(f"{name} IS NOT NULL" for name in DROPPED[table])
        tests.append(f"(({said}) AND order_id IN ({', '.join(map(quoted, person.orders))}))")
    if not tests:
        return False
    return bool(
        con.execute(f"SELECT 1 FROM {source} WHERE {' OR '.join(tests)} LIMIT 1").fetchall()
    )


def _test(column: str, text: str, needle: str) -> str:
    if len(needle) > 4 or (not needle.isascii() and len(needle) > 1):
        return f"contains({text}, {quoted(needle)})"
    if column == "session_id":
        return f"contains({text}, {quoted(f'/{needle}/')})"
    return f"{text} = {quoted(needle)}"


def purge(lake: Lake, person: Person, *, release: bool, dry_run: bool = False) -> Purged:
    """Delete the files that tell of the person and that the state in force does not need.

    Files of locked states stay, unless ``release`` lets those states go: they cannot be worked out
    again then. Nobody writes meanwhile.
    """
    with lake.locked():
        snapshot = lake.snapshot()
        needed = snapshot.needed()
        found = {
            one.path: one.size for folder in lake.tables() for one in places.files_under(folder)
        }
        telling = set(holders(lake, sorted(set(found) - needed), person))
        pinned = _pinned(lake, telling)
        if pinned and not release:
            for one in pinned:
                telling -= lake.at(one.state).needed()
        done = Purged(len(telling), sum(found[path] for path in telling))
        if release:
            done.released = tuple(pinned)
        else:
            done.kept = tuple(pinned)
        if not dry_run:
            for one in done.released:
                state.unpin(lake.states, one.name)
            places.remove(sorted(telling))
            _drop_rejects(lake, snapshot)
    return done


def _pinned(lake: Lake, telling: set[Path]) -> list[Pinned]:
    found = []
    for name, number in sorted(lake.pins().items()):
        if files := len(lake.at(number).needed() & telling):
            found.append(Pinned(name, number, files))
    return found


def _drop_rejects(lake: Lake, snapshot: Snapshot) -> None:
    """Delete files of rejects that were written anew: the state in force names others."""
    folder = lake.rejects_folder
    if here := mounts.mounted(folder):
        paths = [one.path for one in here.walk(folder)]
    else:
        paths = [path.absolute() for path in folder.glob("*.parquet")] if folder.is_dir() else []
    places.remove([path for path in paths if path.name not in snapshot.manifest.rejects])
