"""Conversations written by hand, as rules carry them to show what they mean.

B 有货吗            the buyer writes; each line is 5 s after the one before
A +30 有的          the agent writes, 30 s after it
O +60               the buyer makes an order, 60 s after it; ``O +60 120`` is paid 120 s later
E +1000             nothing is known beyond 1000 s after it
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinpai.quality.acts.scan import Scanner
from jinpai.quality.session import Message, Order, Session, give_orders, with_acts

__all__ = ["session_of"]

_LINE = re.compile(r"([BAROE])(?: \+(\d+))?(?: (.*))?", re.DOTALL)
_STEP = 5
_ROLES = {"B": "buyer", "A": "agent", "R": "robot"}


def session_of(lines: Sequence[str], scanner: Scanner, role: str | None = None) -> Session:
    """Return the session some lines describe; raises ValueError for a line of no known form."""
    messages, orders, at = list[Message](), list[Order](), 0.0
    for place, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or (match[1] in _ROLES and match[3] is None):
            raise ValueError(f"line {place}, '{line}': write B, A, R, O or E first")
        at += int(match[2] or _STEP)
        if match[1] in _ROLES:
            messages.append(Message(f"m{place}", _ROLES[match[1]], match[3], at))
        elif match[1] == "O":
            orders.append(Order(f"o{place}", at, at + float(match[3]) if match[3] else None))
    known = tuple(with_acts(messages, scanner))
    session = Session("example", known, "agent", role, as_of=at)
    return give_orders([session], orders)[0]
