"""Every figure on random shops against the independent reference implementation.

Shops are asked together, one engine for a batch: the line must keep them apart anyway.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.cohorts import cohorts
from jinpai.metrics.query import MetricRow, ShopScope, query, select_metrics
from reference.aftersales import AFTER_SALES
from reference.facts import Facts, facts
from reference.long_shops import random_days, random_long_shop
from reference.loyalty import LOYALTY
from reference.loyalty import cohorts as reference_cohorts
from reference.metrics import FAMILIES, Row, as_float, evaluate, is_nothing
from reference.model import RULES, Shop, latest
from reference.shops import random_as_of, random_shop
from worlds import ask, put_tables, run_shop, run_shops, scope

Grain = tuple[str, ...]
GRAINS: tuple[Grain, ...] = (
    (),
    ("agent",),
    ("team",),
    ("day",),
    ("team", "agent", "day"),
    ("team", "month"),
    ("product",),
    ("agent", "product", "day"),
)
LONG_GRAINS: tuple[Grain, ...] = (
    (),
    ("agent",),
    ("agent", "month"),
    ("team", "week"),
    ("day",),
    ("product", "month"),
    ("team", "product"),
)
CLASSES: tuple[Grain, ...] = ((), ("agent", "month"), ("product",))


@dataclass(frozen=True)
class Case:
    """A shop, the as_of it is seen at, and the days asked for (None: all of them)."""

    shop: Shop
    as_of: int | None
    days: tuple[date, date] | None = None


def thinned(rng: random.Random, shop: Shop) -> Shop:
    """Return the shop without a tenth of its rows, so that things refer to what is not there."""
    tables = {
        name: [row for row in rows if rng.random() > 0.1] for name, rows in shop.tables.items()
    }
    return replace(shop, tables=tables)


def short_case(seed: int) -> Case:
    rng = random.Random(seed)
    shop = replace(random_shop(rng), shop_id=f"s{seed}")
    return Case(thinned(rng, shop) if seed % 4 == 0 else shop, random_as_of(rng, shop))


def long_case(seed: int) -> Case:
    rng = random.Random(seed)
    shop = replace(random_long_shop(rng), shop_id=f"s{seed}")
    days = random_days(rng, shop) if rng.random() < 0.7 else None
    return Case(shop, random_as_of(rng, shop), days)


def key(row: MetricRow | Row) -> tuple[Any, ...]:
    grain = tuple(sorted((name, None if v is None else str(v)) for name, v in row.grain.items()))
    return (row.shop_id, row.metric, grain)


def same(ours: Any, theirs: Any) -> bool:
    """Counts and money exactly, ratios to 1e-9."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(ours, int | Decimal):
        return bool(ours == theirs)
    other = as_float(theirs)
    return other is not None and abs(ours - other) <= 1e-9 * max(1.0, abs(other))


def agree(row: MetricRow, other: Row) -> bool:
    return (
        same(row.value, other.value)
        and same(row.numerator or None, other.numerator or None)
        and same(row.denominator or None, other.denominator or None)
        and row.status == other.status
    )


def expected(
    cases: Sequence[Case], grain: Grain, rule: str, families: Sequence[str], trailing: int = 0
) -> Iterator[Row]:
    """Yield the reference's rows of a grain of all shops."""
    for case in cases:
        first, last = case.days or (None, None)
        yield from evaluate(
            case.shop, as_of=case.as_of, grains=[grain], day_from=first, day_to=last,
            judge_rule=rule, families=families, trailing=trailing,
        )  # fmt: skip


def compare(ours: Sequence[MetricRow], theirs: Iterator[Row]) -> list[str]:
    """Return what one side has and the other has not, or has otherwise; nothing may be absent.

    What was found in texts is no part of the reference.
    """
    ours = [row for row in ours if row.metric not in ("violation_sessions_rate", "quality_score")]
    others = {key(row): row for row in theirs}
    found = []
    for row in ours:
        other = others.pop(key(row), None)
        if other is None:
            if row.value or row.numerator or row.denominator:
                found.append(f"only ours: {row}")
        elif not agree(row, other):
            found.append(f"ours {row}\n  theirs {other}")
    # A cell with nothing of its own still has the shop's side of the relative metric.
    return found + [
        f"only theirs: {row}"
        for row in others.values()
        if not is_nothing(row) and (row.value, row.numerator) != (None, None)
    ]


def seen(case: Case, rule: str) -> Facts:
    """Return the reference's facts of a shop at its as_of."""
    at = latest(case.shop) if case.as_of is None else case.as_of
    assert at is not None
    return facts(case.shop, at, rule)


def order_of(rows: Sequence[MetricRow | Row]) -> dict[tuple[Any, ...], list[str | None]]:
    """Return (cell, stage or cause) -> its classes in order."""
    found: dict[tuple[Any, ...], list[str | None]] = {}
    for row in rows:
        (name,) = {"stage", "cause"} & set(row.grain)
        rest = {at: str(value) for at, value in row.grain.items() if at != name}
        found.setdefault((row.shop_id, name, *sorted(rest.items())), []).append(row.grain[name])
    return found


@contextmanager
def asking(cases: Sequence[Case]) -> Iterator[tuple[DuckEngine, list[ShopScope]]]:
    """Run the line over some shops; yield the engine and what to ask of it."""
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [case.shop for case in cases])
        runs = [run_shop(case.shop, case.as_of) for case in cases]
        run_shops(engine, runs)
        yield (
            engine,
            [scope(run, *(case.days or ())) for run, case in zip(runs, cases, strict=True)],
        )


def cases_of(rule: str, number: int, make: Callable[[int], Case]) -> list[Case]:
    """Return about a third of ``number`` cases, others for each rule; empty shops left out."""
    made = [make(seed) for seed in range(RULES.index(rule), number, len(RULES))]
    return [case for case in made if latest(case.shop) is not None]


def differences(cases: Sequence[Case], rule: str, grains: Sequence[Grain]) -> list[str]:
    """Return how the line and the reference differ on some shops, at each of the grains."""
    found = []
    with asking(cases) as (engine, scopes):
        for grain in grains:
            rows = ask(engine, scopes, grain, rule)
            ours = [row for row in rows if row.metric != "dispute_share"]
            found += compare(ours, expected(cases, grain, rule, FAMILIES[:3]))
    return found


@pytest.mark.parametrize("rule", RULES)
def test_figures_agree_on_random_shops(rule: str) -> None:
    assert differences(cases_of(rule, 27, short_case), rule, GRAINS) == []


@pytest.mark.parametrize("rule", RULES)
def test_figures_agree_on_shops_of_months(rule: str) -> None:
    assert differences(cases_of(rule, 21, long_case), rule, LONG_GRAINS) == []


@pytest.mark.parametrize("rule", RULES)
def test_shares_of_complaints_agree(rule: str) -> None:
    cases = cases_of(rule, 15, long_case)
    with asking(cases) as (engine, scopes):
        for grain in CLASSES:
            ours = query(
                engine, scopes, metrics=select_metrics(["dispute_share"], grain), grain=grain,
                judge_rule=rule,
            )  # fmt: skip
            theirs = list(expected(cases, grain, rule, ["disputes"]))
            assert compare(ours, iter(theirs)) == []
            so_far = {key(row): row.cumulative for row in theirs}
            assert all(same(row.cumulative, so_far[key(row)]) for row in ours)
            assert order_of(ours) == order_of(theirs)


@pytest.mark.parametrize("rule", RULES)
def test_trailing_days_agree(rule: str) -> None:
    """The 28 days that end with each day, and with the last of each week."""
    cases = cases_of(rule, 12, long_case)
    with asking(cases) as (engine, scopes):
        for grain in (("day",), ("agent", "week")):
            metrics = select_metrics([*AFTER_SALES, *LOYALTY], grain)
            ours = query(engine, scopes, metrics=metrics, grain=grain, judge_rule=rule, trailing=28)
            theirs = expected(cases, grain, rule, ["aftersales", "loyalty"], trailing=28)
            assert compare(ours, theirs) == []


@pytest.mark.parametrize("rule", RULES)
def test_cohorts_agree(rule: str) -> None:
    cases = [replace(case, days=None) for case in cases_of(rule, 12, long_case)]
    with asking(cases) as (engine, scopes):
        everything = [replace(one, is_default=True) for one in scopes]
        for agent in (None, "a1"):
            found = cohorts(engine, everything, agent=agent, judge_rule=rule)
            ours = {
                (one.shop_id, one.month, month.months_since, month.buyers, month.amount)
                for one in found
                for month in one.months
                if month.buyers
            }
            theirs = {
                (case.shop.shop_id, one.month, one.months, one.buyers, one.amount)
                for case in cases
                for one in reference_cohorts(seen(case, rule), agent)
            }
            assert ours == theirs
            assert all(one.months[0].buyers == one.buyers for one in found)
