"""Derived tables: what a run made, written by DuckDB as Parquet and named by a Delta commit.

A relation with a column ``_bucket`` (a whole number, such as that of a week) is written as
files of one bucket each, told by their names. A later run that changes few rows writes the buckets
they lie in anew (`Patch`), one statement each, and shares the files of the others.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.errors import UsageError
from jinpai.tables.delta import open_table, paths_of, read_sql
from jinpai.tables.schema import TABLES
from jinpai.tables.zones import quoted

__all__ = [
    "BUCKET",
    "BULK",
    "STAGED",
    "Made",
    "Patch",
    "bucket_of",
    "bucket_sql",
    "check_name",
    "is_wanted",
    "view_sql",
    "write_files",
    "write_patch",
]

BUCKET = "_bucket"
# The bucket of most rows, written without sorting them out.
BULK = 1

# The word in the names of files that no writer has taken yet.
STAGED = "staged"

_FILE_BYTES = 256 << 20
# A run writes much: the quickest level, and no dictionary of texts that hardly repeat.
_PACKING = "COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 10000, PARQUET_VERSION v2"
# DuckDB types without a Delta type, and what they are stored as.
_STORED = {
    "HUGEINT": "BIGINT",
    "UHUGEINT": "BIGINT",
    "UBIGINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "USMALLINT": "INTEGER",
    "UTINYINT": "INTEGER",
    "TIME": "VARCHAR",
    "UUID": "VARCHAR",
    "JSON": "VARCHAR",
    '"NULL"': "VARCHAR",
}


def check_name(name: str) -> None:
    """Raise UsageError unless the name can be a derived table's."""
    if name in TABLES or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"'{name}' cannot name a derived table: use a plain word of its own.")


@dataclass(frozen=True)
class Patch:
    """New contents of some buckets of a derived table; the others stay as they are.

    Attributes:
        parts: bucket written anew -> SELECT of all rows it shall hold; one without rows is gone.
        rows: how many rows the whole table must have afterwards.
        together: SELECT of the rows of all these buckets with ``_bucket``, for a writer that sorts
            rows out by itself.
    """

    parts: Mapping[int, str]
    rows: int
    together: str = ""


@dataclass(frozen=True)
class Made:
    """A derived table whose files were written before (`write_files`, under the tag `STAGED`).

    Attributes:
        files: where each lies, and its rows.
    """

    schema: pa.Schema
    files: Sequence[tuple[Path, int]]

    def moved(self, folder: Path, tag: str) -> tuple[pa.Schema, list[tuple[str, int]]]:
        """Take the files into a new folder, under names of its own; returns as `write_files`."""
        folder.mkdir(parents=True)
        files = []
        for path, rows in self.files:
            name = path.name.replace(f"part-{STAGED}-", f"part-{tag}-", 1)
            shutil.move(path, folder / name)
            files.append((name, rows))
        return self.schema, files


def bucket_of(path: str) -> int | None:
    """Return the bucket of a derived table's file, None for a file of all rows.

    >>> bucket_of("part-3f-b2930-77.parquet"), bucket_of("part-3f-77.parquet")
    (2930, None)
    """
    found = re.fullmatch(r"part-[^-]+-b(\d+)-.*", Path(path).name)
    return int(found[1]) if found else None


def write_files(
    con: duckdb.DuckDBPyConnection, relation: str, folder: Path, tag: str
) -> tuple[pa.Schema, list[tuple[str, int]]]:
    """Write a relation as Parquet files into a new folder; returns its schema and (path, rows).

    TIMESTAMP columns are UTC and stored as such; wide integers are stored as BIGINT, and one that
    does not fit fails the statement. ``_bucket`` decides on the file and is not in it.
    """
    folder.mkdir(parents=True)
    source = f'"{relation}"' if re.fullmatch(r"\w+", relation) else f"({relation})"
    own, schema, by_bucket = _shape(con, source)
    # Once through the relation, which may be a view that costs more than its writing.
    listed = f"{own}, {BUCKET}" if by_bucket else own
    split = f"PARTITION_BY ({BUCKET})" if by_bucket else f"FILE_SIZE_BYTES {_FILE_BYTES}"
    con.execute(
        f"COPY (SELECT {listed} FROM {source}) TO {quoted(str(folder))} (FORMAT parquet,"
        f" {_PACKING}, {split}, FILENAME_PATTERN 'part-{tag}-{{uuid}}')"
    )
    paths = sorted(_flattened(folder, tag))
    rows = [(path.name, pq.read_metadata(path).num_rows) for path in paths]
    return schema, [(name, count) for name, count in rows if count]


def write_patch(
    con: duckdb.DuckDBPyConnection, patch: Patch, folder: Path, tag: str
) -> tuple[pa.Schema, list[tuple[str, int]]]:
    """Write the buckets of a patch as `write_files` does, each by itself.

    That takes half of what sorting rows into buckets takes.
    """
    folder.mkdir(parents=True)
    own, schema, _ = _shape(con, f"({next(iter(patch.parts.values()))})")
    files = []
    for bucket, sql in patch.parts.items():
        name = f"part-{tag}-b{bucket}-{uuid.uuid4()}.parquet"
        ((rows,),) = con.execute(
            f"COPY (SELECT {own} FROM ({sql})) TO {quoted(str(folder / name))}"
            f" (FORMAT parquet, {_PACKING})"
        ).fetchall()
        files.append((name, int(rows)))
    return schema, [(name, count) for name, count in files if count]


def _shape(con: duckdb.DuckDBPyConnection, source: str) -> tuple[str, pa.Schema, bool]:
    """Return the stored columns of a relation as SQL, their schema, and whether it has buckets."""
    columns = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    own = ", ".join(_stored(name, kind) for name, kind, *_ in columns if name != BUCKET)
    # Asked of nulls, since the relation itself may be a statement that takes long to begin.
    typed = ", ".join(f'CAST(NULL AS {_text_or(kind)}) AS "{name}"' for name, kind, *_ in columns)
    schema = _utc(con.sql(f"SELECT {own} FROM (SELECT {typed}) LIMIT 0").to_arrow_table().schema)
    return own, schema, any(name == BUCKET for name, *_ in columns)


def _text_or(kind: str) -> str:
    return "VARCHAR" if kind.startswith("ENUM") else kind


def _utc(schema: pa.Schema) -> pa.Schema:
    """Instants under the one name of their zone that Delta Lake knows; numbered texts as texts."""
    kinds = [
        pa.timestamp("us", "UTC")
        if pa.types.is_timestamp(field.type)
        else pa.string()
        if pa.types.is_dictionary(field.type)
        else field.type
        for field in schema
    ]
    return pa.schema([pa.field(*one) for one in zip(schema.names, kinds, strict=True)])


def _flattened(folder: Path, tag: str) -> list[Path]:
    """Take the files out of DuckDB's folders per bucket, the bucket into their names."""
    made = list(folder.glob("*.parquet"))
    for inner in folder.glob(f"{BUCKET}=*"):
        bucket = int(inner.name.partition("=")[2])
        for path in inner.iterdir():
            rest = path.name.removeprefix(f"part-{tag}-")
            made.append(path.rename(folder / f"part-{tag}-b{bucket}-{rest}"))
        inner.rmdir()
    return made


def _stored(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind.startswith("TIMESTAMP") and "ZONE" not in kind:
        # The UTC instant as it is; asking the time zone library costs twenty times as much.
        return f"make_timestamptz(epoch_us(CAST({column} AS TIMESTAMP))) AS {column}"
    return f"CAST({column} AS {_STORED[kind]}) AS {column}" if kind in _STORED else column


def view_sql(con: duckdb.DuckDBPyConnection, folder: Path, version: int) -> str:
    """Return the SELECT of a derived table's pinned version, times as UTC TIMESTAMP."""
    files = paths_of(folder, version)
    if files:
        return read_sql(con, files)
    schema = open_table(folder, version).schema()
    empty = pa.Table.from_batches([], pa.schema(cast(Any, schema.to_arrow())))
    con.register("_empty", empty)
    columns = con.execute("DESCRIBE SELECT * FROM _empty").fetchall()
    con.unregister("_empty")
    typed = ", ".join(
        f'CAST(NULL AS {kind.replace(" WITH TIME ZONE", "")}) AS "{name}"'
        for name, kind, *_ in columns
    )
    return f"SELECT {typed} WHERE false"


def is_wanted(bucket: int, since: int | None, only: Collection[int] | None) -> bool:
    """Whether a bucket is one of ``only``, and 0 or not before ``since``; None sets no bound."""
    return (since is None or bucket == 0 or bucket >= since) and (only is None or bucket in only)


def bucket_sql(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    version: int,
    since: int | None = None,
    only: Collection[int] | None = None,
) -> str:
    """Return `view_sql` with ``_bucket``; every file must have one.

    ``since`` leaves out the buckets before it (the bulk among them), but for bucket 0; ``only``
    leaves out all but some.
    """
    buckets = {file: bucket_of(file) or 0 for file in paths_of(folder, version)}
    files = [file for file, bucket in buckets.items() if is_wanted(bucket, since, only)]
    if not files:
        return f"SELECT *, 0 AS {BUCKET} FROM ({view_sql(con, folder, version)}) WHERE false"
    numbers = ", ".join(str(buckets[file]) for file in files)
    return read_sql(con, files, f", ([{numbers}]::INTEGER[])[file_index::BIGINT + 1] AS {BUCKET}")
