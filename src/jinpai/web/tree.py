"""The sales identity as a tree: what the sales are made of, and what made their change."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.reports.changes import FACTOR_UNITS, money_tone
from jinpai.reports.model import Figures, Split
from jinpai.reports.tables import split_of
from jinpai.web.contexts import Page
from jinpai.web.figures import evidence_link
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["main_factor", "tree_table"]


def main_factor(split: Split) -> tuple[str, float]:
    """Return the word and the part of what made most of the change of sales."""
    parts = [*zip(FACTORS, split.parts.factors, strict=True)]
    parts.append(("factor_other", float(split.parts.residual)))
    return max(parts, key=lambda one: abs(one[1]))


def tree_table(page: Page, now: Figures, before: Figures, weekday: Figures, **cell: Any) -> Table:
    """Return the identity as a table, a line per part, indented by its depth."""
    w = page.w
    columns = [
        Column("part", w("tree_name"), is_fixed=True, is_sortable=False),
        Column("now", w("tree_now"), "money", is_sortable=False),
    ]
    sides = [("before", before, w("tree_before")), ("weekday", weekday, w("tree_weekday"))]
    splits = {name: split_of(now, other) for name, other, _ in sides if other}
    for name, other, head in sides:
        if other:
            columns.append(Column(name, head, "money", is_sortable=False))
            effect = w("tree_effect" if name == "before" else "tree_weekday_effect")
            columns.append(Column(f"{name}_effect", effect, "money", is_sortable=False))
    lines = _Lines(page, now, {name: other for name, other, _ in sides if other}, splits, cell)
    rows = lines.rows()
    return Table("tree", w("overview_tree"), columns, rows, Empty(""))


class _Lines:
    def __init__(
        self,
        page: Page,
        now: Figures,
        others: dict[str, Figures],
        splits: dict[str, Split],
        cell: dict[str, Any],
    ) -> None:
        self._page, self._now, self._others = page, now, others
        self._splits, self._cell = splits, cell

    def rows(self) -> list[Row]:
        w = self._page.w
        made: list[Row] = []
        depth = 0
        if "shop_sales_amount" in self._now:
            made.append(self._figure(0, "", "shop_sales_amount", w("shop_sales")))
            made += [
                self._figure(1, "＋" if place else "＝", code, w(word))
                for place, (code, word) in enumerate(_SHOP)
            ]
            depth = 1
        else:
            made.append(self._figure(0, "", "sales_amount", w("agent_sales")))
        tail = [self._figure(depth + 1, "＝", "inquiry_sales_amount", w("inquiry_sales"))]
        tail += [self._factor(depth + 2, place) for place in range(len(FACTORS))]
        tail.append(self._residual(depth + 1))
        at = 2 if depth else 1
        return [*made[:at], *tail, *made[at:]]

    def _name(self, depth: int, sign: str, name: str) -> Cell:
        return Cell(name, text=f"{_INDENT * depth}{sign}\N{NO-BREAK SPACE}{name}" if sign else name)

    def _figure(self, depth: int, sign: str, code: str, name: str) -> Row:
        row = self._now.get(code)
        made = {
            "part": self._name(depth, sign, name),
            "now": self._value(code, row, evidence_link(self._page, code, **self._cell)),
        }
        for side, figures in self._others.items():
            other = figures.get(code)
            made[side] = self._value(code, other, "")
            change = _minus(row and row.value, other and other.value)
            made[f"{side}_effect"] = self._effect(change)
        return made

    def _value(self, code: str, row: Any, href: str) -> Cell:
        if row is None:
            return Cell(None)
        early = row.status == "provisional"
        text = self._page.w.value(code, row.value)
        return Cell(row.value, text=text, href=href, is_provisional=early)

    def _effect(self, change: Any) -> Cell:
        if change is None:
            return Cell(None)
        text = self._page.w.amount(change, signed=True)
        return Cell(float(change), text=text, tone=money_tone(change))

    def _factor(self, depth: int, place: int) -> Row:
        code, w = FACTOR_UNITS[place], self._page.w
        metric, value = registry().metric(code), _factor_of(self._now, place)
        opens = "inquiry_sales_amount" if place == 2 else code
        href = evidence_link(self._page, opens, **self._cell)
        sign = "＝××"[place]
        made = {
            "part": self._name(depth, sign, w(FACTORS[place])),
            "now": Cell(_plain(value), text=w.in_unit(metric, value), href=href),
        }
        for side, figures in self._others.items():
            other = _factor_of(figures, place)
            made[side] = Cell(_plain(other), text=w.in_unit(metric, other))
            made[f"{side}_effect"] = self._effect(self._splits[side].parts.factors[place])
        return made

    def _residual(self, depth: int) -> Row:
        own = _residual_of(self._now)
        made = {
            "part": self._name(depth, "＋", self._page.w("residual")),
            "now": Cell(own, text=self._page.w.amount(own)),
        }
        for side, figures in self._others.items():
            other = _residual_of(figures)
            made[side] = Cell(other, text=self._page.w.amount(other))
            made[f"{side}_effect"] = self._effect(_minus(own, other))
        return made


_INDENT = "\u2003"
_SHOP = (
    ("sales_amount", "agent_sales"),
    ("silent_amount", "silent_sales"),
    ("excluded_amount", "excluded_sales"),
)


def _minus(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one - other


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def _residual_of(figures: Figures) -> Any:
    own, asked = (figures.get(code) for code in ("sales_amount", "inquiry_sales_amount"))
    return _minus(own and own.value, asked and asked.value)


def _factor_of(figures: Figures, place: int) -> Any:
    if place < 2:
        row = figures.get(FACTORS[place])
        return row and row.value
    amount, paid = (figures.get(f"inquiry_{name}") for name in ("sales_amount", "paid_buyers"))
    if amount is None or paid is None or not paid.value:
        return None
    return Fraction(amount.value or 0) / int(paid.value)
