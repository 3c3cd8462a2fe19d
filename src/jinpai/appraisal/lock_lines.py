"""The lines of locks in the audit log: every lock has one, whoever died before writing it.

A lock is a file, the log lies in the store, and no transaction holds both. So the file says who
made it, and its line is written from it: by whoever made it, else by whoever looks next.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from jinpai.errors import WorkspaceError
from jinpai.scoring.lock import lock_names, read_lock
from jinpai.store import Event, Store, log_event
from jinpai.store.events import log_alone

__all__ = ["log_locks"]

_KIND = "period.locked"
_UNKNOWN = "unknown"  # locks of early versions do not say who made them


def log_locks(root: Path, store: Store) -> list[str]:
    """Write the lines that locks lack, as of when they were made; return the locks' names.

    Many may ask at once: each line is written once. A lock that cannot be read is left out.
    Raises WorkspaceError when the store fails.
    """
    if not (names := lock_names(root)):
        return []
    with store.read() as session:
        missing = _without_line(session, names)
    if not missing:
        return []
    with store.write() as session:
        log_alone(session)
        missing = _without_line(session, missing)
        for name in missing:
            with suppress(WorkspaceError):
                _log(session, root, name)
    return missing


def _without_line(session: Session, names: Iterable[str]) -> list[str]:
    subjects = {f"lock:{name}": name for name in names}
    query = select(Event.subject).where(Event.kind == _KIND, Event.subject.in_(subjects))
    there = set(session.scalars(query))
    return [name for subject, name in subjects.items() if subject not in there]


def _log(session: Session, root: Path, name: str) -> None:
    lock = read_lock(root, name)
    log_event(
        session,
        actor=lock.get("locked_by", _UNKNOWN),
        kind=_KIND,
        subject=f"lock:{name}",
        after={"plan": lock["plan"]["name"], "from": lock["from"], "to": lock["to"]},
        at=datetime.fromisoformat(lock["locked_at"]),
    )
