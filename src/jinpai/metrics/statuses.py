"""Whether figures are final: nothing that can still happen belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.cells import TimeCell
from jinpai.metrics.definition import Metric
from jinpai.periods import day_end

__all__ = ["Statuses"]

# An excluded order is loaded too: what matters is how far back the data go.
_FIRST_ORDERS = "select shop_id, min(created_day) as first_day from judged_orders group by shop_id"


class Statuses:
    """Whether the figures of a cell are final, metric by metric; each cell is looked up once."""

    def __init__(self, engine: DuckEngine, metrics: Sequence[Metric], judge_rule: str) -> None:
        self._metrics, self._rule = metrics, judge_rule
        self._known: dict[tuple[str, date, date], list[str]] = {}
        self._first_orders = dict[str, date]()
        if any(metric.needs_history for metric in metrics):
            rows = engine.fetch("first orders", _FIRST_ORDERS).to_pylist()
            self._first_orders = {row["shop_id"]: row["first_day"] for row in rows}

    def of(self, cell: TimeCell) -> list[str]:
        """``final`` iff as_of >= the end of (last day + maturity), for each metric.

        Those that look back as many days as the cell has need the orders of those days too.
        """
        key = (cell.scope.shop_id, cell.first, cell.last)
        if key not in self._known:
            settings = cell.scope.settings
            days_of = [metric.maturity_days(settings, self._rule) for metric in self._metrics]
            final = {count: self._is_final(cell, count) for count in set(days_of)}
            first = self._first_orders.get(cell.scope.shop_id)
            is_short = first is not None and first > cell.first - timedelta(days=cell.length)
            self._known[key] = [
                "final" if final[count] and not (metric.needs_history and is_short)
                else "provisional"
                for metric, count in zip(self._metrics, days_of, strict=True)
            ]  # fmt: skip
        return self._known[key]

    @staticmethod
    def _is_final(cell: TimeCell, maturity: int) -> bool:
        scope, day = cell.scope, cell.last + timedelta(days=maturity)
        return scope.as_of_us >= day_end(day, scope.timezone, scope.settings.business_day_start)
