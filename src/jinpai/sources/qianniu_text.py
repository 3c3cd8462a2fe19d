"""Copied chat texts: one-line and glued headers, two-line, bracket and old Wangwang layouts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinpai.sources.base import Reject
from jinpai.sources.chat_rows import Event
from jinpai.sources.qianniu_bodies import NOTICE, RECALL, clean_body, is_noise, set_content
from jinpai.sources.qianniu_heads import Head, find_heads, is_short
from jinpai.sources.qianniu_names import Accounts, account_of

__all__ = ["text_events"]

_SOURCE_OF_VISIT = ("当前用户来自", "商品推荐")
_SELF, _OTHER = frozenset({"你", "您"}), "对方"


def text_events(
    lines: Sequence[str], layout: str, accounts: Accounts, source_file: str
) -> Iterator[Event | Reject]:
    """Yield the messages, hand-overs and notices of a text, in its order.

    A recall or hand-over notice without a time gets the time of the line before it: the latest
    moment the text vouches for. What was recalled is not in the text and stays unknown.
    """
    heads = _with_notices(lines, find_heads(lines, layout, accounts), accounts)
    yield from _preamble(lines, heads, source_file)
    known_at, opens = next((head.at for head in heads if head.at), ""), True
    for place, head in enumerate(heads):
        end = heads[place + 1].line if place + 1 < len(heads) else len(lines)
        known_at = head.at or known_at
        below = lines[head.body : end]
        if head.kind == "said":
            item, visit = _said(head, below, layout, accounts, source_file)
            yield item
        else:
            yield _notice(head, lines, known_at)
            yield from _lost(below, head.body, source_file)
            item, visit = None, False
        if isinstance(item, Event):
            item.opens = opens
        opens = visit


def _with_notices(lines: Sequence[str], heads: list[Head], accounts: Accounts) -> list[Head]:
    speakers = {head.account for head in heads if head.account} | accounts.agents
    taken = {line for head in heads for line in range(head.line, head.body)}
    taken |= {head.body for head in heads if head.kind == "hand_over"}  # its own explanation
    notices: list[Head] = []
    for number, line in enumerate(lines):
        if number in taken or not is_short(line):
            continue
        recall = RECALL.fullmatch(line)
        who = account_of(recall["who"]) if recall else ""
        if recall and (who in speakers or accounts.is_agent(who) or who in {*_SELF, _OTHER}):
            notices.append(Head(number, number + 1, who, "", "notice"))
        elif NOTICE.fullmatch(line):
            notices.append(Head(number, number + 1, "", "", "notice"))
    return sorted([*heads, *notices], key=lambda head: head.line)


def _preamble(lines: Sequence[str], heads: Sequence[Head], source_file: str) -> Iterator[Reject]:
    top = lines[: heads[0].line] if heads else lines
    if not any(line.strip().startswith(_SOURCE_OF_VISIT) for line in top):
        yield from _lost(top, 0, source_file)


def _lost(lines: Sequence[str], first: int, source_file: str) -> Iterator[Reject]:
    """Lines that belong to no message are kept as rejects."""
    for number, line in enumerate(lines, first + 1):
        if line.strip() and not is_noise(line):
            yield Reject("messages", source_file, number, None, "unreadable_row", line)


def _said(
    head: Head, below: Sequence[str], layout: str, accounts: Accounts, source_file: str
) -> tuple[Event | Reject, bool]:
    by_agent = accounts.is_agent(head.account)
    body = clean_body(below, by_agent=by_agent, indented=layout == "legacy")
    if not head.account:
        raw = f"{head.at}\n{body.text or ''}"
        lost = Reject("messages", source_file, head.line + 1, "buyer_id", "missing_required", raw)
        return lost, body.visit
    event = Event(head.line + 1, head.at, "buyer", head.account)
    if by_agent:
        event.side = "robot" if accounts.is_robot(head.account) else "agent"
        event.agent = head.account
    set_content(event, body)
    return event, body.visit


def _notice(head: Head, lines: Sequence[str], known_at: str) -> Event:
    text = lines[head.line].strip()
    event = Event(head.line + 1, head.at or known_at, "system", text=text, kind="other")
    if head.kind == "hand_over":
        told = [line.strip() for line in lines[head.body : head.body + 1] if NOTICE.fullmatch(line)]
        event.text = told[0] if told else text
        event.agent, event.to_agent = head.account, head.to
    elif head.account and ":" in head.account:
        event.agent = head.account
    elif head.account and head.account not in {*_SELF, _OTHER}:
        event.buyer = head.account
    return event
