"""Write a simulated shop as canonical CSV files named for the tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from jinpai.simulate.model import Row, World
from jinpai.tables.schema import TABLES

__all__ = ["people_rows", "write_canonical", "write_table"]

OFFSET = timedelta(hours=8)  # Asia/Shanghai, all year


def write_canonical(world: World, out: Path) -> dict[Path, int]:
    """Write every table that has rows; return rows per file.

    The files leave out shop_id, so that they load into any workspace as its shop. Times are UTC.
    """
    tables = people_rows(world) | world.tables
    return {
        path: len(tables[name])
        for name in TABLES
        if tables.get(name)
        for path in [write_table(out, name, tables[name])]
    }


def people_rows(world: World) -> dict[str, list[Row]]:
    """Return the tables that no event writes: shop, agents, buyers and goods."""
    shop = {
        "name": world.shop,
        "platform": "taobao",
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
    }
    agents: list[Row] = [
        {
            "agent_id": agent.agent_id,
            "name": agent.name,
            "person_id": f"w{number:03d}",
            "team": agent.team,
            "role": agent.role,
            "is_main": False,
            "active_from": str(world.start.date()),
        }
        for number, agent in enumerate(world.agents, start=1)
    ]
    buyers: list[Row] = [
        {"buyer_id": buyer.buyer_id, "name": buyer.buyer_id, "phone": buyer.phone}
        for buyer in world.buyers
        if buyer.kind == "buyer"
    ]
    products: list[Row] = [
        {
            "product_id": product.product_id,
            "title": product.title,
            "category": product.category,
            "attributes": json.dumps(product.attributes, ensure_ascii=False),
            "price": product.price,
        }
        for product in world.products
    ]
    return {"shops": [shop], "agents": agents, "buyers": buyers, "products": products}


def write_table(out: Path, name: str, rows: Iterable[Row]) -> Path:
    """Write ``<name>.csv`` with the table's columns, without shop_id."""
    path = out / f"{name}.csv"
    columns = [column.name for column in TABLES[name].columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(_cells(row, columns) for row in rows)
    return path


def _cells(row: Row, columns: Sequence[str]) -> list[str]:
    return [_text(row.get(column)) for column in columns]


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return (value - OFFSET).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
