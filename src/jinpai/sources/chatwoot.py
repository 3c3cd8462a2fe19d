"""Chatwoot: answers of its REST API, web-hook bodies, and its report files.

Rows: messages, transfers (from "Assigned to …" activities), buyers (contacts), agents (users).

- ``message_id`` is ``cw-<id>``; ``agent_id`` the id of the Chatwoot user. Users and contacts are
  counted apart, so contact 1 and user 1 are two people: a contact becomes ``contact:1``.
- ``buyer_id`` is the shop's own name of the contact where Chatwoot has it (custom attribute
  ``buyer_id``, ``buyer_nick`` or ``taobao_nick``, else ``identifier``), since that is what orders
  carry. The reader option ``buyer_id`` names another field or custom attribute.
- Bots, templates and automation without a human account are ``robot``; campaigns and automation
  under a human account are that agent's automatic messages. Activities, private notes and deleted
  messages are ``system``: they never open, close or interrupt anything.
- The reports (reporting events, agents, CSAT) are Chatwoot's own figures and are not loaded: ours
  come from the messages, and a chat's CSAT belongs to no order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jinpai.sources.base import Batch, Context, Note, Recognition, Reject
from jinpai.sources.chatwoot_people import People
from jinpai.sources.chatwoot_records import Found, collect
from jinpai.sources.files import SourceFile, find_header
from jinpai.sources.helpdesk import (
    ChatLine,
    Transfer,
    documents,
    fill_agents,
    in_order,
    instant,
    kind_of,
    line_batches,
    people_batches,
    transfer_batches,
)

__all__ = ["SOURCE", "Chatwoot"]

_MESSAGE_KEYS = re.compile(r'"(?:message_type|inbox_id|all_count|agent_last_seen_at)"\s*:')
_ENVELOPE = re.compile(r'"(?:payload|event|conversation_id|messages)"\s*:')
_AGENT_KEYS = re.compile(r'"(?:available_name|availability_status)"\s*:')
_REPORTS = {
    "reporting events": ("value_in_business_hours", "event_start_time", "event_end_time"),
    "agent report": ("Agent name", "Assigned conversations", "Resolution Count"),
    "agent report (zh)": ("客服名称", "分配的对话数量", "平均首次响应时间"),
    "CSAT report": ("Agent Name", "Rating", "Link to the conversation", "Recorded date"),
    "CSAT report (zh)": ("客服名称", "评分", "链接到会话", "录制日期"),
    "SLA report": ("Conversation ID", "SLA Policy", "Breached Events"),
}
_TYPES = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
_FILE_KINDS = {"image": "image", "fallback": "link"}
_CONTENT_KINDS = {"sticker": "emoji"} | dict.fromkeys(
    ("cards", "article", "form", "input_select", "input_email", "input_csat"), "card"
)
# The Chinese text of Chatwoot has the two names the other way round from what it seems to say:
# its first name is the new assignee.
_ASSIGNED = re.compile(r"Assigned to (?P<to>.+?)(?: via .+)? by .+|由 (?P<to_zh>.+?) 分配给 .+")
_SELF_ASSIGNED = re.compile(r"(?P<to>.+) self-assigned this conversation|(?P<to_zh>.+) 自行分配.*")


class Chatwoot:
    """Reader of Chatwoot 4.x."""

    name = "chatwoot"
    title_zh = "Chatwoot 客服系统"
    title_en = "Chatwoot help desk"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Claim API answers, web-hook bodies and report files by their field names."""
        if file.kind in ("json", "jsonl"):
            return _recognise_json(file.head_text())
        if file.kind == "text":
            return _recognise_report(file)
        return None

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield rows of all files together: contacts and agents may stand in another file."""
        found: list[Found] = []
        people = People(context.options.get("buyer_id"))
        for file in files:
            if file.kind == "text":
                yield _report_note(file)
                continue
            for entry in documents(file):
                if isinstance(entry, Reject):
                    yield entry
                else:
                    yield from collect(entry, file.name, found, people)
        yield from _batches(found, people)


def _batches(found: list[Found], people: People) -> Iterator[Batch]:
    chats = in_order(_line(one, people) for one in _newest(found))
    transfers: list[Transfer] = []
    for chat in chats.values():
        transfers += _transfers(chat, people)
        fill_agents(chat)
    yield from people_batches("agents", people.agent_rows())
    yield from people_batches("buyers", people.buyer_rows())
    yield from line_batches(line for chat in chats.values() for line in chat)
    yield from transfer_batches(transfers)


def _newest(found: list[Found]) -> list[Found]:
    """Return each message once: the fullest place wins (answer, web-hook, list), then the latest.

    Answers come first, so that equal seconds keep the order of their conversation.
    """
    chosen: dict[str, Found] = {}
    for place, one in enumerate(sorted(found, key=lambda one: -one.rank)):
        key = str(one.record["id"]) if one.record.get("id") is not None else f"#{place}"
        known = chosen.get(key)
        if known is None or known.rank == one.rank:
            chosen[key] = one
    return list(chosen.values())


def _line(one: Found, people: People) -> ChatLine:
    record = one.record
    sender, is_auto = _speaker(record)
    text = record.get("content")
    return ChatLine(
        message_id=None if record.get("id") is None else f"cw-{record['id']}",
        conversation=one.conversation,
        conversation_id=one.conversation_id,
        buyer_id=people.buyer_of(one.conversation),
        agent_id=_user_id(record) if sender == "agent" else None,
        sent=instant(record.get("created_at")),
        sender=sender,
        is_auto=is_auto,
        kind=_kind(record, text),
        text=None if text is None else str(text),
        source_file=one.source_file,
        source_row=one.source_row,
        is_event=_word(record) == "activity",
    )


def _speaker(record: dict[str, object]) -> tuple[str | None, bool]:
    """Return (sender, is_auto); None for a message type Chatwoot does not have."""
    word = _word(record)
    content, additional = (
        _object(record, "content_attributes"),
        _object(record, "additional_attributes"),
    )
    if word == "activity" or record.get("private") or content.get("deleted"):
        return "system", False
    if word == "incoming":
        return "buyer", False
    if word not in ("outgoing", "template"):
        return None, False
    automatic = bool(content.get("automation_rule_id") or additional.get("campaign_id"))
    if word == "outgoing" and _user_id(record) is not None:
        return "agent", automatic
    # Typed by a person in the channel's own app and echoed back without an account.
    if word == "outgoing" and content.get("external_echo"):
        return "agent", False
    return "robot", True


def _word(record: dict[str, object]) -> str:
    word = str(record.get("message_type"))
    return _TYPES.get(word, word)


def _object(record: dict[str, object], key: str) -> dict[str, object]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _user_id(record: dict[str, object]) -> str | None:
    """Return the id of the human account that sent an outgoing message (bots are none)."""
    sender = _object(record, "sender")
    kind = str(sender.get("type") or record.get("sender_type") or "user").lower()
    identity = sender.get("id", record.get("sender_id"))
    return str(identity) if identity is not None and kind == "user" else None


def _kind(record: dict[str, object], text: object) -> str:
    attachments = record.get("attachments")
    if isinstance(attachments, list) and attachments and isinstance(attachments[0], dict):
        return _FILE_KINDS.get(str(attachments[0].get("file_type")), "other")
    card = _CONTENT_KINDS.get(str(record.get("content_type")))
    return card or kind_of(str(text) if text is not None else None)


def _transfers(chat: Sequence[ChatLine], people: People) -> Iterator[Transfer]:
    """Yield hand-overs of one conversation: an assignment away from whoever had it before.

    Who had it: the assignee so far, else the first agent who wrote. A first assignment is none.
    """
    holder: str | None = None
    for line in chat:
        target = _assignee(line, people)
        if target is None:
            holder = line.agent_id if line.is_human and holder is None else holder
            continue
        if holder is not None and holder != target:
            yield Transfer(
                transfer_id=line.message_id or f"cw-{line.conversation}-{line.sent.text}",
                buyer_id=line.buyer_id,
                from_agent_id=holder,
                to_agent_id=target,
                at=line.sent.text,
                source_file=line.source_file,
                source_row=line.source_row,
            )
        holder = target


def _assignee(line: ChatLine, people: People) -> str | None:
    """Return the agent an activity assigns to; None for other lines, teams and unknown names."""
    if not line.is_event or not line.text:
        return None
    match = _ASSIGNED.fullmatch(line.text) or _SELF_ASSIGNED.fullmatch(line.text)
    return people.agent_named(match["to"] or match["to_zh"]) if match else None


def _recognise_json(head: str) -> Recognition | None:
    if _MESSAGE_KEYS.search(head) and _ENVELOPE.search(head):
        what = "Chatwoot conversations and messages (JSON)"
        return Recognition(0.9, what, "json", "Chatwoot 会话与消息（JSON）")
    if _AGENT_KEYS.search(head):
        return Recognition(0.7, "Chatwoot agents (JSON)", "json", "Chatwoot 客服（JSON）")
    return None


def _recognise_report(file: SourceFile) -> Recognition | None:
    for what, columns in _REPORTS.items():
        for grid in file.grids(head=10):
            if find_header(grid, columns, least=len(columns)):
                text = f"Chatwoot {what}, its own figures (not loaded)"
                return Recognition(0.9, text, what, "Chatwoot 自己的统计（不导入）")
    return None


def _report_note(file: SourceFile) -> Note:
    return Note(
        file.name,
        f"Chatwoot {file.layout}: its own summary, not loaded. Our figures come from the messages.",
        "这是 Chatwoot 自己的统计,不导入;本系统的指标由聊天消息直接计算。",
    )


SOURCE = Chatwoot()
