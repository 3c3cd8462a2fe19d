"""Find messages and people in any Chatwoot document: API answers, web-hooks, lists of either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinpai.sources.base import Reject
from jinpai.sources.chatwoot_people import People
from jinpai.sources.helpdesk import raw_text

__all__ = ["Found", "collect"]

_ANSWER, _HOOK, _LIST = 2, 1, 0


@dataclass(frozen=True)
class Found:
    """One message where it was found.

    ``rank`` orders the places of one message: the messages answer tells most and in order, a
    web-hook less, the "last message" of a conversation list least.
    """

    record: dict[str, Any]
    conversation: str
    conversation_id: str | None
    source_file: str
    source_row: int
    rank: int


def collect(
    entry: tuple[int, Any], source_file: str, found: list[Found], people: People
) -> Iterator[Reject]:
    """Add the messages and people of one document (row, JSON) to ``found`` and ``people``.

    Yields what is nothing Chatwoot sends as rejects.
    """
    row, document = entry
    sink = _Sink(source_file, found, people)
    items = _items(document)
    if items is None:
        yield from sink.take(row, document, None, _HOOK)
        return
    contact = _dict(_dict(document).get("meta")).get("contact")
    rank = _HOOK if isinstance(document, list) else _ANSWER
    for place, item in enumerate(items, start=1):
        yield from sink.take(place, item, contact, rank)


def _items(document: Any) -> list[Any] | None:
    """Return the listed items of an answer; None for a single body."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or "event" in document:
        return None
    data = document.get("data")
    payload = (data if isinstance(data, dict) else document).get("payload")
    return payload if isinstance(payload, list) else None


class _Sink:
    def __init__(self, source_file: str, found: list[Found], people: People) -> None:
        self.source_file, self.found, self.people = source_file, found, people

    def take(self, row: int, item: Any, contact: Any, rank: int) -> Iterator[Reject]:
        """Sort one item by what it is."""
        if not isinstance(item, dict):
            yield Reject("messages", self.source_file, row, None, "unreadable_row", raw_text(item))
        elif "message_type" in item:
            self._message(row, item, contact, rank)
        elif isinstance(item.get("messages"), list) or "sender" in _dict(item.get("meta")):
            self._conversation(item)
        elif "availability_status" in item or "available_name" in item:
            self.people.add_user(item, self.source_file)
        elif "phone_number" in item or "identifier" in item:
            self.people.add_contact(item, self.source_file)
        elif "event" not in item:  # other web-hook events carry nothing we store
            yield Reject("messages", self.source_file, row, None, "unreadable_row", raw_text(item))

    def _message(self, row: int, item: dict[str, Any], contact: Any, rank: int) -> None:
        body = _dict(item.get("conversation"))
        identity = item.get("conversation_id", body.get("id", body.get("display_id")))
        key = self.source_file if identity is None else str(identity)
        self._people_of(key, item, contact or _dict(body.get("meta")).get("sender"))
        self.found.append(
            Found(item, key, None if identity is None else key, self.source_file, row, rank)
        )

    def _people_of(self, key: str, item: dict[str, Any], contact: Any) -> None:
        self.people.give(key, self.people.add_contact(contact, self.source_file), sure=True)
        if str(item["message_type"]) in ("0", "incoming"):
            sender = self.people.add_contact(item.get("sender"), self.source_file)
            self.people.give(key, sender, sure=False)
        else:
            self.people.add_user(item.get("sender"), self.source_file)

    def _conversation(self, item: dict[str, Any]) -> None:
        meta = _dict(item.get("meta"))
        self.people.add_user(meta.get("assignee"), self.source_file)
        if item.get("id") is None:
            return
        contact = self.people.add_contact(meta.get("sender"), self.source_file)
        self.people.give(str(item["id"]), contact, sure=True)
        messages = item.get("messages")
        for row, message in enumerate(messages if isinstance(messages, list) else (), start=1):
            if isinstance(message, dict) and "message_type" in message:
                named = {"conversation_id": item["id"], **message}
                self._message(row, named, meta.get("sender"), _LIST)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
