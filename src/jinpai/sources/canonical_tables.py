"""Names of the canonical tables and columns, for readers, which may not import the tables stage.

A test holds these names equal to ``tables.schema``.
"""

from __future__ import annotations

import re

__all__ = ["COLUMNS", "REQUIRED", "is_id", "is_prose", "table_of_name"]

# '!' marks a column without which a file of that table makes no sense. shop_id (the context's shop)
# and message_id (made by the tables stage) may always be absent.
_TABLES = {
    "shops": "name platform timezone currency",
    "agents": "agent_id! name person_id team role is_main active_from active_to",
    "buyers": "buyer_id! name phone birthday registered_at marketing_opt_out",
    "products": "product_id! title category attributes price",
    "messages": "message_id conversation_id buyer_id! agent_id sent_at! seq sender! is_auto kind"
    " text product_id",
    "transfers": "transfer_id! buyer_id from_agent_id to_agent_id at!",
    "orders": "order_id! buyer_id created_at! paid_at shipped_at finished_at closed_at"
    " payable_amount paid_amount item_count status flag note",
    "order_items": "order_id! sub_order_id! product_id title quantity amount",
    "refunds": "refund_id! order_id! sub_order_id opened_at! closed_at amount reason closed_by"
    " outcome disputed_at goods_returned",
    "complaints": "complaint_id! order_id! sub_order_id opened_at! stage cause",
    "reviews": "review_id! order_id! buyer_id posted_at! rating service_score text edited_at"
    " replied_at",
    "online_sessions": "agent_id! online_at! offline_at",
}
COLUMNS: dict[str, tuple[str, ...]] = {
    table: ("shop_id", *names.replace("!", "").split()) for table, names in _TABLES.items()
}
REQUIRED: dict[str, tuple[str, ...]] = {
    table: tuple(name[:-1] for name in names.split() if name.endswith("!"))
    for table, names in _TABLES.items()
}
_PROSE = frozenset({"text", "note", "title", "name", "reason", "attributes"})
_NAME = re.compile(rf"({'|'.join(sorted(COLUMNS, key=len, reverse=True))})(?:$|[-_. (\d].*)", re.I)


def is_id(column: str) -> bool:
    """Whether the column holds ids, whose digits must survive."""
    return column.endswith("_id")


def is_prose(column: str) -> bool:
    """Whether the column holds people's words, which are kept as they are."""
    return column in _PROSE


def table_of_name(name: str) -> str | None:
    """Return the table a file or sheet name stands for.

    >>> table_of_name("messages-2026-03"), table_of_name("Orders (1)"), table_of_name("ordering")
    ('messages', 'orders', None)
    """
    found = _NAME.fullmatch(name.strip())
    return found[1].lower() if found else None
