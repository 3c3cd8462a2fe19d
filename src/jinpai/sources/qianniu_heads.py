"""Find the lines of a chat text that begin a message, and tell them from bodies that look alike.

Nothing in these texts marks a header: ``晚风_012026-3-2 9:03:07`` may be a buyer, and
``下单时间2026-03-02 09:05:02`` what a buyer wrote. A header is believed when its account is the
shop's or comes back; an account seen once must also fit into the order of times.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from jinpai.sources.cells import parse_time_text
from jinpai.sources.chat_rows import moment
from jinpai.sources.qianniu_names import Accounts, account_of, split_account

__all__ = ["Head", "find_heads", "is_short", "is_table", "text_layout"]

_TIME = r"(?P<at>(?:19|20)\d\d[-/]\d{1,2}[-/]\d{1,2} +\d{1,2}:\d{2}:\d{2})"
_LOOSE = r"(?P<at>(?:19|20)\d\d[-/]\d{1,2}[-/]\d{1,2} +\d{1,2}:\d{2}(?::\d{2})?)"
_SHAPES = {
    "bracket": re.compile(rf"\[(?P<nick>[^\[\]]*)\]\s*{_LOOSE}\s*"),
    "legacy": re.compile(rf"(?!\s)(?P<nick>.*?)\s*[(（]{_LOOSE}[)）]\s*[:：]?\s*"),
    "one_line": re.compile(rf"(?P<nick>.*?)[ \t\u3000]*{_TIME}\s*"),
    "two_line": re.compile(rf"(?P<nick>){_TIME}\s*"),
}
_ANY_TIME = re.compile(r"\d{1,2}:\d{2}")
_HAND_OVER = re.compile(rf"(?P<from>\S.*?)\s*--+>\s*(?P<to>\S.*?)\s*{_TIME}\s*")
_NOT_IN_NICKS = re.compile(r"[，。？！；、,;?!\"“”…|\t<>{}]|https?:")
_LABEL = re.compile(r"(?:时间|日期|时刻|截止|截至|到|至|于|在|是|[:：])$")
_LONGEST = 300  # characters
_RUNNING = timedelta(minutes=10)


@dataclass
class Head:
    """A line that begins something.

    Attributes:
        line, body: index of the header's first line and of the line after the header.
        account: canonical account of the writer ("" when the text names none).
        at: ``YYYY-MM-DD HH:MM:SS``, or "" for notices without a time.
        kind: ``said``, ``hand_over`` (``account`` gives to ``to``) or ``notice``.
    """

    line: int
    body: int
    account: str
    at: str
    kind: Literal["said", "hand_over", "notice"] = "said"
    to: str = ""


@dataclass
class _Around:
    """What is known on both sides of a doubtful header.

    ``buyers`` are those before it, the last writer last; ``after`` and ``next_buyer`` are believed
    whatever becomes of the doubtful one.
    """

    before: Head | None
    after: Head | None
    buyers: dict[str, None]
    next_buyer: Head | None
    many_strangers: bool
    two_lines: bool


def is_table(lines: Sequence[str]) -> bool:
    """Whether the text is a delimited table under a header: its rows may end in a time too.

    >>> is_table(["tag,user_id,at", "vip,7,2026-03-02 09:05:02", "new,8,2026-03-02 09:05:03"])
    True
    """
    first = [line for line in lines if line.strip()][:6]
    if len(first) < 2 or _ANY_TIME.search(first[0]):
        return False
    return any(
        first[0].count(mark) and all(line.count(mark) == first[0].count(mark) for line in first)
        for mark in ",\t;|"
    )


def is_short(line: str) -> bool:
    """Whether a line may be a header or a notice: patterns take forever on a line without end."""
    return len(line) <= _LONGEST


def text_layout(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return the layout that explains most lines, and how many; None when none does.

    ``bracket``, ``legacy``, ``two_line`` or ``one_line``.
    """
    counts = {name: len(_candidates(lines, name)) for name in _SHAPES}
    best = max(counts, key=lambda name: counts[name])
    return (best, counts[best]) if counts[best] else None


def find_heads(lines: Sequence[str], layout: str, accounts: Accounts) -> list[Head]:
    """Return the believed headers of messages and hand-overs, in order."""
    candidates = _candidates(lines, layout)
    grades = _grades(candidates, layout, accounts)
    sure = [grades[head.account] == "sure" for head in candidates]
    next_sure = _next(candidates, sure)
    next_buyer = _next(
        candidates,
        [
            believed and bool(head.account) and not accounts.is_agent(head.account)
            for head, believed in zip(candidates, sure, strict=True)
        ],
    )
    many = sum(bool(name) and grade == "maybe" for name, grade in grades.items()) > 1
    accepted: list[Head] = []
    buyers: dict[str, None] = {}  # ordered: the one who wrote last is at the end
    for place, head in enumerate(candidates):
        last = accepted[-1] if accepted else None
        after, buyer_after = next_sure[place], next_buyer[place]
        around = _Around(last, after, buyers, buyer_after, many, layout == "two_line")
        if sure[place] or (
            grades[head.account] == "maybe"
            and _has_body(lines, head, around.after)
            and _in_order(around.before, head, around.after)
            and not _cuts_in(head, around)
        ):
            accepted.append(head)
            if head.account and not accounts.is_agent(head.account):
                buyers.pop(head.account, None)
                buyers[head.account] = None
    found = (_hand_over(number, line) for number, line in enumerate(lines))
    hand_overs = [hand_over for hand_over in found if hand_over]
    return sorted([*accepted, *hand_overs], key=lambda one: one.line)


def _next(candidates: Sequence[Head], wanted: Sequence[bool]) -> list[Head | None]:
    """Return, for every candidate, the next wanted one after it."""
    found: list[Head | None] = []
    upcoming: Head | None = None
    for candidate, is_wanted in zip(reversed(candidates), reversed(wanted), strict=True):
        found.append(upcoming)
        upcoming = candidate if is_wanted else upcoming
    return found[::-1]


def _candidates(lines: Sequence[str], layout: str) -> list[Head]:
    shape = _SHAPES[layout]
    heads: list[Head] = []
    for number, line in enumerate(lines):
        match = shape.fullmatch(line) if is_short(line) and "-->" not in line else None
        if match is None:
            continue
        if layout == "two_line":
            heads.append(_two_line_head(lines, number, match["at"], heads))
        elif match["nick"] or layout != "one_line" or _nameless(lines, number):
            heads.append(Head(number, number + 1, account_of(match["nick"]), _at(match["at"])))
    return heads


def _nameless(lines: Sequence[str], number: int) -> bool:
    """A bare time is a nameless header only if indented by the blank, or if nothing precedes."""
    return lines[number][:1].isspace() or not any(line.strip() for line in lines[:number])


def _two_line_head(lines: Sequence[str], number: int, at: str, heads: Sequence[Head]) -> Head:
    free = number > 0 and (not heads or heads[-1].body < number)
    nick = account_of(lines[number - 1]) if free else ""
    return Head(number - 1 if nick else number, number + 1, nick, _at(at))


def _at(text: str) -> str:
    return parse_time_text(text) or text


def _hand_over(number: int, line: str) -> Head | None:
    match = _HAND_OVER.fullmatch(line) if is_short(line) else None
    if match is None:
        return None
    giver, taker = account_of(match["from"]), account_of(match["to"])
    return Head(number, number + 1, giver, _at(match["at"]), "hand_over", taker)


def _grades(candidates: Sequence[Head], layout: str, accounts: Accounts) -> dict[str, str]:
    counts = Counter(head.account for head in candidates)
    shops = Counter(
        parts[0] for head in candidates if (parts := split_account(head.account)) is not None
    )
    own = accounts.shop_name or (shops.most_common(1)[0][0] if shops else "")
    explicit = layout in ("bracket", "legacy")
    return {name: _grade(name, count, own, explicit, accounts) for name, count in counts.items()}


def _grade(account: str, count: int, shop: str, explicit: bool, accounts: Accounts) -> str:
    """``sure``: a header. ``maybe``: a header if it fits into the order. ``no``: part of a body."""
    if not account:
        return "sure" if explicit else "maybe"
    parts = split_account(account)
    if account in accounts.agents or (parts and parts[0] == shop):
        return "sure"
    if len(account) > 40 or _NOT_IN_NICKS.search(account):
        return "no"
    if _LABEL.search(account) or re.search(r"\s", account):
        return "maybe" if count > 1 else "no"
    return "sure" if count > 1 or explicit else "maybe"


def _has_body(lines: Sequence[str], head: Head, after: Head | None) -> bool:
    end = after.line if after else len(lines)
    return any(lines[number].strip() for number in range(head.body, end))


def _in_order(before: Head | None, head: Head, after: Head | None) -> bool:
    now = moment(head.at)
    first = moment(before.at) if before else None
    last = moment(after.at) if after else None
    if now is None:
        return False
    late_enough, early_enough = first is None or first <= now, last is None or now <= last
    if first and last and last < first:  # another conversation, older, begins in between
        return late_enough or early_enough
    return late_enough and early_enough


def _cuts_in(head: Head, around: _Around) -> bool:
    """A stranger's single line inside the talk with one buyer is that buyer quoting a time.

    Unless there are several strangers: then the text holds many short talks. (On two lines even
    then, while the talk runs: any line above a bare time would make a stranger.)
    """
    if not around.buyers or around.before is None:
        return False
    now, then = moment(head.at), moment(around.before.at)
    running = now is not None and then is not None and now - then <= _RUNNING
    if around.next_buyer is None:
        return running and len(around.buyers) < 2 and not around.many_strangers
    same = next(reversed(around.buyers)) == around.next_buyer.account
    return same and (not around.many_strangers or (around.two_lines and running))
