"""Who says what in Zendesk tickets: records become chat lines, people and hand-overs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinpai.sources.base import Context, Note
from jinpai.sources.helpdesk import ChatLine, Instant, Transfer, instant, kind_of
from jinpai.sources.zendesk_records import Change, Comment, Place, Store, Ticket, User

__all__ = ["Chats"]

_TEAM = frozenset({"agent", "admin"})
_RULES = frozenset({"rule", "system", "trigger", "automation", "answer_bot"})
_SYSTEM_USERS = frozenset({"-1", "0"})


class Chats:
    """The canonical view of a store."""

    def __init__(self, store: Store, context: Context) -> None:
        self.store = store
        self.field = context.options.get("buyer_id")
        self.known_agents = context.agent_ids
        self.requesters = self._requesters()
        self.strangers: set[str] = set()

    def _requesters(self) -> dict[str, str]:
        """Ticket -> its buyer's user; without the ticket the first end-user who wrote in it."""
        found = {t.id: t.requester for t in self.store.tickets.values() if t.requester}
        for comment in self.store.comments:
            if comment.ticket and comment.author and self._role(comment.author) == "end-user":
                found.setdefault(comment.ticket, comment.author)
        for chat in self.store.chats.values():
            if chat.ticket and chat.visitor:
                found.setdefault(chat.ticket, chat.visitor)
        return found

    # -- people ------------------------------------------------------------------------------------

    def agent_rows(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield (file, row of ``agents``)."""
        for user in self.store.users.values():
            if user.role in _TEAM:
                yield user.place.file, {"agent_id": user.id, "name": user.fields.get("name")}

    def buyer_rows(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield (file, row of ``buyers``)."""
        for user in self.store.users.values():
            if user.role not in _TEAM:
                fields = user.fields
                row = {"name": fields.get("name"), "phone": fields.get("phone")}
                yield user.place.file, {"buyer_id": self._buyer(user.id), **row}

    def _buyer(self, user_id: str | None) -> str | None:
        user = self.store.users.get(user_id) if user_id else None
        if user is None or self.field == "id":
            return user_id
        value = user.fields.get(self.field or "external_id")
        return str(value) if value not in (None, "") else user_id

    def _role(self, user_id: str) -> str | None:
        user: User | None = self.store.users.get(user_id)
        return user.role if user else None

    # -- messages ----------------------------------------------------------------------------------

    def lines(self) -> Iterator[ChatLine]:
        """Yield every comment, the descriptions of tickets without any, and live-chat messages."""
        firsts = self._first_comments()
        for comment in self._newest():
            yield self._line(comment, firsts.get(id(comment)))
        commented = {comment.ticket for comment in self.store.comments}
        for ticket in self.store.tickets.values():
            if ticket.id not in commented and ticket.description:
                yield self._line(_description(ticket), f"zd-ticket-{ticket.id}")
        for place, event in self.store.chat_events:
            if event.get("type") in (None, "ChatMessage") and not _is_history(event):
                yield self._chat_line(place, event)

    def _newest(self) -> list[Comment]:
        """Return each comment once, the latest version in the place of the first."""
        chosen: dict[object, Comment] = {}
        for comment in self.store.comments:
            chosen[comment.id or id(comment)] = comment
        return list(chosen.values())

    def _first_comments(self) -> dict[int, str]:
        """Identity of the comments that are their ticket's description -> message id."""
        first: dict[str, Comment] = {}
        for comment in self._newest():
            ticket, at = comment.ticket, comment.created.at
            if ticket is None or ticket not in self.store.tickets or at is None:
                continue
            known = first.get(ticket)
            if known is None or known.created.at is None or at < known.created.at:
                first[ticket] = comment
        return {
            id(comment): f"zd-ticket-{ticket}"
            for ticket, comment in first.items()
            if _is_description(comment, self.store.tickets[ticket])
        }

    def _line(self, comment: Comment, message_id: str | None) -> ChatLine:
        sender, is_auto = self._speaker(comment)
        ticket = comment.ticket
        image = (comment.attachment or "").startswith("image/")
        other = "image" if image else "other"
        return ChatLine(
            message_id=message_id or (f"zd-{comment.id}" if comment.id else None),
            conversation=ticket or f"{comment.place.file}#{comment.place.row}",
            conversation_id=ticket,
            buyer_id=self._buyer(self.requesters.get(ticket or "")),
            agent_id=comment.author if sender == "agent" else None,
            sent=comment.created,
            sender=sender,
            is_auto=is_auto,
            kind=other if comment.attachment else kind_of(comment.text),
            text=comment.text,
            source_file=comment.place.file,
            source_row=comment.place.row,
        )

    def _speaker(self, comment: Comment) -> tuple[str | None, bool]:
        """Return (sender, is_auto); None when nothing tells the author's side."""
        if not comment.public:
            return "system", False
        author, ticket = comment.author, self.store.tickets.get(comment.ticket or "")
        side = None if author is None else self._side(author, comment.ticket or "", ticket)
        automatic = comment.via in _RULES or comment.rel in _RULES
        if side == "agent":
            return "agent", automatic
        if automatic or author in _SYSTEM_USERS:
            return "robot", True
        if side is None and author is not None:
            self.strangers.add(author)
        return side, False

    def _side(self, author: str, ticket_id: str, ticket: Ticket | None) -> str | None:
        role = self._role(author)
        if author == self.requesters.get(ticket_id) or role == "end-user":
            return "buyer"
        if role in _TEAM or author in self.known_agents:
            return "agent"
        # Who opens or holds somebody else's ticket works here.
        return "agent" if ticket and author in (ticket.assignee, ticket.submitter) else None

    def _chat_line(self, place: Place, event: dict[str, Any]) -> ChatLine:
        chat_id = str(event.get("chat_id"))
        chat = self.store.chats.get(chat_id)
        ticket = chat.ticket if chat else None
        visitor = self.requesters.get(ticket or "") or (chat.visitor if chat else None)
        when = instant(event.get("created_at"))
        sender, agent, is_auto = self._actor(event, visitor)
        text = event.get("message")
        return ChatLine(
            message_id=f"zd-chat-{chat_id}-{event.get('message_id') or when.text}",
            conversation=ticket or f"chat:{chat_id}",
            conversation_id=ticket or chat_id,
            buyer_id=self._buyer(visitor),
            agent_id=agent,
            sent=when,
            sender=sender,
            is_auto=is_auto,
            kind="other" if event.get("filename") else kind_of(text),
            text=text,
            source_file=place.file,
            source_row=place.row,
        )

    def _actor(
        self, event: dict[str, Any], visitor: str | None
    ) -> tuple[str | None, str | None, bool]:
        """Return (sender, agent, is_auto) of a live-chat event."""
        actor = str(event.get("actor_id") or "")
        prefix, _, number = actor.rpartition(":")
        if prefix == "agent" and number:
            return "agent", number, False
        if not number or actor.startswith("__"):
            return "robot", None, True
        role = self._role(number)
        if role in _TEAM:
            return "agent", number, False
        return ("buyer" if role or number == visitor else None), None, False

    # -- hand-overs and notes ----------------------------------------------------------------------

    def transfers(self) -> Iterator[Transfer]:
        """Yield changes of assignee from one agent to another; a first assignment is none."""
        holder: dict[str, str | None] = {}
        for change in sorted(self.store.changes, key=_moment):
            old = change.old or holder.get(change.ticket)
            holder[change.ticket] = change.new
            if old and change.new and old != change.new:
                yield Transfer(
                    transfer_id=f"zd-{change.id}",
                    buyer_id=self._buyer(self.requesters.get(change.ticket)),
                    from_agent_id=old,
                    to_agent_id=change.new,
                    at=change.at.text,
                    source_file=change.place.file,
                    source_row=change.place.row,
                )

    def notes(self) -> Iterator[Note]:
        """Yield a note when authors are unknown; call after ``lines``."""
        if self.strangers:
            some = ", ".join(sorted(self.strangers)[:5])
            place = next(c.place for c in self.store.comments if c.author in self.strangers)
            yield Note(
                place.file,
                f"{len(self.strangers)} authors are in no users file ({some}); nothing tells "
                "whether they are buyers or agents. Give tickets, comments and users together.",
                f"有 {len(self.strangers)} 个作者不在用户表中({some}),无法判断是买家还是客服。"
                "请将工单、评论和用户文件一起导入。",
            )


def _description(ticket: Ticket) -> Comment:
    return Comment(
        id=None,
        ticket=ticket.id,
        author=ticket.submitter or ticket.requester,
        text=ticket.description,
        public=ticket.is_public,
        created=ticket.created,
        via=ticket.via,
        rel=ticket.rel,
        attachment=None,
        place=ticket.place,
    )


def _is_description(comment: Comment, ticket: Ticket) -> bool:
    text = (comment.text or "").strip()
    same = bool(text) and text == (ticket.description or "").strip()
    return same or comment.created.at == ticket.created.at


def _is_history(event: dict[str, Any]) -> bool:
    return str(event.get("is_history_context")).lower() == "true"


def _moment(change: Change) -> tuple[bool, float]:
    at: Instant = change.at
    return at.at is None, at.at.timestamp() if at.at else 0.0
