"""A store written to one file and read back: the same file for SQLite and PostgreSQL.

gzip of JSON lines: a head, every row of every table, and a tail that says how many. Written from
one moment of the store; read back in one transaction, into the tables of the version that wrote it,
which are then brought to this version. So a backup of SQLite can be restored into PostgreSQL.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    func,
    insert,
    inspect,
    null,
    select,
    text,
)
from sqlalchemy.exc import OperationalError, StatementError

from jinpai.errors import InputError, UnreadableFile, UsageError, reason_zh
from jinpai.store import calibrations, jobs, people, reviews
from jinpai.store.base import Base, now
from jinpai.store.database import Store, failures_told
from jinpai.store.upgrade import build, version_of

__all__ = ["backup", "restore"]

_MODELS = (people, reviews, calibrations, jobs)  # imported, so that Base knows every table
_FORMAT = 1
_VERSION_TABLE = "alembic_version"
_BATCH = 500


def backup(store: Store, path: Path) -> dict[str, int]:
    """Write the store to a file, whole or not at all; returns the rows of each table.

    The file is readable to its owner alone. Raises UsageError when the file cannot be written.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "wb", dir=path.resolve().parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            with gzip.open(file, "wt", encoding="utf-8") as out, store.read() as session:
                counts = _write(session.connection(), out)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.",
            zh=f"无法写入 {path}：{reason_zh(error)}。",
        ) from None
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    return counts


def _write(connection: Connection, out: Any) -> dict[str, int]:
    head = {"jinpai_store": _FORMAT, "version": version_of(connection), "at": now().isoformat()}
    out.write(_line(head))
    counts = dict[str, int]()
    for table in _tables(connection):
        counts[table.name] = 0
        order = list(table.primary_key.columns)
        for row in connection.execute(select(table).order_by(*order)).mappings():
            out.write(_line({"table": table.name, "row": _encoded(row)}))
            counts[table.name] += 1
    out.write(_line({"end": counts}))
    return counts


def restore(store: Store, path: Path, *, force: bool = False) -> dict[str, int]:
    """Put a backup in the place of the store's contents, all or nothing; returns rows by table.

    Raises UsageError when the store is not empty and ``force`` is not given, UnreadableFile for a
    file that is damaged or no backup, WorkspaceError for a backup of a later version.
    """
    version, expected = _checked(path)
    writing = store.engine.execution_options(jinpai_writes=True)
    with failures_told(store.url), writing.connect() as connection, connection.begin():
        if not force and _has_rows(connection):
            raise UsageError(
                "The store is not empty; --force puts the backup in its place.",
                zh="数据库不是空的；加 --force 才会用备份替换。",
            )
        _clear(connection)
        build(connection, version)
        try:
            _read_into(connection, path)
        except OperationalError:
            raise
        except (StatementError, LookupError, TypeError, ValueError):
            raise _wrong(path) from None
        build(connection)
    return expected


def _checked(path: Path) -> tuple[str, dict[str, int]]:
    """Return the version of a backup and its counts, having read it to its end."""
    lines = _lines(path)
    head = next(lines, {})
    if head.get("jinpai_store") != _FORMAT or not isinstance(head.get("version"), str):
        raise UnreadableFile(
            "this is no backup of a store.", file=str(path), zh="这不是数据库备份。"
        )
    counts = dict[str, int]()
    for line in lines:
        if "end" in line:
            given = {name: count for name, count in line["end"].items() if count}
            if given == counts and next(lines, None) is None:
                return str(head["version"]), line["end"]
            break
        name = str(line.get("table"))
        counts[name] = counts.get(name, 0) + 1
    raise UnreadableFile(
        "the backup is cut off or damaged; use another copy.",
        file=str(path),
        zh="备份不完整或已损坏；请换一份。",
    )


def _wrong(path: Path) -> UnreadableFile:
    return UnreadableFile(
        "the backup has rows that its version of the store cannot hold; use another copy.",
        file=str(path),
        zh="备份中有该版本数据库无法接受的内容；请换一份。",
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                value = json.loads(line)
                if not isinstance(value, dict):
                    raise ValueError("a line is no object")
                yield value
    except FileNotFoundError:
        raise InputError("there is no such file.", file=str(path), zh="没有这个文件。") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableFile(
            f"the backup cannot be read ({error}); use another copy.",
            file=str(path),
            zh="备份无法读取，可能已损坏；请换一份。",
        ) from None


def _reflected(connection: Connection) -> MetaData:
    """Return our tables as the database has them; others that lie there are none of ours."""
    there = set(inspect(connection).get_table_names())
    found = MetaData()
    found.reflect(connection, only=sorted(there & {*Base.metadata.tables, _VERSION_TABLE}))
    return found


def _tables(connection: Connection) -> list[Table]:
    """Return the tables that hold data, each after those it refers to."""
    found = _reflected(connection).sorted_tables
    return [table for table in found if table.name != _VERSION_TABLE]


def _has_rows(connection: Connection) -> bool:
    return any(
        connection.execute(select(table).limit(1)).first() is not None
        for table in _tables(connection)
    )


def _clear(connection: Connection) -> None:
    """Drop our tables and what is ours beside them."""
    _reflected(connection).drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("drop function if exists events_keep()"))


def _read_into(connection: Connection, path: Path) -> None:
    tables = {table.name: table for table in _tables(connection)}
    waiting: list[dict[str, Any]] = []
    of: Table | None = None
    for line in _lines(path):
        if "table" not in line:
            continue
        table = tables[line["table"]]
        if table is not of or len(waiting) >= _BATCH:
            _insert(connection, of, waiting)
            of, waiting = table, []
        waiting.append(_decoded(table, line["row"]))
    _insert(connection, of, waiting)
    if connection.dialect.name == "postgresql":
        for table in tables.values():
            _count_on(connection, table)


def _insert(connection: Connection, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        connection.execute(insert(table), rows)


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number on from the highest number given."""
    for column in table.primary_key.columns:
        named = select(func.pg_get_serial_sequence(f'"{table.name}"', column.name))
        sequence = connection.scalar(named)
        if sequence is not None:
            highest = connection.scalar(select(func.max(column)))
            connection.execute(select(func.setval(sequence, highest or 1, highest is not None)))


def _encoded(row: RowMapping) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def _decoded(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _typed(table.columns[name].type, value) for name, value in row.items()}


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return null() if isinstance(kind, JSON) else None
    if isinstance(kind, DateTime):
        at = datetime.fromisoformat(value)
        return at if kind.timezone else at.replace(tzinfo=None)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    return base64.b64decode(value) if isinstance(kind, LargeBinary) else value


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
