"""The headline: what was sold, where it comes from, and what changed since the period before."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.changes import FACTOR_UNITS, change_of, money_tone, tone_of
from jinpai.reports.model import Figures, Report
from jinpai.reports.words import NONE, Words

__all__ = ["TILES", "Overview"]


class Overview:
    """The headline of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words

    def tiles(self) -> list[dict[str, Any]]:
        """Return the headline's figures."""
        w, shop = self._w, self._r.shop
        share = _share(shop["sales_amount"].value, shop["shop_sales_amount"].value)
        notes = {"sales_amount": w("share_of_shop", share=w.percent(share))}
        return [
            {
                "title": w("shop_sales") if code == "shop_sales_amount" else w.name(code),
                "row": shop[code],
                "text": w.short(shop[code].value)
                if registry().metric(code).unit == "money"
                else w.value(code, shop[code].value),
                "change": change_of(w, code, shop, self._r.previous),
                "tone": tone_of(code, shop, self._r.previous),
                "note": notes.get(code, ""),
            }
            for code in TILES
            if code in shop
        ]

    def said(self) -> str:
        """Say what made the change of inquiry sales; nothing without a period before."""
        split, w = self._r.split, self._w
        if split is None or not split.parts.difference:
            return ""
        place = max(range(len(FACTORS)), key=lambda n: abs(split.parts.factors[n]))
        key = "change_text_up" if split.parts.difference > 0 else "change_text_down"
        share = _share(split.parts.difference, split.other.amount)
        return w(
            key,
            amount=w.amount(abs(split.parts.difference)),
            share=w.percent(abs(share)) if share is not None else NONE,
            factor=w.inside(FACTORS[place]),
            part=w.amount(split.parts.factors[place], signed=True),
        )

    def tree(self) -> list[dict[str, Any]]:
        """Return the lines of the sales identity, from the agents' sales down to its factors."""
        shop, before = self._r.shop, self._r.previous
        lines = [
            self._tree_line(0, "", "sales_amount", self._w("agent_sales")),
            self._tree_line(1, "＝", "inquiry_sales_amount", self._w("inquiry_sales")),
        ]
        for place, factor in enumerate(FACTORS):
            lines.append(self._factor_line(place, factor))
        residual = [_residual(figures) for figures in (shop, before)]
        change = residual[0] - residual[1] if before else None
        lines.append(
            {
                "level": 1,
                "op": "＋",
                "title": self._w("residual"),
                "row": None,
                "now": self._w.amount(residual[0]),
                "before": self._w.amount(residual[1]) if before else NONE,
                "change": self._w.amount(change, signed=True),
                "tone": money_tone(change),
                "part": "",
                "part_tone": "",
            }
        )
        return lines

    def tree_numbers(self) -> list[tuple[Any, ...]]:
        """Return the same lines as numbers: title, value, value before, its part of the change."""
        w, shop, before, split = self._w, self._r.shop, self._r.previous, self._r.split
        names = (("agent_sales", "sales_amount"), ("inquiry_sales", "inquiry_sales_amount"))
        lines: list[tuple[Any, ...]] = [
            (w(key), shop[code].value, before[code].value if before else None, None)
            for key, code in names
        ]
        for place, factor in enumerate(FACTORS):
            other = split.other.factors[place] if split else None
            part = split.parts.factors[place] if split else None
            lines.append((w(factor), _factor(shop, place), other, part))
        left = _residual(before) if before else None
        return [*lines, (w("residual"), _residual(shop), left, None)]

    def _tree_line(self, level: int, op: str, code: str, title: str) -> dict[str, Any]:
        now, before = self._r.shop[code], self._r.previous.get(code)
        change = now.value - before.value if before else None  # type: ignore[operator]
        return {
            "level": level,
            "op": op,
            "title": title,
            "row": now,
            "now": self._w.value(code, now.value),
            "before": self._w.value(code, before.value) if before else NONE,
            "change": self._w.amount(change, signed=True),
            "tone": money_tone(change),
            "part": "",
            "part_tone": "",
        }

    def _factor_line(self, place: int, factor: str) -> dict[str, Any]:
        w, split = self._w, self._r.split
        own = _factor(self._r.shop, place)
        other = split.other.factors[place] if split else None
        metric = registry().metric(FACTOR_UNITS[place])
        part = split.parts.factors[place] if split else None
        return {
            "level": 2,
            "op": "＝××"[place],
            "title": w(factor),
            "row": None,
            "now": w.in_unit(metric, own),
            "before": w.in_unit(metric, other),
            "change": w.change(metric, own, other),
            "tone": money_tone(None if own is None or other is None else float(own) - float(other)),
            "part": w.amount(part, signed=True),
            "part_tone": money_tone(part),
        }

    def books(self) -> str:
        """Say that the shop's sales add up."""
        shop, amount = self._r.shop, self._w.amount
        return self._w(
            "reconcile",
            shop=amount(shop["shop_sales_amount"].value),
            agents=amount(shop["sales_amount"].value),
            silent=amount(shop["silent_amount"].value),
            excluded=amount(shop["excluded_amount"].value),
        )


TILES = (
    "shop_sales_amount",
    "sales_amount",
    "inquiry_conversion_rate",
    "amount_per_buyer",
    "first_response_seconds",
    "reply_rate",
)


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if part is not None and whole else None


def _residual(figures: Mapping[str, MetricRow]) -> Decimal:
    if not figures:
        return Decimal(0)
    parts = [figures[code].value for code in ("sales_amount", "inquiry_sales_amount")]
    return Decimal(parts[0] or 0) - Decimal(parts[1] or 0)


def _factor(figures: Figures, place: int) -> Any:
    if place < 2:
        return figures[FACTORS[place]].value
    amount, paid = (figures[f"inquiry_{name}"].value for name in ("sales_amount", "paid_buyers"))
    return Fraction(amount or 0) / int(paid) if paid else None
