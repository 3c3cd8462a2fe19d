"""Take batches in: conform them, collect them, and write them aside as sorted files.

Rows of a table wait in ``buf_<table>`` until there are enough for a file of good size. On a flush
the rows whose key is alone go straight into files that can be committed as they are; rows that
share their key with another, and rows of patches, go to ``dirty_<table>`` for `upsert` to settle.
``seen_<table>`` remembers the hashes (see `meet`) of every row that went into a file, the place of
that file in ``Staged.files`` (_f) and of its source in ``Stager.sources`` (_s).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.sources.base import Batch
from jinpai.sources.blanks import is_plain
from jinpai.tables import conform, direct, meet, straight, write
from jinpai.tables.delta import DataFile
from jinpai.tables.message_ids import with_message_ids
from jinpai.tables.rejects import REJECTS
from jinpai.tables.schema import TABLES, Table
from jinpai.tables.zones import ident, local_to_utc, local_to_utc_of_shops, quoted

__all__ = ["FileCounts", "Staged", "Stager", "carried_columns"]

_CHUNK = 1 << 20  # rows conformed at once
_FLUSH = 2_000_000  # rows sorted into files at once
_STRAIGHT = 250_000  # a chunk this big may go into files without waiting
_SAMPLE = 20  # rows shown in a preview
FileCounts = Counter[tuple[str, str]]
"""(table, source file) -> rows."""


@dataclass
class Staged:
    """One table's rows so far.

    Attributes:
        files: committed as they are, unless a key in them turns up again.
        flush_of: file path -> number of the flush that wrote it, the order of loading.
        masks: sets of carried columns that patches used; 0 means whole rows.
        flushes: how often the buffer was emptied.
        waiting: rows in the buffer.
        dirty: rows in ``dirty_<table>``.
    """

    table: Table
    files: list[DataFile] = field(default_factory=list)
    flush_of: dict[str, int] = field(default_factory=dict)
    masks: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    flushes: int = 0
    waiting: int = 0
    dirty: int = 0


@dataclass
class Stager:
    """Takes the batches of one import.

    Attributes:
        con: a connection of its own, session time zone UTC.
        folder: where files are written, one folder per table.
        shop_id, zone: shop and zone of rows that name none.
        zones: shop_id -> zone of the shops known.
        told: shops whose zone this import named.
        clean: rows that went into files.
        known: tables of which the lake has rows.
        sources: names of the source files, by number.
    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    tag: str
    shop_id: str
    zone: str
    zones: dict[str, str]
    clock_skew: int
    tables: dict[str, Staged] = field(default_factory=dict)
    rejects: list[pa.Table] = field(default_factory=list)
    samples: dict[str, pa.Table] = field(default_factory=dict)
    corrected: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    clean: FileCounts = field(default_factory=Counter)
    known: Collection[str] = ()
    sources: list[str] = field(default_factory=list)
    _sequence: int = 1  # 0 is for rows that left for a file

    def __post_init__(self) -> None:
        self._background = straight.Background(self.folder)

    def add(self, batch: Batch) -> None:
        """Conform a batch into its table's buffer; raises KeyError for an unknown table."""
        table = TABLES[batch.table]
        staged = self._staged(table)
        mask = self._mask(staged, batch)
        rows = 0
        for part in _chunks(batch.rows):
            self._chunk(staged, batch, part, rows, mask)
            rows += part.num_rows
            if staged.waiting >= _FLUSH:
                self.flush(staged)
        if table.name == "shops":
            found = "SELECT shop_id, timezone FROM buf_shops WHERE timezone IS NOT NULL"
            named = dict(self.con.execute(f"{found} ORDER BY _seq").fetchall())
            self.zones.update(named)
            self.told.update(named)

    def _staged(self, table: Table) -> Staged:
        if table.name not in self.tables:
            self.tables[table.name] = Staged(table)
            typed = {column.name: conform.TYPES[column.kind] for column in table.columns}
            listed = ", ".join(f"{ident(name)} {kind}" for name, kind in typed.items())
            columns = (
                f"shop_id VARCHAR, {listed}, source_file VARCHAR, source_row BIGINT,"
                " _seq BIGINT, _mask INTEGER, _bad VARCHAR, _fix BOOLEAN"
            )
            own = f"{columns}, _month INTEGER, _s INTEGER, {meet.HASHES}"
            self.con.execute(f"CREATE TEMP TABLE buf_{table.name} ({own})")
            self.con.execute(f"CREATE TEMP TABLE dirty_{table.name} ({own}, _flush INTEGER)")
            self.con.execute(
                f"CREATE TEMP TABLE seen_{table.name} ({meet.HASHES}, _f INTEGER, _s INTEGER)"
            )
        return self.tables[table.name]

    def _mask(self, staged: Staged, batch: Batch) -> int:
        carried = carried_columns(staged.table, batch)
        if not batch.patch or carried >= set(conform.columns_of(staged.table)[1:]):
            return 0
        if carried not in staged.masks:
            staged.masks.append(carried)
        return staged.masks.index(carried)

    def _chunk(self, staged: Staged, batch: Batch, rows: pa.Table, before: int, mask: int) -> None:
        if mask == 0 and rows.num_rows >= _STRAIGHT and self._straight(staged, batch, rows, before):
            return
        table, con = staged.table, self.con
        given, chunk = _prepared(table, rows, before)
        con.register("chunk", chunk)
        query = conform.conformed(
            table,
            given,
            self._to_utc(batch, rows),
            shop_id=self.shop_id,
            patch=mask > 0,
            clock_skew=self.clock_skew,
            plain=(plain := _plain(table, given, chunk)),
            tidy=_tidy(given, chunk, plain),
        )
        if table.name == "messages":
            named = "message_id" in plain and not chunk["c_message_id"].null_count
            query = query if named else with_message_ids(con, query, batch.source_file)
        start = self._sequence
        select = self._select(table, query, batch.source_file, mask)
        con.execute(f"INSERT INTO buf_{table.name} {select}")
        self._sequence += chunk.num_rows
        con.unregister("chunk")
        staged.waiting += chunk.num_rows - self._turned_away(table, start, rows)
        self._sample(table, f"buf_{table.name}")

    def _select(self, table: Table, query: str, source_file: str, mask: int) -> str:
        """Return SQL of conformed rows as the buffer holds them."""
        made = (meet.hashes if table.name in self.known else meet.no_hashes)(table, "x.")
        listed = ", ".join(f"x.{name}" for name in conform.columns_of(table))
        return (
            f"SELECT {listed}, {quoted(source_file)} AS source_file, x._row AS source_row,"
            f" x._n + {self._sequence} AS _seq, {mask} AS _mask, x._bad, x._fix,"
            f" {write.month_sql(table)} AS _month, {self._source(source_file)} AS _s, {made}"
            f" FROM ({query}) x"
        )

    def _source(self, source_file: str) -> int:
        """Return the number of a source file, its place in ``sources``."""
        if source_file not in self.sources:
            self.sources.append(source_file)
        return self.sources.index(source_file)

    def _straight(self, staged: Staged, batch: Batch, rows: pa.Table, before: int) -> bool:
        """Write a big chunk without a fault or a shared key as files at once; False if it is not.

        Sparing the rows a stay in the buffer saves most of the time of a big import.
        """
        made = direct.taken(staged.table, rows, self.shop_id)
        if made is None:
            return False
        made = _traced(made, batch.source_file, _places(rows, before))
        parts = straight.parts_of(staged.table, made)
        if parts is None:
            return False
        hashes = {one: self._hashes(staged.table, part) for one, part in parts.items()}
        if not meet.differ([each["_h"] for each in hashes.values()]):
            return False
        self.flush(staged)  # rows that came earlier keep their place
        staged.flushes += 1
        self._sequence += rows.num_rows
        self.clean[staged.table.name, batch.source_file] += rows.num_rows
        first = made.slice(0, _SAMPLE)
        self.con.register("fresh", first.append_column("_seq", pa.array(range(first.num_rows))))
        self._sample(staged.table, "fresh")
        source = self._source(batch.source_file)
        for cell, part in parts.items():
            file = self._background.write(staged.table, cell, part, self.tag)
            self.con.register("fresh", hashes[cell])
            self._remember(staged, file, f"(SELECT *, {source} AS _s FROM fresh)")
            self.con.unregister("fresh")
        return True

    def _hashes(self, table: Table, part: pa.Table) -> pa.Table:
        made = (meet.hashes if table.name in self.known else meet.no_hashes)(table)
        self.con.register("fresh", part)
        hashes = self.con.sql(f"SELECT {made} FROM fresh").to_arrow_table()
        self.con.unregister("fresh")
        return hashes

    def finish(self) -> None:
        """Empty every buffer; returns once all files are written."""
        for staged in self.tables.values():
            self.flush(staged)
        self._background.wait()

    def close(self) -> None:
        """Stop writing, whatever is left."""
        self._background.close()

    def _to_utc(self, batch: Batch, rows: pa.Table) -> Callable[[str], str]:
        if batch.timezone:
            zone = batch.timezone
            return lambda local: local_to_utc(local, zone)
        shops = set(_texts(rows, "shop_id")) | {self.shop_id}
        zones = {shop: self.zones.get(shop, self.zone) for shop in shops}
        return lambda local: local_to_utc_of_shops(local, "shop_id", zones, self.zone)

    def _turned_away(self, table: Table, start: int, rows: pa.Table) -> int:
        """Move bad rows of the last chunk from the buffer to the rejects; returns how many."""
        con, recent = self.con, f"FROM buf_{table.name} WHERE _seq >= {start}"
        bad, fixed = con.execute(
            f"SELECT count(_bad), count(*) FILTER (_fix AND _bad IS NULL) {recent}"
        ).fetchall()[0]
        self.corrected[table.name] += fixed
        if bad:
            con.register("raws", self._raw(table, start, rows))
            self.rejects.append(
                con.sql(
                    f'SELECT NULL::TIMESTAMPTZ AS imported_at, {quoted(table.name)} AS "table",'
                    ' source_file, source_row, split_part(_bad, chr(9), 1) AS "column",'
                    f" split_part(_bad, chr(9), 2) AS reason, raw FROM (SELECT * {recent}) b"
                    f" JOIN raws ON raws._n = b._seq - {start} WHERE _bad IS NOT NULL ORDER BY _seq"
                )
                .to_arrow_table()
                .cast(REJECTS)
            )
            con.execute(f"DELETE {recent} AND _bad IS NOT NULL")
            con.unregister("raws")
        return int(bad)

    def _raw(self, table: Table, start: int, rows: pa.Table) -> pa.Table:
        """Return the bad rows of the last chunk as they came (``raw``), with their place ``_n``."""
        place = self.con.sql(
            f"SELECT _seq - {start} AS _n FROM buf_{table.name}"
            f" WHERE _seq >= {start} AND _bad IS NOT NULL"
        ).to_arrow_table()["_n"]
        bad = rows.take(place)
        if "raw" in rows.column_names:
            return pa.Table.from_arrays([place, bad["raw"].cast(pa.string())], ["_n", "raw"])
        bad = bad.drop_columns([name for name in ("source_row",) if name in rows.column_names])
        self.con.register("given", bad)
        text = self.con.sql("SELECT CAST(to_json(given) AS VARCHAR) AS raw FROM given")
        made: pa.Table = text.to_arrow_table().append_column("_n", place)
        self.con.unregister("given")
        return made

    def _sample(self, table: Table, source: str) -> None:
        if table.name in self.samples and self.samples[table.name].num_rows >= _SAMPLE:
            return
        listed = ", ".join((*map(ident, conform.columns_of(table)), "source_file", "source_row"))
        self.samples[table.name] = self.con.sql(
            f"SELECT {listed} FROM {source} ORDER BY _seq LIMIT {_SAMPLE}"
        ).to_arrow_table()

    def flush(self, staged: Staged) -> None:
        """Empty a table's buffer into files and ``dirty_<table>``."""
        name, con = staged.table.name, self.con
        if not staged.waiting:
            return
        staged.flushes += 1
        self._set_aside(staged)
        for source_file, count in con.execute(
            f"SELECT source_file, count(*) FROM buf_{name} GROUP BY ALL"
        ).fetchall():
            self.clean[name, source_file] += count
        found = write.cells_in(con, f"buf_{name}")
        relation = f"buf_{name}"
        if len(found) > 32:  # so that each cell is found without reading all rows
            con.execute(f"CREATE TEMP TABLE part AS FROM {relation} ORDER BY shop_id, _month")
            relation = "part"
        self._write(staged, found, relation)
        con.execute("DROP TABLE IF EXISTS part")
        con.execute(f"TRUNCATE buf_{name}")
        staged.waiting = 0

    def _write(self, staged: Staged, found: list[write.Cell], relation: str) -> None:
        made = write.write_cells(
            self.con,
            staged.table,
            found,
            lambda one: f"SELECT * FROM {relation} WHERE {one.test}",
            self.folder / staged.table.name,
            self.tag,
        )
        for one, file in zip(found, made, strict=True):
            self._remember(staged, file, f"{relation} WHERE {one.test}")

    def _remember(self, staged: Staged, file: DataFile, relation: str) -> None:
        """Note a new file and the hashes of its rows."""
        self.con.execute(
            f"INSERT INTO seen_{staged.table.name}"
            f" SELECT _h, _g, _c, {len(staged.files)}, _s FROM {relation}"
        )
        staged.files.append(file)
        staged.flush_of[file.path] = staged.flushes

    def _set_aside(self, staged: Staged) -> None:
        """Move patch rows and rows that share a key from the buffer to ``dirty_<table>``."""
        con, buffer = self.con, f"buf_{staged.table.name}"
        keys, rows, patches = con.execute(
            f"SELECT count(DISTINCT _h), count(*), max(_mask) FROM {buffer}"
        ).fetchall()[0]
        if keys == rows and not patches:
            return
        con.execute(
            f"CREATE TEMP TABLE shared AS SELECT _h FROM {buffer} GROUP BY _h"
            " HAVING count(*) > 1 OR max(_mask) > 0"
        )
        mine = f"{buffer} WHERE _h IN (SELECT _h FROM shared)"
        con.execute(f"INSERT INTO dirty_{staged.table.name} SELECT *, {staged.flushes} FROM {mine}")
        con.execute(f"DELETE FROM {mine}")
        con.execute("DROP TABLE shared")
        ((staged.dirty,),) = con.execute(
            f"SELECT count(*) FROM dirty_{staged.table.name}"
        ).fetchall()


def carried_columns(table: Table, batch: Batch) -> frozenset[str]:
    """Return the table's own columns that a batch carries; keys always count."""
    return frozenset(table.key) | frozenset(conform.columns_of(table)[1:]) & set(
        batch.rows.column_names
    )


def _chunks(rows: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, rows.num_rows, _CHUNK):
        yield rows.slice(start, _CHUNK)


def _prepared(table: Table, rows: pa.Table, before: int) -> tuple[dict[str, pa.DataType], pa.Table]:
    """Return the canonical columns given with their types, and the relation ``chunk``.

    ``_n`` is the place in the chunk, ``_row`` the row of the file; ``before`` rows came earlier.
    """
    given: dict[str, pa.DataType] = {}
    arrays: dict[str, Any] = {}
    for name in conform.columns_of(table):
        if name in rows.column_names:
            column = rows[name]
            kind = column.type
            if pa.types.is_timestamp(kind) and kind.unit != "us":
                column = column.cast(pa.timestamp("us", kind.tz), safe=False)
            given[name], arrays[f"c_{name}"] = column.type, column
    arrays["_n"] = pa.array(np.arange(rows.num_rows, dtype=np.int64))
    arrays["_row"] = _places(rows, before)
    return given, pa.table(arrays)


def _places(rows: pa.Table, before: int) -> Any:
    """Return the row of the file of each row of a chunk; ``before`` rows came earlier."""
    counted = pa.array(np.arange(before + 1, before + rows.num_rows + 1))
    if "source_row" not in rows.column_names:
        return counted
    return pc.coalesce(rows["source_row"].cast(pa.int64()), counted)


def _traced(rows: pa.Table, source_file: str, places: Any) -> pa.Table:
    name = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(rows.num_rows, np.int32)), pa.array([source_file])
    )
    return rows.append_column("source_file", name).append_column("source_row", places)


def _plain(table: Table, given: dict[str, pa.DataType], chunk: pa.Table) -> set[str]:
    """Return the text columns that need no cleaning."""
    loose = {column.name for column in table.columns if column.kind == "text"}
    return {
        name
        for name, kind in given.items()
        if conform.is_text(kind) and is_plain(chunk[f"c_{name}"], name not in loose)
    }


def _tidy(given: dict[str, pa.DataType], chunk: pa.Table, plain: set[str]) -> set[str]:
    """Return the other text columns that need no trimming."""
    texts = [name for name, kind in given.items() if conform.is_text(kind) and name not in plain]
    return {name for name in texts if is_plain(chunk[f"c_{name}"], empties=False)}


def _texts(rows: pa.Table, name: str) -> list[str]:
    if name not in rows.column_names:
        return []
    return [str(text).strip() for text in pc.unique(rows[name]).to_pylist() if text is not None]
