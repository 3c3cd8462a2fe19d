"""The people of a Chatwoot import: contacts become buyers, users become agents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["People"]

_SHOP_NAMES = ("buyer_id", "buyer_nick", "taobao_nick")


class People:
    """Contacts, users and whose conversation is whose, gathered over all files of one import.

    ``field`` names the contact field or custom attribute that holds the buyer's id; None means the
    usual ones (see the chatwoot module).
    """

    def __init__(self, field: str | None = None) -> None:
        self._field = field
        self._contacts: dict[str, tuple[str, dict[str, Any]]] = {}
        self._users: dict[str, tuple[str, str | None]] = {}
        self._contact_of: dict[str, str] = {}

    def add_contact(self, contact: object, source_file: str) -> str | None:
        """Remember a contact, laying news over what is known, and return its id."""
        if not isinstance(contact, Mapping) or contact.get("id") is None:
            return None
        identity = str(contact["id"])
        first_file, known = self._contacts.get(identity, (source_file, {}))
        news = {key: value for key, value in contact.items() if value not in (None, "", {})}
        self._contacts[identity] = (first_file, {**known, **news})
        return identity

    def add_user(self, user: object, source_file: str) -> None:
        """Remember a human account; bots are no agents."""
        if not isinstance(user, Mapping) or user.get("id") is None:
            return
        if str(user.get("type") or "user").lower() != "user":
            return
        identity = str(user["id"])
        first_file, name = self._users.get(identity, (source_file, None))
        self._users[identity] = (first_file, user.get("name") or user.get("available_name") or name)

    def give(self, conversation: str, contact_id: str | None, *, sure: bool) -> None:
        """Say whose conversation it is; what the conversation itself says is ``sure``."""
        if contact_id is not None and (sure or conversation not in self._contact_of):
            self._contact_of[conversation] = contact_id

    def buyer_of(self, conversation: str) -> str:
        """Return the conversation's buyer; a visitor nobody names is known by the conversation."""
        contact_id = self._contact_of.get(conversation)
        return f"conversation:{conversation}" if contact_id is None else self._buyer_id(contact_id)

    def agent_named(self, name: str) -> str | None:
        """Return the id of the one agent of that name; None when nobody or several are."""
        found = [identity for identity, (_, known) in self._users.items() if known == name]
        return found[0] if len(found) == 1 else None

    def agent_rows(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield (file, row of ``agents``)."""
        for identity, (source_file, name) in self._users.items():
            yield source_file, {"agent_id": identity, "name": name}

    def buyer_rows(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield (file, row of ``buyers``)."""
        for identity, (source_file, contact) in self._contacts.items():
            yield (
                source_file,
                {
                    "buyer_id": self._buyer_id(identity),
                    "name": contact.get("name"),
                    "phone": contact.get("phone_number"),
                },
            )

    def _buyer_id(self, contact_id: str) -> str:
        contact = self._contacts[contact_id][1]
        own = contact.get("custom_attributes")
        own = own if isinstance(own, Mapping) else {}
        if self._field is not None:
            value = own.get(self._field) or contact.get(self._field)
            return str(value) if value and self._field != "id" else f"contact:{contact_id}"
        for name in _SHOP_NAMES:
            if own.get(name):
                return str(own[name])
        return str(contact.get("identifier") or f"contact:{contact_id}")
