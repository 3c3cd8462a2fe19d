"""Every metric of section 4 (but 4.4) at any grain, with its status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from .aftersales import (
    AFTER_SALES,
    after_sales_figures,
    after_sales_products,
    dispute_share,
    dispute_share_by_product,
)
from .conversations import agent_key
from .facts import Facts, facts, span
from .figures import Cell, Figure, product_figures, shop_figures, who_figures
from .loyalty import LOYALTY, history_from, loyalty_figures
from .model import RULES, Row, Shop, Value, latest

__all__ = [
    "FAMILIES", "METRICS", "PRESALES", "as_float", "day_key", "evaluate", "is_nothing", "maturity",
]  # fmt: skip

WHO_KEYS = {"agent": "agent_id", "team": "team", "product": "product_id"}
TIME_KEYS = ("day", "week", "month")

AS_SALES = (
    "sales_amount", "sales_orders", "sales_buyers", "sales_items", "shop_sales_amount",
    "shop_sales_orders", "silent_amount", "silent_orders", "excluded_amount", "excluded_orders",
    "amount_per_buyer", "amount_per_item", "items_per_buyer", "amount_per_buyer_ratio",
)  # fmt: skip
AS_INQUIRY = (
    "inquiry_buyers", "inquiry_order_buyers", "inquiry_paid_buyers", "inquiry_sales_amount",
    "inquiry_conversion_rate", "inquiry_order_rate", "aftersale_buyers", "followup_buyers",
    "assist_receptions", "assist_amount",
)  # fmt: skip
ONE_DAY = (
    "first_response_seconds", "avg_response_seconds", "avg_response_uncut_seconds",
    "first_response_duty_seconds", "avg_response_duty_seconds", "avg_response_all_seconds",
    "avg_response_capped_seconds", "within_180s_rate", "rounds", "unanswered_rounds",
    "slow_receptions",
)  # fmt: skip
AT_ONCE = (
    "consulted_buyers", "received_buyers", "filtered_buyers", "created_orders", "online_hours",
    "reply_rate", "answer_question_ratio", "max_concurrency",
)  # fmt: skip
OTHERS = ("net_sales_amount", "paid_orders", "payment_rate")
PRESALES = (*AS_SALES, *AS_INQUIRY, *ONE_DAY, *AT_ONCE, *OTHERS)
METRICS = (*PRESALES, *AFTER_SALES, *LOYALTY)
FAMILIES = ("presales", "aftersales", "loyalty", "disputes")


def maturity(shop: Shop, metric: str, rule: str) -> int:
    """Return the maturity of a metric in days; KeyError for an unknown metric."""
    payment = int(shop.setting("payment_days"))
    days = dict.fromkeys(AS_SALES, payment if rule == "order" else 1)
    days |= dict.fromkeys(AS_INQUIRY, int(shop.setting("inquiry_days")) + payment)
    days |= dict.fromkeys(ONE_DAY, 1) | dict.fromkeys(AT_ONCE, 0)
    days |= {"net_sales_amount": int(shop.setting("aftersale_days"))}
    days |= {"paid_orders": payment, "payment_rate": payment}
    days |= dict.fromkeys((*AFTER_SALES, "dispute_share", *LOYALTY), 0)
    days |= {"new_buyer_conversion_rate": days["inquiry_conversion_rate"]}
    reach = int(shop.setting("repurchase_days"))
    days |= {"new_buyer_repurchase_rate": reach, "new_buyer_retention_rate": 2 * reach}
    return days[metric]


def _status(cell: Cell, metric: str) -> str:
    found, days = cell.facts, cell.days
    ripe = days[-1] + timedelta(days=maturity(found.shop, metric, found.rule))
    if found.as_of < found.calendar.day_end(ripe):
        return "provisional"
    if metric in LOYALTY:
        known_from = history_from(found)
        if known_from is not None and known_from > days[0] - timedelta(days=len(days)):
            return "provisional"
    return "final"


def as_float(value: Value) -> float | None:
    """Return a value as the nearest float."""
    return None if value is None else float(value)


def is_nothing(row: Row) -> bool:
    """Tell whether a row may be left out: nothing was counted."""
    return not row.value and not row.numerator and not row.denominator


def day_key(day: date, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the cell of time a day belongs to, for keys among day, week and month.

    >>> day_key(date(2026, 3, 1), ("day", "week", "month"))
    ('2026-03-01', '2026-02-23', '2026-03')
    """
    names = {
        "day": day.isoformat(),
        "week": (day - timedelta(days=day.weekday())).isoformat(),
        "month": f"{day:%Y-%m}",
    }
    return tuple(names[key] for key in keys)


def _time_cells(
    days: list[date], grain: Sequence[str]
) -> list[tuple[dict[str, str | None], tuple[date, ...]]]:
    """Cut the days asked for into the cells of time of a grain."""
    keys = [key for key in TIME_KEYS if key in grain]
    cells: dict[tuple[str, ...], list[date]] = {}
    for day in days:
        cells.setdefault(day_key(day, keys), []).append(day)
    return [(dict(zip(keys, key, strict=True)), tuple(cells[key])) for key in cells]


def _who_cells(found: Facts, grain: Sequence[str]) -> list[tuple[dict[str, str | None], Cell]]:
    """Return whose cells a grain has, without days: those of the shop, of teams or of agents."""
    if "agent" in grain:
        cells = []
        for agent_id in found.accounts():
            key: dict[str, str | None] = {"agent_id": agent_id}
            if "team" in grain:
                key["team"] = found.shop.team_of(agent_id)
            cells.append((key, Cell(found, (), "agent", agent_id)))
        return cells
    if "team" in grain:
        teams = sorted({found.shop.team_of(a) for a in found.accounts()}, key=agent_key)
        return [({"team": team}, Cell(found, (), "team", team)) for team in teams]
    return [({}, Cell(found, (), "shop"))]


def _rows(cell: Cell, key: dict[str, Any], figures: dict[str, Figure]) -> list[Row]:
    found, made = cell.facts, []
    for metric, figure in figures.items():
        made.append(
            Row(
                found.shop.shop_id,
                dict(key),
                metric,
                found.rule,
                figure.value,
                figure.numerator,
                figure.denominator,
                _status(cell, metric),
            )
        )
    return made


def _who_rows(cell: Cell, key: dict[str, Any], families: Sequence[str]) -> list[Row]:
    """Return the rows of a cell of the shop, a team or an agent."""
    made = []
    if "presales" in families:
        made += _rows(cell, key, who_figures(cell))
        if cell.level == "shop":
            made += _rows(cell, key, shop_figures(cell))
    if "aftersales" in families:
        made += _rows(cell, key, after_sales_figures(cell))
    if "loyalty" in families:
        made += _rows(cell, key, loyalty_figures(cell))
    return made


def _product_rows(cell: Cell, key: dict[str, Any], families: Sequence[str]) -> list[Row]:
    """Return the rows of the products of a cell."""
    made = []
    for family, figures in (
        ("presales", product_figures),
        ("aftersales", after_sales_products),
    ):
        if family in families:
            for product_id, one in figures(cell).items():
                made += _rows(cell, {**key, "product_id": product_id}, one)
    return made


def _dispute_rows(cell: Cell, key: dict[str, Any], *, by_product: bool) -> list[Row]:
    """Return the shares of the stages and of the causes of complaints, each with its key."""
    made = []
    for column in ("stage", "cause"):
        if by_product:
            parts = [
                ({**key, "product_id": product_id}, slices)
                for product_id, slices in dispute_share_by_product(cell, column).items()
            ]
        else:
            parts = [(key, dispute_share(cell, column))]
        for part_key, slices in parts:
            total = sum(one.complaints for one in slices)
            for one in slices:
                figure = Figure(one.share, one.complaints, total)
                (row,) = _rows(cell, {**part_key, column: one.code}, {"dispute_share": figure})
                made.append(replace(row, cumulative=one.cumulative))
    return made


def _grain_rows(
    found: Facts, grain: Sequence[str], days: list[date], families: Sequence[str], trailing: int
) -> list[Row]:
    made, by_product = [], "product" in grain
    for time_key, some_days in _time_cells(days, grain):
        last = some_days[-1]
        some = tuple(span(last - timedelta(days=trailing - 1), last)) if trailing else some_days
        for who_key, bare in _who_cells(found, grain):
            cell, key = replace(bare, days=some), who_key | time_key
            rows = _product_rows if by_product else _who_rows
            made += rows(cell, key, families)
            if "disputes" in families:
                made += _dispute_rows(cell, key, by_product=by_product)
    return made


def evaluate(
    shop: Shop,
    *,
    as_of: int | None = None,
    grains: Sequence[tuple[str, ...]] = ((),),
    day_from: date | None = None,
    day_to: date | None = None,
    judge_rule: str | None = None,
    families: Sequence[str] = FAMILIES[:3],
    trailing: int = 0,
) -> list[Row]:
    """Return one row per cell and metric, cells with nothing included.

    Args:
        as_of: default the latest sent_at, created_at or paid_at of the shop.
        grains: each a subset of agent, team, product, day, week, month; () is the whole period.
        day_from, day_to: default the first and last local day of those times up to as_of.
        judge_rule: default the shop's setting.
        families: which of FAMILIES; "disputes" are the rows of dispute_share, with a key
            ``stage`` or ``cause``.
        trailing: each cell is the so many days that end with its last day; 0 is off.

    Raises:
        ValueError: for an unknown rule or grain.
    """
    rule = judge_rule or shop.setting("judge_rule")
    if rule not in RULES or {key for g in grains for key in g} - {*WHO_KEYS, *TIME_KEYS}:
        raise ValueError("unknown judge rule or grain")
    at = latest(shop) if as_of is None else as_of
    if at is None:
        return []
    found = facts(shop, at, rule)
    days = found.days()
    first = day_from or min(days, default=None)
    last = day_to or max(days, default=None)
    if first is None or last is None:
        return []
    return [
        row
        for grain in grains
        for row in _grain_rows(found, grain, span(first, last), families, trailing)
    ]
