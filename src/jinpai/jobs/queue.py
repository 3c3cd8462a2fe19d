"""Asking for work: a row in the store, and a message that wakes the worker.

The messages are huey's: in ``jobs.db`` of the workspace, or in the store's PostgreSQL. They may be
lost or come twice without harm: `Queue.remind` sends them again for all rows that wait, and a row
is begun once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from huey import Huey, PostgresHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer
from sqlalchemy.engine import URL

from jinpai.store import Store
from jinpai.store.jobs import Job, Kind, add_job, cancel_job, queued_ids, retry_job
from jinpai.workspace_config import Config

__all__ = ["Queue", "messages_of"]

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
        self._send(job_id)
        return job_id

    def retry(self, job_id: int, *, by: str) -> int:
        """Ask for the same once more; returns the new number (raises as `store.jobs.retry_job`)."""
        with self.store.write() as session:
            new_id = retry_job(session, job_id, by=by).id
        self._send(new_id)
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

    def close(self) -> None:
        """Close the connection to the messages."""
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
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return SqliteHuey("jinpai", filename=str(path), fsync=True, timeout=30, **plain)


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
