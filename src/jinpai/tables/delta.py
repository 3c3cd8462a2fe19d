"""Delta tables as Jinpai writes them: Parquet files first, then one commit that names them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from jinpai.errors import WorkspaceError
from jinpai.tables.mounts import mounted
from jinpai.tables.schema import Table
from jinpai.tables.zones import ident, quoted

__all__ = [
    "DataFile",
    "arrow_schema",
    "commit",
    "data_files",
    "facts_of",
    "here",
    "names_of",
    "open_table",
    "overwrite",
    "parquet",
    "patch",
    "paths_of",
    "read_sql",
    "restore",
    "rows_of",
    "take_back",
    "version",
]

ARROW: dict[str, pa.DataType] = {
    "id": pa.string(),
    "text": pa.string(),
    "time": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "money": pa.decimal128(18, 2),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "enum": pa.string(),
    "json": pa.string(),
}
_LOG = "_delta_log"
_KNOWN = 256  # versions whose files are remembered
_TOLD = {
    *("path", "num_records", "size_bytes"),
    *("partition.shop_id", "partition.month", "min.shop_id", "max.shop_id"),
}
# Old versions stay readable: payslips are recomputed from the versions they name.
_KEEP = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a canonical table.

    Attributes:
        path: place relative to the table's folder.
        first_shop, last_shop: its rows' shops lie between them, both inclusive.
        month: UTC month of its rows' own time (``2026-03``), None for tables without one.
        rows: how many rows it holds.
        low, high: first and last own time in UTC, ISO text with milliseconds ('' without one).
        size: bytes.
    """

    path: str
    first_shop: str
    last_shop: str
    month: str | None
    rows: int
    low: str = ""
    high: str = ""
    size: int = 0

    @property
    def partition(self) -> dict[str, str | None]:
        """Delta partition values."""
        return {} if self.month is None else {"month": self.month}

    def may_hold(self, shops: Iterable[str]) -> bool:
        """Whether one of the shops may have rows in it."""
        return any(self.first_shop <= shop <= self.last_shop for shop in shops)

    def may_share(self, other: DataFile) -> bool:
        """Whether some shop may have rows in both files."""
        return self.first_shop <= other.last_shop and other.first_shop <= self.last_shop


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a canonical table as Delta knows it (month included)."""
    fields: list[pa.Field[Any]] = [pa.field("shop_id", pa.string())]
    if table.own_time:
        fields.append(pa.field("month", pa.string()))
    fields += [pa.field(column.name, ARROW[column.kind]) for column in table.columns]
    return pa.schema(
        [*fields, pa.field("source_file", pa.string()), pa.field("source_row", pa.int64())]
    )


def partition_columns(table: Table) -> list[str]:
    """Return the columns a canonical table is partitioned by."""
    return ["month"] if table.own_time else []


def open_table(folder: Path, at: int | None = None) -> DeltaTable:
    """Return the Delta table of a folder, where it really is, at a version (default the latest)."""
    place, options = _place(folder)
    return DeltaTable(place, version=at, storage_options=options)


def _place(folder: Path) -> tuple[str, dict[str, str] | None]:
    here = mounted(folder)
    return (here.url_of(folder), dict(here.options)) if here else (str(folder), None)


def _exists(folder: Path) -> bool:
    return bool(DeltaTable.is_deltatable(*_place(folder)))


def version(folder: Path) -> int | None:
    """Return the latest version of the Delta table in a folder, None when there is no table."""
    if mounted(folder):
        return open_table(folder).version() if _exists(folder) else None
    log = folder / _LOG
    found = [path.stem for path in log.glob("*.json")] if log.is_dir() else []
    return max((int(stem) for stem in found if stem.isdigit()), default=None)


def _actions(folder: Path, at: int | None) -> dict[str, list[Any]]:
    """What the log says of one version's files, by column; not to be changed."""
    if at is None or mounted(folder):
        return _read_actions(folder, at)
    try:
        entry = (folder / _LOG / f"{at:020}.json").stat()
    except FileNotFoundError:
        return _read_actions(folder, at)
    return _known_actions(folder.absolute(), at, (entry.st_ino, entry.st_mtime_ns))


@lru_cache(_KNOWN)
def _known_actions(folder: Path, at: int, entry: tuple[int, int]) -> dict[str, list[Any]]:
    """A version never changes; ``entry`` tells it from one of a table made anew in its place."""
    return _read_actions(folder, at)


def _read_actions(folder: Path, at: int | None) -> dict[str, list[Any]]:
    found = open_table(folder, at).get_add_actions(flatten=True)
    # Not pa.table(found), nor its times: that imports pandas, which takes longer than all the rest.
    table = pa.RecordBatchReader.from_stream(found).read_all()
    wanted = [name for name in table.column_names if name in _TOLD]
    columns: dict[str, list[Any]] = table.select(wanted).to_pydict()
    return columns


def data_files(folder: Path, at: int) -> list[DataFile]:
    """Return the files of one version of a canonical table; they are on this machine then.

    Raises WorkspaceError for a table with a file per shop, as Jinpai wrote before it had a release.
    """
    actions = _actions(folder, at)
    paths = actions["path"]
    if "partition.shop_id" in actions:
        raise WorkspaceError(
            f"{folder}: an early version of Jinpai wrote this table, with a file for every shop."
            " Import the exports into a new workspace.",
            zh=f"{folder}：该表由金牌的早期版本写入（每家店铺一个文件）。请把导出文件重新导入新的工作区。",
        )
    if here := mounted(folder):
        here.fetch(folder / path for path in paths)
    months = actions.get("partition.month") or [None] * len(paths)
    firsts, lasts = (actions.get(f"{end}.shop_id") or [] for end in ("min", "max"))
    rows, sizes = actions["num_records"], actions["size_bytes"]
    found = zip(paths, firsts, lasts, months, rows, sizes, strict=True)
    return [
        DataFile(path, first, last, month, count, size=size)
        for path, first, last, month, count, size in found
    ]


def paths_of(folder: Path, at: int | None = None) -> list[str]:
    """Return the absolute paths of one version's files (default the latest), sorted.

    The files are on this machine then. Not `DeltaTable.file_uris`: it writes a blank or a Chinese
    character of the folder as ``%20``.
    """
    names = names_of(folder, at)
    if here := mounted(folder):
        here.fetch(folder / name for name in names)
    root = folder.resolve()
    return sorted(str(root / name) for name in names)


def names_of(folder: Path, at: int | None = None) -> dict[str, int]:
    """Return the files of one version relative to the folder -> rows (default the latest)."""
    actions = _actions(folder, at)
    return dict(zip(actions["path"], actions["num_records"], strict=True))


def facts_of(folder: Path, at: int) -> list[DataFile]:
    """Return the files of one version of any table with rows and sizes, and no partitions."""
    actions = _actions(folder, at)
    found = zip(actions["path"], actions["num_records"], actions["size_bytes"], strict=True)
    return [DataFile(path, "", "", None, rows, size=size) for path, rows, size in found]


def here(path: Path) -> Path:
    """Return the path of a file that is on this machine then."""
    if where := mounted(path):
        where.fetch([path])
    return path


def rows_of(folder: Path, at: int) -> int:
    """Return how many rows one version has, as its log says."""
    return sum(names_of(folder, at).values())


def commit(
    folder: Path, table: Table, adds: Sequence[DataFile], removes: Sequence[DataFile]
) -> int:
    """Commit files that already lie in the table's folder; returns the new version."""
    schema, keys = arrow_schema(table), partition_columns(table)
    if not _exists(folder):
        place, options = _place(folder)
        DeltaTable.create(
            place,
            schema=schema,
            partition_by=keys,
            configuration=dict(_KEEP),
            storage_options=options,
        )
    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(
            file.path,
            os.path.getsize(folder / file.path),
            file.partition,
            now,
            True,
            _stats(table, file),
        )
        for file in adds
    ]
    actions += [RemoveAction(file.path, True, now, file.size, file.partition) for file in removes]
    return _committed(folder, actions, schema, keys)


def _committed(
    folder: Path, actions: list[AddAction | RemoveAction], schema: pa.Schema, keys: list[str]
) -> int:
    """Commit on top of the latest version; raises WorkspaceError when another writer came between.

    Only one writer is at work, unless one in an object store was taken for dead and woke up.
    """
    table = open_table(folder)
    table.create_write_transaction(actions, "append", schema, keys)
    return _next(folder, int(table.version()))


def _next(folder: Path, before: int) -> int:
    made = version(folder)
    if made is None or made != before + 1:
        raise WorkspaceError(
            f"{folder}: another writer changed the table at the same time. Nothing was published;"
            " run the command again.",
            zh=f"{folder}：另一写入者同时改动了该表。没有任何改动生效；请重新运行该命令。",
        )
    return made


def overwrite(folder: Path, schema: pa.Schema, files: Sequence[tuple[str, int]]) -> int:
    """Replace a derived table's contents and schema by files (path, rows); returns the version."""
    place, options = _place(folder)
    before = version(folder)
    create_table_with_add_actions(
        place,
        Schema.from_arrow(schema),
        _whole_files(folder, files),
        mode="overwrite",
        configuration=dict(_KEEP),
        storage_options=options,
    )
    return _next(folder, -1 if before is None else before)


def patch(
    folder: Path, schema: pa.Schema, files: Sequence[tuple[str, int]], removes: Sequence[str]
) -> int:
    """Add files (path, rows) to a derived table and leave others out; returns the version.

    ``removes`` are paths relative to the table's folder.
    """
    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [*_whole_files(folder, files)]
    actions += [RemoveAction(path, True, now, os.path.getsize(folder / path)) for path in removes]
    return _committed(folder, actions, schema, [])


def _whole_files(folder: Path, files: Sequence[tuple[str, int]]) -> list[AddAction]:
    now = int(time.time() * 1000)
    return [
        AddAction(
            path, os.path.getsize(folder / path), {}, now, True, json.dumps({"numRecords": rows})
        )
        for path, rows in files
    ]


def _stats(table: Table, file: DataFile) -> str:
    low, high = {"shop_id": file.first_shop}, {"shop_id": file.last_shop}
    if table.own_time:
        low[table.own_time], high[table.own_time] = file.low, file.high
    none = dict.fromkeys(low, 0)
    return json.dumps(
        {"numRecords": file.rows, "minValues": low, "maxValues": high, "nullCount": none}
    )


def parquet(files: Sequence[str], options: str = "") -> str:
    """Return SQL that reads Parquet files; names of folders are never taken for columns."""
    listed = ", ".join(map(quoted, files))
    return f"read_parquet([{listed}], hive_partitioning = false{options})"


def read_sql(con: duckdb.DuckDBPyConnection, files: Sequence[str], more: str = "") -> str:
    """Return SQL of all columns of Parquet files, times as plain UTC TIMESTAMP.

    ``more`` is put behind the columns (with its comma); it may name ``file_index``.

    Raises nothing itself; DuckDB's errors come through where the files cannot be read.
    """
    source = parquet(files)
    columns = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    replaced = [
        f"make_timestamp(epoch_us({ident(name)})) AS {ident(name)}"
        for name, kind, *_ in columns
        if kind == "TIMESTAMP WITH TIME ZONE"
    ]
    star = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
    return f"SELECT {star}{more} FROM {source}"


def restore(folder: Path, target: int) -> int:
    """Make an older version the latest again; no file is deleted. Returns the new version."""
    table = open_table(folder)
    table.restore(target)
    return int(table.version())


def take_back(folder: Path, target: int) -> None:
    """Make an older version the latest again and delete what the versions after it added.

    Files that a restored version brought back are older than that and stay.
    """
    added = set(names_of(folder)) - set(names_of(folder, target))
    newer = [folder / name for name in added - _known_before(folder, target, added)]
    restore(folder, target)
    if here := mounted(folder):
        here.delete(newer)
    for file in newer:
        file.unlink(missing_ok=True)


def _known_before(folder: Path, target: int, names: set[str]) -> set[str]:
    """Return those of the files that a version up to ``target`` had; only restoring brings any."""
    table, found = open_table(folder), set[str]()
    since = table.history(int(table.version()) - target) if names else []
    if not any(one.get("operation") == "RESTORE" for one in since):
        return found
    for at in range(target, -1, -1):
        found |= names & set(names_of(folder, at))
        if found == names:
            break
    return found
