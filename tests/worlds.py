"""Bring a reference shop into an engine without the lake: the tests' short road to the line.

The long road (files, import, run, query through the command line) is tested in tests/test_line.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jinpai import attribution
from jinpai.conversations.inputs import RunShop
from jinpai.engine.duckdb import DuckEngine
from jinpai.line import make, put_views, shop_run
from jinpai.metrics.query import MetricRow, ShopScope, query, select_metrics
from jinpai.periods import day_of
from jinpai.settings import Settings
from jinpai.tables.schema import TABLES
from reference.model import Shop, latest, visible

ARROW = {
    "id": pa.string(),
    "text": pa.string(),
    "enum": pa.string(),
    "json": pa.string(),
    "time": pa.timestamp("us"),
    "date": pa.date32(),
    "money": pa.decimal128(18, 2),
    "int": pa.int64(),
    "bool": pa.bool_(),
}


def put_tables(engine: DuckEngine, shops: Sequence[Shop]) -> None:
    """Make the canonical tables of the shops as relations."""
    for table in TABLES.values():
        rows = [(shop.shop_id, row) for shop in shops for row in shop.rows(table.name)]
        arrays: dict[str, Any] = {"shop_id": pa.array([name for name, _ in rows], pa.string())}
        for column in table.columns:
            values = [row.get(column.name) for _, row in rows]
            arrays[column.name] = pa.array(values, ARROW[column.kind])
        engine.put(table.name, pa.table(arrays))


def run_shop(shop: Shop, as_of_us: int | None) -> RunShop:
    """Return a reference shop as a shop of a run."""
    seen = [
        row[name]
        for table, name in (
            ("messages", "sent_at"),
            ("orders", "created_at"),
            ("orders", "paid_at"),
        )
        for row in shop.rows(table)
        if row.get(name) is not None and (as_of_us is None or row[name] <= as_of_us)
    ]
    others = [
        row[table.own_time]
        for table in TABLES.values()
        if table.own_time
        for row in shop.rows(table.name)
        if row.get(table.own_time) is not None
    ]
    at_us = latest(shop) if as_of_us is None else as_of_us
    settings = Settings.of({"inspect": True} | dict(shop.settings))
    return RunShop(
        shop.shop_id, shop.timezone, settings, min(seen + others), at_us, min(seen), max(seen)
    )


def run_shops(engine: DuckEngine, runs: Sequence[RunShop]) -> None:
    """Run conversations and attribution in an engine that has the canonical tables."""
    make(engine, runs)
    put_views(engine, [shop_run(run) for run in runs])
    for name, sql in attribution.balance_checks().items():
        assert engine.fetch(name, sql).num_rows == 0, name


def scope(run: RunShop, first: date | None = None, last: date | None = None) -> ShopScope:
    """Return the query scope of a shop; default its first to its last day."""
    start = run.settings.business_day_start
    return ShopScope(
        run.shop_id,
        run.timezone,
        run.settings,
        run.as_of_us,
        first or day_of(run.first_event_us, run.timezone, start),
        last or day_of(run.last_us, run.timezone, start),
    )


def ask(
    engine: DuckEngine, scopes: Sequence[ShopScope], grain: Sequence[str], judge_rule: str
) -> list[MetricRow]:
    """Return all metrics that exist at the grain."""
    metrics = select_metrics(None, grain)
    return query(engine, scopes, metrics=metrics, grain=grain, judge_rule=judge_rule)


__all__ = ["ask", "put_tables", "run_shop", "run_shops", "scope", "visible"]
