"""The store: one database beside the lake for what people do – reviews, appeals, accounts.

SQLite at WORKSPACE/store.db by default; PostgreSQL where ``[store] url`` of jinpai.toml or
JINPAI_STORE_URL says so. Everything above this module means the same on both.

    with open_store(workspace.config) as store:
        with store.write() as session:      # one transaction: all of it or nothing
            session.add(...)
        with store.read() as session:       # sees one moment
            session.scalars(...)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.orm import Session

from jinpai.errors import UsageError, WorkspaceError
from jinpai.store.upgrade import head, upgrade, version_of
from jinpai.workspace_config import STORE_FILE, Config, load_config

__all__ = ["Store", "open_store", "store_url"]

_BUSY_SECONDS = 30
_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


class Store:
    """An open store. Threads may share one; close it or use it in a ``with``."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.engine = _engine(url)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether it is a file of SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that changes things; it commits at the end, or nothing has happened.

        Raises WorkspaceError when the database fails or is not there.
        """
        with self._session(writes=True) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that only reads; it sees one moment. Raises as `write`."""
        with self._session(writes=False) as session, session.begin():
            yield session

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[Session]:
        bound = self.engine.execution_options(jinpai_writes=writes)
        if not writes and not self.is_sqlite:
            bound = bound.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with failures_told(self.url), Session(bound, expire_on_commit=False) as session:
            yield session

    def upgrade(self) -> list[str]:
        """Bring the database to this version; returns the migrations that ran.

        Raises WorkspaceError for a database of a later version, or one that fails.
        """
        with failures_told(self.url):
            with self.engine.connect() as connection, connection.begin():
                if version_of(connection) == head():
                    return []
            writing = self.engine.execution_options(jinpai_writes=True)
            with writing.connect() as connection, connection.begin():
                return upgrade(connection)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(place: Config | str | Path) -> Store:
    """Open the store of a workspace and bring it to this version.

    Args:
        place: the workspace's config, its folder, or the URL of a database.
    Raises UsageError for a URL that is none, WorkspaceError for a database that cannot be used or
    that a later version wrote.
    """
    if isinstance(place, str) and "://" in place:
        url = checked_url(place)
    else:
        url = store_url(place if isinstance(place, Config) else load_config(Path(place)))
    store = Store(url)
    try:
        store.upgrade()
    except BaseException:
        store.close()
        raise
    return store


def store_url(config: Config) -> URL:
    """Return where a workspace's store lies: JINPAI_STORE_URL, jinpai.toml, or its own file."""
    if config.store_url is not None:
        return checked_url(config.store_url)
    path = (config.root / STORE_FILE).resolve()
    _private(path)
    return URL.create("sqlite", database=str(path))


def checked_url(text: str) -> URL:
    """Return the URL of a database we can use, its driver named; raises UsageError."""
    try:
        url = make_url(text)
    except ArgumentError:
        url = URL.create("")
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database:
        return url
    raise UsageError(
        "The store's URL must be postgresql://USER@HOST/DATABASE or sqlite:///FILE.",
        zh="数据库地址应为 postgresql://用户@主机/库名 或 sqlite:///文件。",
    )


def _private(path: Path) -> None:
    """Make the file readable to its owner alone: it holds names and password hashes."""
    if not path.exists():
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise _unusable(str(path), error.strerror or str(error)) from None


def _engine(url: URL) -> Engine:
    # What people wrote and who they are stays out of errors, which are logged.
    quiet = {"hide_parameters": True}
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True, **quiet)
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, **quiet)
    except (ImportError, NoSuchModuleError):
        raise UsageError(
            "PostgreSQL needs its driver: pip install 'jinpai[postgres]'.",
            zh="使用 PostgreSQL 需要驱动：pip install 'jinpai[postgres]'。",
        ) from None
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, record: Any) -> None:
    """Prepare a connection of SQLite; transactions are begun by `_begin`, not by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")  # what was said to be done survives a power cut
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the one writer's place at once: a reader that turns writer could lose its turn."""
    writes = connection.get_execution_options().get("jinpai_writes", False)
    connection.exec_driver_sql(f"pragma query_only = {'off' if writes else 'on'}")
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def failures_told(url: URL) -> Iterator[None]:
    """Turn a failure of the database into a WorkspaceError that names it."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        # Its subclasses for wrong statements and broken constraints are faults of ours.
        if type(error) not in (DatabaseError, InterfaceError, OperationalError):
            raise
        reason = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        raise _unusable(url.render_as_string(hide_password=True), reason[0]) from error


def _unusable(place: str, reason: str) -> WorkspaceError:
    return WorkspaceError(
        f"The store {place} cannot be used: {reason}. Check that it is there and may be written.",
        zh=f"无法使用数据库 {place}：{reason}。请检查它是否存在、是否可写。",
    )
