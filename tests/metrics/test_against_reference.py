"""Every figure on random small shops against the independent reference implementation."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.query import MetricRow
from reference.metrics import Row, as_float, evaluate, is_nothing
from reference.model import RULES, Shop
from reference.shops import random_as_of, random_shop, shops
from worlds import ask, put_tables, run_shop, run_shops, scope

GRAINS: tuple[tuple[str, ...], ...] = (
    (),
    ("agent",),
    ("team",),
    ("day",),
    ("team", "agent", "day"),
    ("agent", "week"),
    ("team", "month"),
    ("product",),
    ("agent", "product", "day"),
)


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


def differences(shop: Shop, as_of: int | None, rule: str) -> list[str]:
    theirs = {key(row): row for row in evaluate(shop, as_of=as_of, grains=GRAINS, judge_rule=rule)}
    if not theirs:
        return []
    found = []
    seen = set()
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [shop])
        run = run_shop(shop, as_of)
        run_shops(engine, [run])
        for grain in GRAINS:
            for row in ask(engine, [scope(run)], grain, rule):
                seen.add(key(row))
                other = theirs.get(key(row))
                if other is None:
                    if row.value or row.numerator or row.denominator:
                        found.append(f"only ours: {row}")
                elif not (
                    same(row.value, other.value)
                    and same(row.numerator or None, other.numerator or None)
                    and same(row.denominator or None, other.denominator or None)
                    and row.status == other.status
                ):
                    found.append(f"ours {row}\n  theirs {other}")
    found += [
        f"only theirs: {row}"
        for at, row in theirs.items()
        # A cell with nothing of its own still has the shop's side of the relative metric.
        if at not in seen and not is_nothing(row) and (row.value, row.numerator) != (None, None)
    ]
    return found


@pytest.mark.parametrize("seed", range(24))
def test_figures_agree_on_random_shops(seed: int) -> None:
    rng = random.Random(seed)
    shop = random_shop(rng)
    as_of = random_as_of(rng, shop)
    rule = RULES[seed % 3]
    assert differences(shop, as_of, rule) == []


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(shop=shops())
def test_figures_agree_on_shrinking_shops(shop: Shop) -> None:
    assert differences(shop, None, "order_first") == []
