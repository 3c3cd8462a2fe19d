"""What the Taobao tests share: reading files as an import would, and what the story says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinpai.sources.base import Batch, Context, Note, Reject
from jinpai.sources.files import SourceFile, open_paths
from jinpai.sources.taobao import SOURCE

KEYS = {
    "orders": "order_id",
    "order_items": "sub_order_id",
    "products": "product_id",
    "buyers": "buyer_id",
    "refunds": "refund_id",
    "reviews": "review_id",
}
MONEY = {"payable_amount", "paid_amount", "amount", "price"}
STATUS = {
    "DONE": "finished",
    "CLOSED_REFUND": "closed_refunded",
    "CLOSED_UNPAID": "closed_unpaid",
    "WAIT_PAY": "unpaid",
    "WAIT_SHIP": "paid",
    "SHIPPED": "shipped",
}
CONTEXT = Context("shop", "Asia/Shanghai", {})
Table = dict[str, dict[str, Any]]


class Read:
    """All that a call of the reader yields, rows merged as the tables stage would."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.files: list[SourceFile] = open_paths(list(paths))
        self.items = list(SOURCE.read(self.files, CONTEXT))
        self.batches = [item for item in self.items if isinstance(item, Batch)]
        self.notes = [item for item in self.items if isinstance(item, Note)]
        self.rejects = [item for item in self.items if isinstance(item, Reject)]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [row for batch in self.batches if batch.table == table for row in _rows(batch)]

    def table(self, table: str) -> Table:
        merged: Table = {}
        for row in self.rows(table):
            merged.setdefault(str(row[KEYS[table]]), {}).update(row)
        return merged


def _rows(batch: Batch) -> list[dict[str, Any]]:
    assert batch.patch
    assert batch.timezone == "Asia/Shanghai"
    rows = batch.rows.drop_columns(["source_row", "raw"]).to_pylist()
    return [
        {k: Decimal(v) if k in MONEY and v is not None else v for k, v in row.items()}
        for row in rows
    ]


def write_csv(path: Path, header: str, *rows: Sequence[str], encoding: str = "gb18030") -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def write_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


# -- what the story says -------------------------------------------------------------------------


def story_orders(story: Mapping[str, Any], *, uid: bool = False) -> Table:
    buyers = {b["key"]: b["open_uid" if uid else "nick"] for b in story["buyers"]}
    return {o["ids"]["taobao"]: _story_order(o, buyers[o["buyer"]]) for o in story["orders"]}


def _story_order(order: Mapping[str, Any], buyer: str) -> dict[str, Any]:
    ended = order["ended_at"]
    return {
        "order_id": order["ids"]["taobao"],
        "buyer_id": buyer,
        "created_at": order["created"],
        "paid_at": order["paid_at"],
        "shipped_at": order["shipped_at"],
        "finished_at": ended if order["status"] == "DONE" else None,
        "closed_at": ended if order["status"].startswith("CLOSED") else None,
        "payable_amount": Decimal(order["payable"]),
        "paid_amount": Decimal(order["paid"]) if order["paid_at"] else None,
        "item_count": str(sum(line["qty"] for line in order["lines"])),
        "status": STATUS[order["status"]],
    }


def story_items(story: Mapping[str, Any]) -> Table:
    items = {item["key"]: item for item in story["items"]}
    found: Table = {}
    for order in story["orders"]:
        for line_id, line in zip(order["ids"]["taobao_sub"], order["lines"], strict=True):
            gross = Decimal(line["price"]) * line["qty"]
            # the story discounts only one-line orders, so the discount is that line's
            found[line_id] = {
                "order_id": order["ids"]["taobao"],
                "sub_order_id": line_id,
                "product_id": items[line["item"]]["id"],
                "title": items[line["item"]]["title"],
                "quantity": str(line["qty"]),
                "amount": gross - Decimal(order["discount"]),
            }
    return found


def story_refunds(story: Mapping[str, Any]) -> Table:
    orders = {order["key"]: order["ids"] for order in story["orders"]}
    outcome = {"退款成功": "refunded", "退款关闭": "cancelled"}
    found: Table = {}
    for place, told in enumerate(story["refunds"], 1):
        helped, state = told["platform_stepped_in"], outcome.get(told["status"])
        by = {None: None, "refunded": "seller", "cancelled": "buyer"}[state]
        found[f"15000000000000000{place}"] = {
            "refund_id": f"15000000000000000{place}",
            "order_id": orders[told["order"]]["taobao"],
            "sub_order_id": orders[told["order"]]["taobao_sub"][told["line"]],
            "opened_at": told["applied"],
            "closed_at": told["finished"],
            "amount": Decimal(told["amount"]),
            "reason": told["reason"],
            "outcome": state,
            "closed_by": "platform" if helped else by,
            "disputed_at": told["applied"] if helped else None,
            "goods_returned": "true" if told["type"] == "退货退款" else "false",
        }
    return found


def agree(rows: Table, truth: Table, *, lacking: Iterable[str] = ()) -> None:
    """Every row and every column of the truth is there, but for the columns the format lacks."""
    assert rows.keys() == truth.keys()
    for key, expected in truth.items():
        wanted = {name: value for name, value in expected.items() if name not in set(lacking)}
        assert {name: rows[key].get(name, "absent") for name in wanted} == wanted
