"""The rows behind a figure as a table: who, whom, when, what it adds, and where it opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.metrics.definition import Metric
from jinpai.web.contexts import Page
from jinpai.web.tables import Cell, Column, Row
from jinpai.web.words import Words

__all__ = ["evidence_columns", "evidence_rows"]

# What each fact's rows are told by, beside who, whom and when.
_TIMES = ("opened_at", "first_at", "happened_at", "started_at", "created_at", "latest_paid_at")
_DETAILS = (
    "kind", "status", "wait_us", "is_late", "messages", "buyer_messages", "human_messages",
    "has_order", "has_paid", "paid_amount", "units", "refunded_amount", "product_id", "amount",
    "event", "stage", "cause", "rating", "service_score", "outcome", "closed_by", "online_us",
    "concurrency", "orders", "purchases", "gap_days", "is_returning", "filter_reason",
)  # fmt: skip
_UNITS = {
    "paid_amount": "money",
    "refunded_amount": "money",
    "amount": "money",
    "wait_us": "seconds",
    "online_us": "hours",
}
_PER = {"wait_us": 1_000_000, "online_us": 3_600_000_000}


def evidence_columns(words: Words, found: Mapping[str, Any], metric: Metric) -> list[Column]:
    """Return the columns that the rows of this figure fill."""
    row = found["rows"][0] if found["rows"] else {}
    made = [Column("open", words("row_open"), is_fixed=True, is_sortable=False)]
    if found["arithmetic"].get("shop_numerator"):
        made.append(Column("side", words("row_side"), is_sortable=False))
    known = [("agent_id", "row_agent"), ("buyer_id", "row_buyer")]
    made += [Column(key, words(word), is_sortable=False) for key, word in known if key in row]
    if "day" in row or any(name in row for name in _TIMES):
        made.append(Column("time", words("row_time"), "time", is_sortable=False))
    if "order_id" in row:
        made.append(Column("order_id", words("row_order"), is_sortable=False))
    for role in ("numerator", "denominator"):
        if f"in_{role}" in row:
            made.append(Column(f"in_{role}", words(f"in_{role}"), is_sortable=False))
    for name in (name for name in _DETAILS if name in row):
        unit = _UNITS.get(name, "text")
        shown = name in ("wait_us", "paid_amount", "kind", "event", "amount")
        made.append(
            Column(name, _head(words, name), unit, is_shown=shown, is_sortable=False)
        )  # fmt: skip
    return made


def _head(words: Words, name: str) -> str:
    return words(f"field_{name}") if words.has(f"field_{name}") else name


def evidence_rows(page: Page, found: Mapping[str, Any], metric: Metric) -> Iterator[Row]:
    """Yield the rows of a figure; those of others' are named only to who may see them."""
    zone = ZoneInfo(page.filters.shop.timezone)
    for row in found["rows"]:
        yield _row(page, row, zone)


def _row(page: Page, row: Mapping[str, Any], zone: ZoneInfo) -> Row:
    w, agent = page.w, row.get("agent_id")
    is_seen = page.sight.sees_agent(agent)
    made = {
        "open": _open(page, row, is_seen),
        "side": Cell(row["role"], text=w(f"side_{row['role']}")),
        "agent_id": Cell(agent, text=page.sight.name(agent) or w("cell_unassigned")),
        "buyer_id": Cell(row.get("buyer_id")),
        "time": Cell(_when(row, zone)),
        "order_id": _order(page, row, is_seen),
    }
    if not is_seen:
        made["agent_id"] = made["buyer_id"] = Cell(None)
    for role in ("numerator", "denominator"):
        if f"in_{role}" in row:
            yes = bool(row[f"in_{role}"])
            made[f"in_{role}"] = Cell(yes, text=w("yes" if yes else "no"))
    for name in (name for name in _DETAILS if name in row):
        made[name] = _detail(page, name, row[name])
    return made


def _detail(page: Page, name: str, value: Any) -> Cell:
    if value is None:
        return Cell(None)
    if name in _PER:
        return Cell(value / _PER[name])
    if name in _UNITS:
        return Cell(float(value), text=page.w.amount(float(value)))
    if isinstance(value, bool):
        return Cell(value, text=page.w("yes" if value else "no"))
    word = f"{name}_{value}"
    return Cell(value, text=page.w(word) if page.w.has(word) else str(value))


def _when(row: Mapping[str, Any], zone: ZoneInfo) -> Any:
    for name in _TIMES:
        if row.get(name):
            at = datetime.fromisoformat(row[name])
            return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return row.get("day")


def _order(page: Page, row: Mapping[str, Any], is_seen: bool) -> Cell:
    order = row.get("order_id")
    if not order or not is_seen:
        return Cell(None)
    return Cell(order, href=page.url("order", order_id=order))


def _open(page: Page, row: Mapping[str, Any], is_seen: bool) -> Cell:
    """Where a row opens: the conversation of that day, else the order."""
    w = page.w
    order, buyer, day = row.get("order_id"), row.get("buyer_id"), row.get("day")
    if not is_seen:
        return Cell(None)
    if buyer and day and not order:
        talk = page.url(
            "conversation", buyer_id=buyer, agent=row.get("agent_id") or "", day=_day(day),
            at=row.get("opened_at") or row.get("started_at"),
        )  # fmt: skip
        return Cell("conversation", text=w("open_talk"), href=talk)
    order = order or row.get("latest_order_id")
    if order:
        return Cell("order", text=w("open_order"), href=page.url("order", order_id=order))
    return Cell(None)


def _day(day: Any) -> str:
    return day.isoformat() if isinstance(day, date) else str(day)
