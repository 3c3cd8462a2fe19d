"""The canonical CSV files of a shop."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from .model import Shop

__all__ = ["COLUMNS", "write_canonical"]

COLUMNS: dict[str, str] = {
    "shops": "name platform timezone currency",
    "agents": "agent_id name person_id team role is_main active_from active_to",
    "buyers": "buyer_id name",
    "products": "product_id title",
    "messages": "message_id conversation_id buyer_id agent_id sent_at seq sender is_auto kind text"
    " product_id",
    "orders": "order_id buyer_id created_at paid_at closed_at payable_amount paid_amount item_count"
    " status flag",
    "order_items": "order_id sub_order_id product_id title quantity amount",
    "refunds": "refund_id order_id sub_order_id opened_at closed_at amount closed_by outcome"
    " disputed_at goods_returned",
    "complaints": "complaint_id order_id sub_order_id opened_at stage cause",
    "reviews": "review_id order_id buyer_id posted_at rating service_score edited_at replied_at",
    "online_sessions": "agent_id online_at offline_at",
}


def _cell(column: str, value: Any) -> str:
    """Return a value as the canonical CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if column == "at" or column.endswith("_at"):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def write_canonical(shop: Shop, folder: Path) -> list[Path]:
    """Write ``<table>.csv`` for the shop and every table with rows; return the paths.

    UTF-8; times ISO UTC with Z and microseconds, money with two decimals, booleans true/false,
    null empty.
    """
    zone = {"name": "Shop", "platform": "canonical", "timezone": shop.timezone, "currency": "CNY"}
    written = []
    for table, names in COLUMNS.items():
        rows = [zone] if table == "shops" else shop.rows(table)
        if not rows:
            continue
        columns = names.split()
        path = folder / f"{table}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["shop_id", *columns])
            for row in rows:
                cells = [_cell(column, row.get(column)) for column in columns]
                writer.writerow([shop.shop_id, *cells])
        written.append(path)
    return written
