"""Turn rows of Taobao's reports into canonical rows: orders, lines, refunds, reviews."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from jinpai.sources.cells import blank_to_none, parse_money_text, parse_phone_text, parse_time_text
from jinpai.sources.taobao_columns import COLUMNS, pick
from jinpai.sources.taobao_links import LineNamer, Links, Row, real_nick
from jinpai.sources.taobao_words import opinion, order_status, rating, refund_facts

__all__ = ["Cells", "carried", "converter", "review_id"]

Record = Mapping[str, str | None]
Found = Iterator[tuple[str, Row]]


class Cells:
    """One row of a report, read by field."""

    def __init__(self, layout: str, record: Record) -> None:
        self._names, self._record = COLUMNS[layout], record

    def text(self, name: str) -> str | None:
        """The trimmed cell, None when empty."""
        return blank_to_none(self.as_is(name))

    def as_is(self, name: str) -> str | None:
        """The cell with its inner and outer blanks."""
        return pick(self._record, self._names[name])

    def time(self, name: str) -> str | None:
        """The cell as a time."""
        return parse_time_text(self.as_is(name))

    def money(self, name: str) -> str | None:
        """The cell as yuan."""
        return parse_money_text(self.as_is(name))


def converter(layout: str, names: Collection[str], links: Links) -> Callable[[Cells], Found]:
    """Return the function that turns a row of this layout into (table, canonical row) pairs."""
    if layout == "orders":
        return lambda cells: _order(cells, links, has_paid_at="订单付款时间" in names)
    if layout == "refunds":
        return lambda cells: _refund(cells, links)
    if layout == "reviews":
        return lambda cells: _review(cells, links)
    namer = links.line_namer() if layout == "lines_old" else None
    return lambda cells: _line(cells, namer)


_CARRIES: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    # layout -> table -> canonical column -> the fields it needs, all of them
    "orders": {
        "orders": {
            "order_id": (),
            "buyer_id": (),
            "created_at": ("created_at",),
            "paid_at": ("paid_at",),
            "shipped_at": ("shipped_at",),
            "finished_at": ("finished_at",),
            "payable_amount": (),
            "paid_amount": ("paid", "paid_at"),
            "item_count": ("item_count",),
            "status": ("status",),
            "note": ("note",),
        },
        "buyers": {"buyer_id": (), "phone": ("phone",)},
    },
    "lines": {
        "order_items": {
            "order_id": (),
            "sub_order_id": (),
            "product_id": ("product_id",),
            "title": (),
            "quantity": (),
            "amount": (),
        },
        "products": {"product_id": (), "title": (), "price": ("price",)},
    },
    "refunds": {
        "refunds": {
            "refund_id": (),
            "order_id": (),
            "sub_order_id": (),
            "opened_at": ("opened_at",),
            "closed_at": ("ended_at",),
            "amount": ("amount",),
            "reason": ("reason",),
            "outcome": ("status",),
            "closed_by": ("status",),
            "disputed_at": ("help", "opened_at"),
            "goods_returned": (),
        }
    },
    "reviews": {
        "reviews": {
            "review_id": (),
            "order_id": (),
            "buyer_id": (),
            "posted_at": (),
            "rating": ("rating",),
            "text": (),
        }
    },
}
_CARRIES["lines_old"] = _CARRIES["lines"]


def carried(layout: str, names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return table -> the canonical columns that a report with this header can tell."""
    has = {field: any(name in names for name in known) for field, known in COLUMNS[layout].items()}
    has_return = "售后类型" in names or "是否需要退货" in names
    has_payable = has.get("payable") or has.get("goods")
    dropped = {"goods_returned": not has_return, "payable_amount": not has_payable}
    return {
        table: tuple(
            column
            for column, needs in columns.items()
            if all(has[need] for need in needs) and not dropped.get(column, False)
        )
        for table, columns in _CARRIES[layout].items()
    }


def _order(cells: Cells, links: Links, *, has_paid_at: bool) -> Found:
    order_id, paid_at, paid = cells.text("order_id"), cells.time("paid_at"), cells.money("paid")
    was_paid = paid_at is not None if has_paid_at else _looks_paid(cells, paid)
    status = order_status(cells.text("status"), was_paid=was_paid)
    nick = real_nick(cells.text("nick"))
    yield (
        "orders",
        {
            "order_id": order_id,
            "buyer_id": nick or links.nick_of_order.get(order_id or ""),
            "created_at": cells.time("created_at"),
            "paid_at": paid_at,
            "shipped_at": cells.time("shipped_at"),
            "finished_at": cells.time("finished_at"),
            "payable_amount": cells.money("payable") or _sum(cells, "goods", "postage"),
            "paid_amount": _paid_amount(paid, paid_at, status),
            "item_count": cells.text("item_count"),
            "status": status,
            "note": cells.as_is("note"),
        },
    )
    if nick is not None:
        yield "buyers", {"buyer_id": nick, "phone": parse_phone_text(cells.as_is("phone"))}


def _looks_paid(cells: Cells, paid: str | None) -> bool:
    # Reports of 2012 have no time of payment: the amount, then the closing reason, must do.
    amount = _number(paid)
    return bool(amount) or "退款" in (cells.text("close_reason") or "")


def _paid_amount(paid: str | None, paid_at: str | None, status: str | None) -> str | None:
    """An unpaid order has no paid amount, whether the file says 0.00, the sum due, or nothing.

    Only where the state claims payment does an amount without its time stand: the tables stage
    then rejects the row visibly.
    """
    if paid_at is not None:
        return paid
    nothing = status in {"unpaid", "closed_unpaid"} or not _number(paid, otherwise=Decimal(1))
    return None if paid is None or nothing else paid


def _line(cells: Cells, namer: LineNamer | None) -> Found:
    order_id, title, product_id = (
        cells.text("order_id"),
        cells.text("title"),
        cells.text("product_id"),
    )
    line_id = cells.text("line_id")
    if namer is not None and order_id is not None:
        line_id = namer.name(order_id, title)
    yield (
        "order_items",
        {
            "order_id": order_id,
            "sub_order_id": line_id,
            "product_id": product_id,
            "title": title,
            "quantity": cells.text("quantity"),
            "amount": _line_amount(cells),
        },
    )
    if product_id is not None:
        yield "products", {"product_id": product_id, "title": title, "price": cells.money("price")}


def _line_amount(cells: Cells) -> str | None:
    """What the line brought, else what is due for it, else price × quantity; never postage.

    An unpaid line shows 0 paid; what is due is its worth then, as in the open platform's answers.
    """
    paid, due = cells.money("paid"), cells.money("due")
    if paid is not None and (cells.time("paid_at") is not None or _number(paid)):
        return paid
    if due is not None:
        return due
    price, quantity = _number(cells.money("price")), _number(cells.text("quantity"))
    return paid if price is None or quantity is None else str(price * quantity)


def _refund(cells: Cells, links: Links) -> Found:
    named, opened_at = cells.text("line_id"), cells.time("opened_at")
    order_id, line_id, _ = links.of_refund(named) if named else (None, None, False)
    facts = refund_facts(
        cells.text("status"), cells.text("help"), opened_at, cells.time("ended_at")
    )
    yield (
        "refunds",
        {
            "refund_id": cells.text("refund_id"),
            "order_id": order_id,
            "sub_order_id": line_id,
            "opened_at": opened_at,
            "closed_at": facts.closed_at,
            "amount": cells.money("amount"),
            "reason": cells.text("reason"),
            "outcome": facts.outcome,
            "closed_by": facts.closed_by,
            "disputed_at": facts.disputed_at,
            "goods_returned": _goods_returned(cells),
        },
    )


def _goods_returned(cells: Cells) -> bool | None:
    asked, kind = cells.text("goods_returned"), cells.text("kind")
    if asked in {"是", "否"}:
        return asked == "是"
    return None if kind is None else kind == "退货退款"


def _review(cells: Cells, links: Links) -> Found:
    line_id, order_id = cells.text("line_id"), cells.text("order_id")
    if order_id is None and line_id is not None:
        order_id = links.order_of_line.get(line_id)
    nick, posted_at, text = cells.text("nick"), cells.time("posted_at"), cells.as_is("text")
    yield (
        "reviews",
        {
            "review_id": review_id(line_id, order_id or nick, posted_at, text),
            "order_id": order_id,
            "buyer_id": real_nick(nick),
            "posted_at": posted_at,
            "rating": rating(cells.text("rating")),
            "text": opinion(text),
        },
    )


def review_id(line_id: str | None, whose: str | None, at: str | None, text: str | None) -> str:
    """Return the line's id (a line has one review, however often it is edited), else a hash."""
    if line_id is not None:
        return line_id
    told = json.dumps([whose, at, text], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _number(text: str | None, otherwise: Decimal | None = None) -> Decimal | None:
    try:
        return otherwise if text is None else Decimal(text)
    except InvalidOperation:
        return otherwise


def _sum(cells: Cells, *fields: str) -> str | None:
    parts = [_number(cells.money(name)) for name in fields]
    known = [part for part in parts if part is not None]
    return str(sum(known)) if known and parts[0] is not None else None
