"""Zendesk's objects in one shape, from answers of its API and from tables copied to CSV.

Nothing is judged here: who is a buyer and what is a message is decided in the zendesk module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinpai.sources.base import Note, Reject
from jinpai.sources.files import SourceFile, records
from jinpai.sources.helpdesk import Instant, documents, instant, raw_text
from jinpai.sources.zendesk_tables import TABLES, table_of

__all__ = ["Change", "Chat", "Comment", "Place", "Store", "Ticket", "User"]

_NUMBER = re.compile(r"\d+")
_LISTS = ("users", "tickets", "comments", "audits", "schedules", "holidays")
_SINGLE = ("user", "ticket", "schedule", "holiday")
_SUMMARIES = ("ticket_metrics", "ticket_metric_events", "satisfaction_ratings", "ticket_events")


@dataclass(frozen=True)
class Place:
    """Where a record stands."""

    file: str
    row: int


@dataclass(frozen=True)
class Ticket:
    """One ticket; its description is its first comment."""

    id: str
    requester: str | None
    submitter: str | None
    assignee: str | None
    created: Instant
    description: str | None
    via: str | None
    rel: str | None
    is_public: bool
    place: Place


@dataclass(frozen=True)
class Comment:
    """One comment, or one message of a live chat."""

    id: str | None
    ticket: str | None
    author: str | None
    text: str | None
    public: bool
    created: Instant
    via: str | None
    rel: str | None
    attachment: str | None
    place: Place


@dataclass(frozen=True)
class User:
    """One user: an end-user, agent or admin."""

    id: str
    role: str | None
    fields: Mapping[str, Any]
    place: Place


@dataclass(frozen=True)
class Change:
    """A ticket's assignee became ``new``; ``old`` is None where the source does not say."""

    id: str
    ticket: str
    old: str | None
    new: str | None
    at: Instant
    place: Place


@dataclass(frozen=True)
class Chat:
    """A live chat: the ticket and visitor its messages belong to."""

    ticket: str | None
    visitor: str | None


@dataclass
class Store:
    """Everything found in the files of one import; a later record of one id replaces the earlier.

    ``schedules`` and ``holidays`` keep (place, record) as they are.
    """

    tickets: dict[str, Ticket] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)
    chat_events: list[tuple[Place, dict[str, Any]]] = field(default_factory=list)
    schedules: list[tuple[Place, dict[str, Any]]] = field(default_factory=list)
    holidays: list[tuple[Place, dict[str, Any]]] = field(default_factory=list)

    def add_file(self, file: SourceFile) -> Iterator[Reject | Note]:
        """Take in one file; yields what it could not use (UnreadableFile when damaged)."""
        if file.kind in ("json", "jsonl"):
            for entry in documents(file):
                if isinstance(entry, Reject):
                    yield entry
                else:
                    yield from self._document(file, *entry)
        else:
            yield from self._grids(file)

    def _grids(self, file: SourceFile) -> Iterator[Reject | Note]:
        for grid in file.grids():
            found = table_of(grid)
            if found is None or found[0] not in TABLES:
                yield _not_loaded(file, found[0] if found else f"sheet {grid.sheet}")
                continue
            for row, record in records(grid, found[1]):
                yield from self._record(found[0], record, Place(file.name, row))

    def _document(self, file: SourceFile, row: int, document: Any) -> Iterator[Reject | Note]:
        if isinstance(document, list):
            for place, item in enumerate(document, start=1):
                yield from self._loose(item, Place(file.name, place))
            return
        if not isinstance(document, dict):
            yield from _refused(document, Place(file.name, row))
            return
        used = False
        for name in _LISTS:
            if isinstance(document.get(name), list):
                used = True
                for place, item in enumerate(document[name], start=1):
                    yield from self._listed(name, item, Place(file.name, place), file)
        for name in _SINGLE:
            if isinstance(document.get(name), dict):
                used = True
                yield from self._listed(f"{name}s", document[name], Place(file.name, row), file)
        for name in _SUMMARIES:
            if name in document:
                used = True
                yield _not_loaded(file, name)
        if not used:
            yield from self._loose(document, Place(file.name, row))

    def _listed(self, name: str, item: Any, place: Place, file: SourceFile) -> Iterator[Reject]:
        if not isinstance(item, dict):
            yield from _refused(item, place)
            return
        if name == "comments" and item.get("ticket_id") is None:
            # One call per ticket: the answer does not repeat the ticket, its file name may.
            numbers = _NUMBER.findall(file.stem)
            item = {**item, "ticket_id": numbers[0] if len(numbers) == 1 else None}
        yield from self._record(name.removesuffix("s"), item, place)

    def _loose(self, item: Any, place: Place) -> Iterator[Reject]:
        """Take a record that stands alone (JSON lines, bare lists), by its fields."""
        kinds = (
            ("ticket", ("requester_id", "submitter_id")),
            ("comment", ("author_id", "public")),
            ("user", ("role", "email")),
            ("audit", ("events", "ticket_id")),
        )
        for kind, names in kinds:
            if isinstance(item, dict) and all(name in item for name in names):
                yield from self._record(kind, item, place)
                return
        yield from _refused(item, place)

    def _record(self, kind: str, item: dict[str, Any], place: Place) -> Iterator[Reject]:
        if kind in ("ticket", "user") and item.get("id") is None:
            yield Reject(
                "messages" if kind == "ticket" else "buyers",
                place.file,
                place.row,
                "id",
                "missing_key",
                raw_text(item),
            )
        elif kind == "ticket":
            self.tickets[str(item["id"])] = _ticket(item, place)
        elif kind == "user":
            self.users[str(item["id"])] = User(str(item["id"]), _text(item, "role"), item, place)
        elif kind == "comment":
            self.comments.append(_comment(item, place))
        elif kind == "field_history":
            self._history(item, place)
        elif kind == "audit":
            self._audit(item, place)
        elif kind == "chat":
            self.chats[str(item["chat_id"])] = Chat(
                _text(item, "ticket_id"), _text(item, "user_id")
            )
        elif kind == "chat_event":
            self.chat_events.append((place, item))
        elif kind == "schedule":
            self.schedules.append((place, item))
        elif kind in ("holiday", "schedule_holiday"):
            self.holidays.append((place, item))

    def _history(self, item: dict[str, Any], place: Place) -> None:
        ticket, when = _text(item, "ticket_id"), instant(item.get("updated"))
        if item.get("field_name") == "assignee_id" and ticket is not None:
            value = _text(item, "value")
            self.changes.append(Change(f"{ticket}-{when.text}", ticket, None, value, when, place))

    def _audit(self, item: dict[str, Any], place: Place) -> None:
        ticket = _text(item, "ticket_id")
        events = item.get("events")
        for event in events if isinstance(events, list) and ticket is not None else ():
            if isinstance(event, dict) and event.get("field_name") == "assignee_id":
                old, new = _text(event, "previous_value"), _text(event, "value")
                when = instant(item.get("created_at"))
                self.changes.append(
                    Change(f"{event.get('id', ticket)}", str(ticket), old, new, when, place)
                )


def _ticket(item: Mapping[str, Any], place: Place) -> Ticket:
    via, rel = _via(item)
    return Ticket(
        id=str(item["id"]),
        requester=_text(item, "requester_id"),
        submitter=_text(item, "submitter_id"),
        assignee=_text(item, "assignee_id"),
        created=instant(item.get("created_at")),
        description=_text(item, "description"),
        via=via,
        rel=rel,
        is_public=_true(item.get("is_public")),
        place=place,
    )


def _comment(item: Mapping[str, Any], place: Place) -> Comment:
    via, rel = _via(item)
    return Comment(
        id=_text(item, "id"),
        ticket=_text(item, "ticket_id"),
        author=_text(item, "author_id", "user_id"),
        text=_text(item, "body", "plain_body"),
        public=_true(item.get("public")),
        created=instant(item.get("created_at") or item.get("created")),
        via=via,
        rel=rel,
        attachment=_attachment(item.get("attachments")) if not item.get("body") else None,
        place=place,
    )


def _via(item: Mapping[str, Any]) -> tuple[str | None, str | None]:
    via = item.get("via")
    if not isinstance(via, Mapping):
        return _text(item, "via_channel"), _text(item, "via_source_rel")
    source = via.get("source")
    rel = source.get("rel") if isinstance(source, Mapping) else None
    return _text(via, "channel"), None if rel is None else str(rel)


def _attachment(attachments: object) -> str | None:
    """Return the media type of the first attachment of a comment without words."""
    if isinstance(attachments, list) and attachments and isinstance(attachments[0], dict):
        return str(attachments[0].get("content_type") or "other")
    return None


def _text(item: Mapping[str, Any], *names: str) -> str | None:
    """Return the first of the fields that holds something."""
    for name in names:
        if item.get(name) not in (None, ""):
            return str(item[name])
    return None


def _true(value: object) -> bool:
    """Comments and tickets are public unless they say otherwise."""
    return str(value).strip().lower() not in ("false", "f", "0", "no")


def _refused(item: object, place: Place) -> Iterator[Reject]:
    yield Reject("messages", place.file, place.row, None, "unreadable_row", raw_text(item))


def _not_loaded(file: SourceFile, table: str) -> Note:
    return Note(
        file.name,
        f"Zendesk {table}: not loaded; it holds no messages, people or hand-overs.",
        f"Zendesk 表 {table}:没有消息、人员或转接,未导入。",
    )
