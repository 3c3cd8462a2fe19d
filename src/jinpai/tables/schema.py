"""The canonical tables: typed columns, keys and checks, in one place.

The definitions are section 2 of the contract. Every table also has ``shop_id`` (part of every key)
and, for trace, ``source_file`` and ``source_row``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["REASONS", "TABLES", "Column", "Table", "table_columns"]

Kind = Literal["id", "text", "time", "date", "money", "int", "bool", "enum", "json"]


@dataclass(frozen=True)
class Column:
    """One typed column.

    Attributes:
        name: canonical name; ``*_at`` and ``at`` are UTC microseconds.
        kind: ``id`` is text whose digits must survive; ``time`` UTC microseconds; ``date`` a local
            calendar date; ``money`` DECIMAL(18,2) in the shop's currency, never negative;
            ``int`` BIGINT, never negative unless ``signed``; ``json`` text holding a JSON object.
        required: a row without it is rejected.
        values: the members of an enum.
        low, high: closed bounds of an int.
    """

    name: str
    kind: Kind
    required: bool = False
    values: tuple[str, ...] = ()
    low: int | None = 0
    high: int | None = None


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Attributes:
        key: the columns that, with ``shop_id``, name a row.
        own_time: the column that decides the month partition and whether the row exists at as_of.
        spans: pairs (start, end) of times whose end may not lie before its start.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    own_time: str | None = None
    spans: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> Column:
        """Return the column of that name (KeyError when there is none)."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


REASONS: dict[str, str] = {
    "missing_key": "a key column is empty",
    "missing_required": "a required column is empty",
    "unreadable_time": "the time cannot be read",
    "impossible_time": "the time does not exist or lies outside 1970-2100",
    "unreadable_number": "the number cannot be read",
    "unknown_value": "the value is not one of the column's values",
    "negative": "a negative amount, quantity or count",
    "paid_without_amount": "paid_at without paid_amount",
    "amount_without_paid": "a positive paid_amount without paid_at",
    "end_before_start": "an end before its start by more than clock_skew",
    "lost_digits": "an id that lost digits in a spreadsheet",
    "unreadable_json": "the text is not a JSON object",
    "unreadable_row": "the row cannot be read at all",
}

_ID = "id"
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "shops",
            (),
            (
                Column("name", "text"),
                Column("platform", "text"),
                Column("timezone", "text"),
                Column("currency", "text"),
            ),
        ),
        Table(
            "agents",
            ("agent_id",),
            (
                Column("agent_id", "id", required=True),
                Column("name", "text"),
                Column("person_id", "id"),
                Column("team", "text"),
                Column("role", "enum", values=("presale", "aftersale", "both")),
                Column("is_main", "bool"),
                Column("active_from", "date"),
                Column("active_to", "date"),
            ),
        ),
        Table(
            "buyers",
            ("buyer_id",),
            (
                Column("buyer_id", "id", required=True),
                Column("name", "text"),
                Column("phone", "text"),
                Column("birthday", "date"),
                Column("registered_at", "time"),
                Column("marketing_opt_out", "bool"),
            ),
        ),
        Table(
            "products",
            ("product_id",),
            (
                Column("product_id", "id", required=True),
                Column("title", "text"),
                Column("category", "text"),
                Column("attributes", "json"),
                Column("price", "money"),
            ),
        ),
        Table(
            "messages",
            ("message_id",),
            (
                Column("message_id", "id", required=True),
                Column("conversation_id", "id"),
                Column("buyer_id", "id", required=True),
                Column("agent_id", "id"),
                Column("sent_at", "time", required=True),
                Column("seq", "int", low=None),
                Column(
                    "sender", "enum", required=True, values=("buyer", "agent", "robot", "system")
                ),
                Column("is_auto", "bool"),
                Column("kind", "enum", values=("text", "image", "link", "card", "emoji", "other")),
                Column("text", "text"),
                Column("product_id", "id"),
            ),
            own_time="sent_at",
        ),
        Table(
            "transfers",
            ("transfer_id",),
            (
                Column("transfer_id", "id", required=True),
                Column("buyer_id", "id"),
                Column("from_agent_id", "id"),
                Column("to_agent_id", "id"),
                Column("at", "time", required=True),
            ),
            own_time="at",
        ),
        Table(
            "orders",
            ("order_id",),
            (
                Column("order_id", "id", required=True),
                Column("buyer_id", "id"),
                Column("created_at", "time", required=True),
                Column("paid_at", "time"),
                Column("shipped_at", "time"),
                Column("finished_at", "time"),
                Column("closed_at", "time"),
                Column("payable_amount", "money"),
                Column("paid_amount", "money"),
                Column("item_count", "int"),
                Column("status", "text"),
                Column("flag", "text"),
                Column("note", "text"),
            ),
            own_time="created_at",
            spans=(("created_at", "paid_at"),),
        ),
        Table(
            "order_items",
            ("sub_order_id",),
            (
                Column("order_id", "id", required=True),
                Column("sub_order_id", "id", required=True),
                Column("product_id", "id"),
                Column("title", "text"),
                Column("quantity", "int"),
                Column("amount", "money"),
            ),
        ),
        Table(
            "refunds",
            ("refund_id",),
            (
                Column("refund_id", "id", required=True),
                Column("order_id", "id", required=True),
                Column("sub_order_id", "id"),
                Column("opened_at", "time", required=True),
                Column("closed_at", "time"),
                Column("amount", "money"),
                Column("reason", "text"),
                Column("closed_by", "enum", values=("seller", "buyer", "platform")),
                Column("outcome", "enum", values=("refunded", "cancelled", "rejected")),
                Column("disputed_at", "time"),
                Column("goods_returned", "bool"),
            ),
            own_time="opened_at",
            spans=(("opened_at", "closed_at"),),
        ),
        Table(
            "complaints",
            ("complaint_id",),
            (
                Column("complaint_id", "id", required=True),
                Column("order_id", "id", required=True),
                Column("sub_order_id", "id"),
                Column("opened_at", "time", required=True),
                Column(
                    "stage",
                    "enum",
                    values=("reception", "answering", "ordering", "delivery", "aftersales"),
                ),
                Column(
                    "cause",
                    "enum",
                    values=("attitude", "packaging", "logistics", "size", "quality", "other"),
                ),
            ),
            own_time="opened_at",
        ),
        Table(
            "reviews",
            ("review_id",),
            (
                Column("review_id", "id", required=True),
                Column("order_id", "id", required=True),
                Column("buyer_id", "id"),
                Column("posted_at", "time", required=True),
                Column("rating", "enum", values=("good", "neutral", "bad")),
                Column("service_score", "int", low=1, high=5),
                Column("text", "text"),
                Column("edited_at", "time"),
                Column("replied_at", "time"),
            ),
            own_time="posted_at",
        ),
        Table(
            "online_sessions",
            ("agent_id", "online_at"),
            (
                Column("agent_id", "id", required=True),
                Column("online_at", "time", required=True),
                Column("offline_at", "time"),
            ),
            own_time="online_at",
            spans=(("online_at", "offline_at"),),
        ),
    )
}


def table_columns() -> dict[str, tuple[str, ...]]:
    """Return table name -> canonical column names (without the trace columns).

    >>> table_columns()["online_sessions"]
    ('shop_id', 'agent_id', 'online_at', 'offline_at')
    """
    return {
        name: ("shop_id", *(column.name for column in table.columns))
        for name, table in TABLES.items()
    }
