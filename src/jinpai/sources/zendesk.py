"""Zendesk: answers of its REST API, and its tables copied to CSV (Fivetran's names).

Rows: messages (public comments, live-chat messages), transfers (changes of assignee), buyers
(end-users), agents (agents and admins). Give tickets, comments and users in one import: a comment
names neither the buyer nor the role of its author.

- ``message_id`` is ``zd-<comment id>``. A ticket's first comment is its description and is always
  ``zd-ticket-<ticket id>``, so tickets read before their comments do not count it twice.
- ``buyer_id`` is the requester of the ticket for all its messages: ``external_id`` where the shop
  set one, else the user id. The reader option ``buyer_id`` names another user field (``name``).
- The requester is the buyer even if an agent by role; otherwise the role decides. Rules, triggers
  and bots are ``robot``, or the automatic messages of the agent they speak for. Internal comments
  are ``system``.
- Ticket metrics, metric events and satisfaction ratings are Zendesk's own figures, not loaded:
  a rating belongs to no order. Schedules become a note with the ``duty_hours`` that say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinpai.sources.base import Batch, Context, Note, Recognition, Reject
from jinpai.sources.files import SourceFile
from jinpai.sources.helpdesk import (
    fill_agents,
    in_order,
    line_batches,
    people_batches,
    transfer_batches,
)
from jinpai.sources.zendesk_chats import Chats
from jinpai.sources.zendesk_hours import schedule_notes
from jinpai.sources.zendesk_records import Store
from jinpai.sources.zendesk_tables import table_of

__all__ = ["SOURCE", "Zendesk"]

# What the head of each kind of answer must hold.
_ANSWERS: Sequence[tuple[str, str, tuple[str, ...]]] = (
    ("tickets", "工单", ("requester_id", "submitter_id")),
    ("comments", "工单回复", ("author_id", "public")),
    ("ticket audits", "工单审计", ("audits", "ticket_id")),
    ("users", "用户", ("users", "role")),
    ("user", "用户", ("role", "email", "ticket_restriction")),
    ("ticket metrics", "工单指标", ("ticket_metrics",)),
    ("ticket metric events", "工单指标事件", ("ticket_metric_events",)),
    ("satisfaction ratings", "满意度评价", ("satisfaction_ratings",)),
    ("schedules", "工作时间", ("intervals", "time_zone", "start_time")),
    ("holidays", "节假日", ("holidays", "start_date")),
)


class Zendesk:
    """Reader of Zendesk Support tickets."""

    name = "zendesk"
    title_zh = "Zendesk 工单系统"
    title_en = "Zendesk help desk"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Claim API answers by their field names and copied tables by their columns."""
        if file.kind in ("json", "jsonl"):
            return _recognise_json(file.head_text())
        for grid in file.grids(head=10):
            found = table_of(grid)
            if found is not None:
                table = found[0]
                return Recognition(
                    _sure(found[1].names), f"Zendesk table {table}", table, f"Zendesk 表 {table}"
                )
        return None

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield rows of all files together: one story is split over tickets, comments, users."""
        store = Store()
        for file in files:
            yield from store.add_file(file)
        chats = Chats(store, context)
        yield from people_batches("agents", chats.agent_rows())
        yield from people_batches("buyers", chats.buyer_rows())
        ordered = in_order(chats.lines())
        for chat in ordered.values():
            fill_agents(chat)
        yield from line_batches(line for chat in ordered.values() for line in chat)
        yield from transfer_batches(chats.transfers())
        yield from schedule_notes(store)
        yield from chats.notes()


def _sure(names: Sequence[str]) -> float:
    """A copier's own columns, or many columns, leave little doubt; two or three could be chance."""
    copied = any(name.startswith("_fivetran") for name in names)
    return 0.95 if copied or len(names) > 4 else 0.7


def _recognise_json(head: str) -> Recognition | None:
    keys = set(re.findall(r'"(\w+)"\s*:', head))
    for what, what_zh, needed in _ANSWERS:
        if keys.issuperset(needed):
            return Recognition(0.85, f"Zendesk {what} (JSON)", "json", f"Zendesk {what_zh}（JSON）")
    return None


SOURCE = Zendesk()
