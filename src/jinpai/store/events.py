"""The event log: who changed what, when, and what it was before. Rows are only ever added.

An event is written in the transaction of the change it tells of: both are there or neither. The
database itself refuses to change or delete one. Nothing that people said belongs in it (no chat
texts, no comments): those lie in the tables of their subject, where they can be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, select, text
from sqlalchemy.orm import Mapped, Session

from jinpai.store.base import Base, Key, now

__all__ = ["Event", "events_of", "log_alone", "log_event"]

_LOCK = 5_216_883_015  # ours among PostgreSQL's advisory locks


class Event(Base):
    """One change.

    Attributes:
        actor: the name of the person, or of the program, that made it.
        kind: what happened, ``subject.verb``: ``case.ruled``, ``user.disabled``.
        subject: what it happened to, ``table:key``: ``case:9f2c…``, ``user:3``.
        before, after: what changed, as JSON objects; null where there was, or is, nothing.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "subject", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]


def log_event(
    session: Session,
    *,
    actor: str,
    kind: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Add an event to the transaction of ``session`` (see `Event` for the arguments)."""
    session.add(
        Event(
            at=at or now(),
            actor=actor,
            kind=kind,
            subject=subject,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
        )
    )


def log_alone(session: Session) -> None:
    """Wait until no other transaction does this: who adds an event that lacks does not do it twice.

    It lasts as long as the transaction. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))


def events_of(
    session: Session, subject: str | None = None, *, limit: int = 1000, before_id: int | None = None
) -> list[Event]:
    """Return events, the newest first; of one subject, or of all; older than one event."""
    query = select(Event).order_by(Event.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(Event.subject == subject)
    if before_id is not None:
        query = query.where(Event.id < before_id)
    return list(session.scalars(query))
