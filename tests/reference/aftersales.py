"""The formulae of section 4.2, and of 4.5 for refunds, returns and complaints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from .figures import Cell, Figure, count, ratio
from .model import HOUR

__all__ = [
    "AFTER_SALES",
    "PRODUCT_AFTER_SALES",
    "Slice",
    "after_sales_figures",
    "after_sales_products",
    "dispute_share",
    "dispute_share_by_product",
]

Record = dict[str, Any]
DSR_DAYS = 180

PRODUCT_AFTER_SALES = (
    "refund_count", "refund_rate", "refund_dispute_rate", "refund_self_closed_rate",
    "refund_close_hours", "complaint_count", "complaint_rate", "return_count", "return_rate",
)  # fmt: skip
AFTER_SALES = (
    "dsr_service",
    *PRODUCT_AFTER_SALES,
    "bad_review_rate",
    "negative_review_rate",
)


@dataclass(frozen=True)
class Slice:
    """One class of complaints: how many of all, and the share of it and those before it."""

    code: str | None
    complaints: int
    share: Fraction
    cumulative: Fraction


def _follows(cell: Cell, table: str) -> list[Record]:
    """Return the rows of a table that follow an order into the cell, whatever their times.

    Rows of an excluded order do not exist. At shop grain every other row is the shop's; at team
    and agent grain it is of the agent credited with the order, if anybody is.
    """
    facts = cell.facts
    live = {order["order_id"] for order in facts.live}
    excluded = {order["order_id"] for order in facts.shop.rows("orders")} - live
    owner = {paid.order_id: paid.agent_id for paid in facts.paid}
    return [
        row
        for row in facts.shop.rows(table)
        if row["order_id"] not in excluded
        and (cell.level == "shop" or cell.credited_to(owner.get(row["order_id"])))
    ]


def _in_cell(cell: Cell, rows: Iterable[Record], column: str) -> list[Record]:
    """Return the rows whose time in a column is on a day of the cell."""
    first, last = cell.days[0], cell.days[-1]
    return [
        row
        for row in rows
        if row.get(column) is not None and first <= cell.facts.calendar.day_of(row[column]) <= last
    ]


def _complained_of(complaint: Record) -> tuple[str, str]:
    """Return the sub-order, else the order, else the complaint itself."""
    for column in ("sub_order_id", "order_id", "complaint_id"):
        if complaint.get(column) is not None:
            return column, complaint[column]
    raise KeyError("complaint_id")


def _order_figures(
    cell: Cell, refunds: list[Record], complaints: list[Record], orders_paid: int
) -> dict[str, Figure]:
    """Return the metrics of PRODUCT_AFTER_SALES of some refunds and complaints."""
    opened = _in_cell(cell, refunds, "opened_at")
    closed = _in_cell(cell, refunds, "closed_at")
    by_seller = [refund for refund in closed if refund.get("closed_by") == "seller"]
    disputed = _in_cell(cell, refunds, "disputed_at")
    returned = [refund for refund in opened if refund.get("goods_returned")]
    things = {_complained_of(one) for one in _in_cell(cell, complaints, "opened_at")}
    lasted = sum(refund["closed_at"] - refund["opened_at"] for refund in by_seller)
    return {
        "refund_count": count(len(opened)),
        "refund_rate": ratio(len(opened), orders_paid),
        "refund_dispute_rate": ratio(len(disputed), orders_paid),
        "refund_self_closed_rate": ratio(len(by_seller), len(closed)),
        "refund_close_hours": ratio(Fraction(lasted, HOUR), len(by_seller)),
        "complaint_count": count(len(things)),
        "complaint_rate": ratio(len(things), orders_paid),
        "return_count": count(len(returned)),
        "return_rate": ratio(len(returned), orders_paid),
    }


def _paid_in_cell(cell: Cell) -> list[str]:
    """Return the orders paid in the cell: all of the shop's, or those credited to whom it is."""
    return [
        paid.order_id
        for paid in cell.facts.paid
        if cell.days[0] <= paid.day <= cell.days[-1]
        and (cell.level == "shop" or cell.credited_to(paid.agent_id))
    ]


def after_sales_figures(cell: Cell) -> dict[str, Figure]:
    """Return the metrics of section 4.2 but dispute_share."""
    everything = _follows(cell, "reviews")
    half_year = Cell(
        cell.facts,
        tuple(cell.days[-1] - timedelta(days=n) for n in reversed(range(DSR_DAYS))),
        cell.level,
        cell.who,
    )
    scores = [
        review["service_score"]
        for review in _in_cell(half_year, everything, "posted_at")
        if review.get("service_score") is not None
    ]
    ratings = [
        review["rating"]
        for review in _in_cell(cell, everything, "posted_at")
        if review.get("rating") is not None
    ]
    bad, neutral = ratings.count("bad"), ratings.count("neutral")
    return {
        "dsr_service": ratio(sum(scores), len(scores)),
        **_order_figures(
            cell, _follows(cell, "refunds"), _follows(cell, "complaints"), len(_paid_in_cell(cell))
        ),
        "bad_review_rate": ratio(bad, len(ratings)),
        "negative_review_rate": ratio(bad + neutral, len(ratings)),
    }


def _known_items(cell: Cell) -> list[Record]:
    """Return the items, those of orders that are not loaded too; an excluded order has none."""
    facts = cell.facts
    gone = {o["order_id"] for o in facts.shop.rows("orders")} - set(facts.items)
    return [item for item in facts.shop.rows("order_items") if item["order_id"] not in gone]


def after_sales_products(cell: Cell) -> dict[str | None, dict[str, Figure]]:
    """Return product -> the metrics that follow the sub-order, of every product there is."""
    items = cell.facts.items
    product = {item["sub_order_id"]: item.get("product_id") for item in _known_items(cell)}
    sold: dict[str | None, set[str]] = {name: set() for name in (None, *product.values())}
    for order_id in _paid_in_cell(cell):
        for name in {item.get("product_id") for item in items[order_id]} or {None}:
            sold[name].add(order_id)
    refunds, complaints = _follows(cell, "refunds"), _follows(cell, "complaints")
    return {
        name: _order_figures(
            cell,
            [row for row in refunds if product.get(row.get("sub_order_id")) == name],
            [row for row in complaints if product.get(row.get("sub_order_id")) == name],
            len(orders),
        )
        for name, orders in sold.items()
    }


def _shares(complaints: list[Record], column: str) -> list[Slice]:
    codes = [complaint.get(column) for complaint in complaints]
    order = sorted(set(codes), key=lambda code: (-codes.count(code), code is None, code or ""))
    found, so_far = [], 0
    for code in order:
        so_far += codes.count(code)
        found.append(
            Slice(
                code,
                codes.count(code),
                Fraction(codes.count(code), len(codes)),
                Fraction(so_far, len(codes)),
            )
        )
    return found


def dispute_share(cell: Cell, column: str) -> list[Slice]:
    """Return the complaints of the cell by ``stage`` or ``cause``: most first, ties by code.

    The empty class is after the others it ties with.
    """
    return _shares(_in_cell(cell, _follows(cell, "complaints"), "opened_at"), column)


def dispute_share_by_product(cell: Cell, column: str) -> dict[str | None, list[Slice]]:
    """Return product -> the same of the complaints that follow a sub-order to it."""
    product = {item["sub_order_id"]: item.get("product_id") for item in _known_items(cell)}
    by_product: dict[str | None, list[Record]] = {}
    for complaint in _in_cell(cell, _follows(cell, "complaints"), "opened_at"):
        by_product.setdefault(product.get(complaint.get("sub_order_id")), []).append(complaint)
    return {name: _shares(complaints, column) for name, complaints in by_product.items()}
