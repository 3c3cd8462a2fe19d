"""Asking for work: a row in the store, and a message that wakes the worker.

The messages are huey's: in ``jobs.db`` of the workspace, or in the store's PostgreSQL. They may be
lost or come twice without harm: `Queue.remind` sends them again for all rows that wait, and a row
is begun once.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage
from sqlalchemy.engine import URL

from jinpai.store import Store
from jinpai.store.jobs import Job, Kind, add_job, cancel_job, queued_ids, retry_job
from jinpai.workspace_config import Config

__all__ = ["Queue", "messages_of"]

_LOG = logging.getLogger("jinpai.jobs")
QUEUE_FILE = "jobs.db"
_SCHEMA = "jinpai_queue"  # PostgreSQL's, so that backups of the store know nothing of it


class Queue:
    """The jobs of a workspace as those who ask for them see it."""

    def __init__(self, config: Config, store: Store) -> None:
        self.store = store
        self.huey, self._send = messages_of(config, store.url, lambda job_id: None)

    def ask(self, kind: Kind, args: Mapping[str, Any] | None = None, *, by: str) -> int:
        """Ask for a job; returns its number."""
        with self.store.write() as session:
            job_id = add_job(session, kind, args or {}, by=by).id
        self._wake(job_id)
        return job_id

    def retry(self, job_id: int, *, by: str) -> int:
        """Ask for the same once more; returns the new number (raises as `store.jobs.retry_job`)."""
        with self.store.write() as session:
            new_id = retry_job(session, job_id, by=by).id
        self._wake(new_id)
        return new_id

    def cancel(self, job_id: int, *, by: str) -> Job:
        """End a job (see `store.jobs.cancel_job`)."""
        with self.store.write() as session:
            return cancel_job(session, job_id, by=by)

    def remind(self) -> int:
        """Send a message for every job that waits and has none; returns how many."""
        sent = {int(task.args[0]) for task in self.huey.pending() if task.args}
        with self.store.read() as session:
            missing = [job_id for job_id in queued_ids(session) if job_id not in sent]
        for job_id in missing:
            self._send(job_id)
        return len(missing)

    def _wake(self, job_id: int) -> None:
        """Send the message of a job, which was asked for either way: `remind` sends it later."""
        try:
            self._send(job_id)
        except sqlite3.Error:
            _LOG.warning("the message of job %s waits for the next minute", job_id, exc_info=True)

    def close(self) -> None:
        """Close the connection to the messages; the next use opens one."""
        self.huey.storage.close()


def messages_of(
    config: Config, url: URL, work: Callable[[int], None]
) -> tuple[Huey, Callable[[int], Any]]:
    """Return the messages of a workspace, and what sends one; ``work`` does what one asks for."""
    made = _huey(config, url)

    @made.task()  # type: ignore[untyped-decorator]
    def job(job_id: int) -> None:
        work(job_id)

    return made, job


def _huey(config: Config, url: URL) -> Huey:
    plain = {"results": False, "serializer": _Json()}
    if url.get_backend_name() != "sqlite":
        return PostgresHuey("jinpai", connection=lambda: _connection(url), **plain)
    path = config.root / QUEUE_FILE
    _private(path)
    terms = {"filename": str(path), "fsync": True, "timeout": 30, "storage_class": _Storage}
    return SqliteHuey("jinpai", **terms, **plain)


def _private(path: Path) -> None:
    """Make the file readable to its owner alone, where there is none yet.

    One that is there stays closed: a process that closes a file gives up the locks of all its
    connections to it. The next program to close the file then takes itself for the last one and
    deletes the log of writes under those at work: "disk I/O error".
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


class _Storage(SqliteStorage):  # type: ignore[misc]
    """huey's, which opens the file anew after a failure; a broken connection stays broken."""

    @contextmanager
    def db(self, commit: bool = False, close: bool = False) -> Iterator[sqlite3.Cursor]:
        """Lend a cursor; a connection that failed is closed, and the next use opens another."""
        try:
            with super().db(commit, close) as cursor:
                yield cursor
        except sqlite3.DatabaseError:
            self.close()
            raise


def _connection(url: URL) -> Any:
    import psycopg

    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    made = psycopg.connect(dsn, autocommit=True)
    made.execute(f"create schema if not exists {_SCHEMA}")
    made.execute(f"set search_path = {_SCHEMA}")
    return made


class _Json(Serializer):  # type: ignore[misc]
    """Messages as JSON: what lies in a database is data, never code."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(list(data)).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(*json.loads(data))
