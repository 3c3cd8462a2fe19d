"""Conversations written by hand, as rules carry them to show what they mean.

B 有货吗            the buyer writes; each line is 5 s after the one before
A +30 有的          the agent writes, 30 s after it
O +60               the buyer makes an order, 60 s after it; ``O +60 120`` is paid 120 s later
E +1000             nothing is known beyond 1000 s after it
T +20               the agent hands the buyer over
P p1 裙子 材质=棉    there is a product p1, of a category, with attributes; no time passes
B [p1] 有货吗        a message that shows it
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jinpai.quality.acts.scan import Scanner
from jinpai.quality.session import Message, Order, Product, Session, give_orders, with_acts

__all__ = ["session_of"]

_LINE = re.compile(r"([BAROETP])(?: \+(\d+))?(?: (.*))?", re.DOTALL)
_SHOWS = re.compile(r"\[(\w+)\] ?(.*)", re.DOTALL)
_STEP = 5
_ROLES = {"B": "buyer", "A": "agent", "R": "robot"}


def session_of(lines: Sequence[str], scanner: Scanner, role: str | None = None) -> Session:
    """Return the session some lines describe; raises ValueError for a line of no known form."""
    messages, orders, transfers, at = list[Message](), list[Order](), list[float](), 0.0
    products = dict[str, Product]()
    for place, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or (match[1] in (*_ROLES, "P") and match[3] is None):
            raise ValueError(f"line {place}, '{line}': write B, A, R, O, T, P or E first")
        if match[1] == "P":
            product = _product(match[3])
            products[product.product_id] = product
            continue
        at += int(match[2] or _STEP)
        if match[1] in _ROLES:
            text, shown = _shown(match[3], products)
            messages.append(Message(f"m{place}", _ROLES[match[1]], text, at, product=shown))
        elif match[1] == "O":
            orders.append(Order(f"o{place}", at, at + float(match[3]) if match[3] else None))
        elif match[1] == "T":
            transfers.append(at)
    known = tuple(with_acts(messages, scanner))
    session = Session("example", known, "agent", role, as_of=at, transfers=tuple(transfers))
    return give_orders([session], orders)[0]


def _product(text: str) -> Product:
    name, *rest = text.split()
    pairs = [part.partition("=") for part in rest]
    categories = [part for part, equals, _ in pairs if not equals]
    attributes = frozenset((key, value) for key, equals, value in pairs if equals)
    return Product(name, categories[0] if categories else None, attributes)


def _shown(text: str, products: Mapping[str, Product]) -> tuple[str, Product | None]:
    """Return a message's text and the product it shows."""
    match = _SHOWS.fullmatch(text)
    if match is None or match[1] not in products:
        return text, None
    return match[2], products[match[1]]
