"""The chat query page of the seller centre: time first, the words, the writer last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jinpai.sources.base import Reject
from jinpai.sources.cells import parse_time_text
from jinpai.sources.chat_rows import Event
from jinpai.sources.qianniu_bodies import Body, clean_body, set_content
from jinpai.sources.qianniu_names import Accounts, account_of, split_account

__all__ = ["CLOCK", "page_blocks", "page_events"]

CLOCK = re.compile(r"\s*(\d{1,2}:\d{2}:\d{2})\s*")
_DATE = re.compile(r"\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日)\s*")
_CUSTOMER = re.compile(r"\s*客户[:：]\s*(\S.{0,200})")
_PROSE = re.compile(r"[\s，。？！；、,;?!…]|https?:")


@dataclass
class _Block:
    """One message of the page: ``lines`` are its words and, last, who wrote them."""

    row: int
    clock: str
    day: str
    customer: str
    lines: list[str] = field(default_factory=list)


def page_blocks(lines: Sequence[str]) -> int:
    """Return how many messages the text would hold if it were a query page (0: it is none)."""
    dates = [number for number, line in enumerate(lines) if _DATE.fullmatch(line)]
    if not dates:
        return 0
    return sum(1 for line in lines[dates[0] :] if CLOCK.fullmatch(line))


def page_events(
    lines: Sequence[str], accounts: Accounts, source_file: str, day: str = ""
) -> Iterator[Event | Reject]:
    """Yield the messages of a query page.

    ``day`` is the date of lines above the first date line, if known. A time or date inside a
    message does not end it: a block is complete only when its last line names a writer.
    """
    writers = _writers(lines, accounts)
    for block in _blocks(lines, writers, day):
        filled = [line for line in block.lines if line.strip()]
        writer = account_of(filled[-1]) if filled else ""
        if writer not in writers:
            raw = "\n".join([block.clock, *block.lines])
            yield Reject("messages", source_file, block.row, "sender", "missing_required", raw)
        elif not block.day:
            raw = "\n".join([block.clock, *block.lines])
            yield Reject("messages", source_file, block.row, "sent_at", "unreadable_time", raw)
        else:
            yield _event(block, writer, accounts)


def _event(block: _Block, writer: str, accounts: Accounts) -> Event:
    at = f"{block.day} {block.clock}"
    event = Event(block.row, parse_time_text(at) or at, "buyer", writer)
    event.buyer = block.customer or None
    if accounts.is_agent(writer):
        event.side = "robot" if accounts.is_robot(writer) else "agent"
        event.agent = writer
    last = max(i for i, line in enumerate(block.lines) if line.strip())
    body = clean_body(block.lines[:last], by_agent=event.side != "buyer")
    set_content(event, Body(body.text, card=body.card))
    return event


def _writers(lines: Sequence[str], accounts: Accounts) -> frozenset[str]:
    """Accounts that end a message: customers, the shop's, what often stands before times."""
    customers = {account_of(match[1]) for line in lines if (match := _CUSTOMER.fullmatch(line))}
    before: Counter[str] = Counter()
    previous = ""
    for line in [*lines, "00:00:00"]:
        if not line.strip():
            continue
        if CLOCK.fullmatch(line) or _DATE.fullmatch(line) or _CUSTOMER.fullmatch(line):
            before[account_of(previous)] += 1
        previous = line
    often = {name for name, count in before.items() if count > 1 and not _PROSE.search(name)}
    single = {name for name in before if split_account(name) and not _PROSE.search(name)}
    lone = set() if customers or len(often) > 1 else {n for n in before if not _PROSE.search(n)}
    return frozenset(name for name in customers | often | single | lone | accounts.agents if name)


def _blocks(lines: Sequence[str], writers: frozenset[str], day: str) -> Iterator[_Block]:
    block: _Block | None = None
    customer = ""
    for row, line in enumerate(lines, 1):
        clock, date, named = (shape.fullmatch(line) for shape in (CLOCK, _DATE, _CUSTOMER))
        if not (clock or date or named) or (block and not _complete(block, writers)):
            if block:
                block.lines.append(line)
            continue
        if block:
            yield block
        block = None
        if named:
            customer = account_of(named[1])
        elif date:
            day = (parse_time_text(line) or line)[:10]
        elif clock:
            block = _Block(row, clock[1], day, customer)
    if block:
        yield block


def _complete(block: _Block, writers: frozenset[str]) -> bool:
    """A blank last line is a writer without a name: that block ends too, and is rejected."""
    filled = [line for line in block.lines if line.strip()]
    return bool(filled) and (account_of(filled[-1]) in writers or not block.lines[-1].strip())
