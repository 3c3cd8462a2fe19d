"""Products by what became of their orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from jinpai.metrics.query import MetricRow
from jinpai.reports.model import Product
from jinpai.reports.tables import PRODUCT_CODES

__all__ = ["ASKED", "events", "products"]

_EVENTS = ("refund_count", "complaint_count")
ASKED = (*PRODUCT_CODES, *_EVENTS)
"""Metrics to ask for."""


def products(rows: Iterable[MetricRow], titles: Mapping[str, str]) -> tuple[Product, ...]:
    """Return the products sold or complained of, most refunds and complaints first.

    Args:
        rows: figures by product.
        titles: product_id -> title, of those that have one.
    """
    cells: dict[str | None, dict[str, MetricRow]] = defaultdict(dict)
    for row in rows:
        cells[row.grain["product_id"]][row.metric] = row
    found = [Product(key, titles.get(key or "", key or ""), of) for key, of in cells.items()]
    return tuple(sorted(filter(_is_known, found), key=_place))


def events(product: Product) -> int:
    """Return the refunds and complaints of a product."""
    figures = product.figures
    return sum(int(figures[code].value or 0) for code in _EVENTS if code in figures)


def _is_known(product: Product) -> bool:
    return any(row.value or row.denominator for row in product.figures.values())


def _place(product: Product) -> tuple[int, str, str]:
    return -events(product), product.title, product.product_id or ""
