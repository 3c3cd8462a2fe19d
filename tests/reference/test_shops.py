"""What the definitions promise of every shop, on random ones, asked of the reference itself."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from .canonical_files import write_canonical
from .facts import facts, lines
from .metrics import METRICS, evaluate
from .model import HOUR, RULES, SECOND, Row, Shop, latest
from .shops import random_as_of, random_shop, shops
from .time import Calendar

SEEDS = range(40)


def cells(rows: list[Row], metric: str) -> dict[tuple[tuple[str, str | None], ...], Row]:
    """Return grain -> row of one metric."""
    return {tuple(sorted(r.grain.items())): r for r in rows if r.metric == metric}


@pytest.mark.parametrize("seed", SEEDS)
def test_promises(seed: int) -> None:
    rng = Random(seed)
    shop = random_shop(rng)
    as_of, rule = random_as_of(rng, shop), rng.choice(RULES)
    rows = evaluate(
        shop, as_of=as_of, grains=[("day",), ("agent", "day"), ("team", "day")], judge_rule=rule
    )
    assert {row.metric for row in rows} == set(METRICS)
    by_day = [row for row in rows if set(row.grain) == {"day"}]
    for whose in ("agent_id", "team"):
        parts = [row for row in rows if whose in row.grain and row.metric == "sales_amount"]
        for day in {row.grain["day"] for row in by_day}:
            figure = {r.metric: Fraction(r.value or 0) for r in by_day if r.grain["day"] == day}
            credited = sum(Fraction(row.value or 0) for row in parts if row.grain["day"] == day)
            silent, excluded = figure["silent_amount"], figure["excluded_amount"]
            assert figure["shop_sales_amount"] == credited + silent + excluded
            assert figure["sales_amount"] == credited
            assert figure["consulted_buyers"] == (
                figure["received_buyers"] + figure["filtered_buyers"]
            )
            assert figure["inquiry_paid_buyers"] <= figure["inquiry_buyers"]
            assert figure["paid_orders"] <= figure["created_orders"]


@pytest.mark.parametrize("seed", SEEDS)
def test_products_add_up_to_the_sales(seed: int) -> None:
    shop = random_shop(Random(seed))
    rows = evaluate(shop, grains=[("week",), ("product", "week")])
    whole = cells(rows, "sales_amount")
    for key, row in whole.items():
        if "product_id" not in row.grain:
            parts = [Fraction(w.value or 0) for k, w in whole.items() if set(key) < set(k)]
            assert sum(parts) == row.value
    for order in shop.rows("orders"):
        if order["paid_at"] is not None:
            assert sum(line.amount for line in lines(shop, order)) == order["paid_amount"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shops())
def test_the_first_look_sees_no_more_than_the_last(shop: Shop) -> None:
    last = latest(shop)
    if last is None:
        assert evaluate(shop) == []
        return
    (whole,) = cells(evaluate(shop, as_of=last, grains=[()]), "rounds").values()
    found = facts(shop, last, "order")
    unfiltered = [one for one in found.rounds if one.filter_reason is None]
    assert whole.value == len(unfiltered)
    gap = shop.setting("session_gap") * SECOND
    for one in found.rounds:
        if one.late:
            assert one.uncut_wait is not None
            assert one.uncut_wait >= gap


def test_days_of_changing_clocks() -> None:
    zone = Calendar("America/New_York", "00:00")
    for day, hours in ((date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 9), 24)):
        assert Fraction(zone.day_end(day) + 1 - zone.day_start(day), HOUR) == hours
        assert zone.day_of(zone.day_start(day)) == zone.day_of(zone.day_end(day)) == day
    # 02:30 does not exist on 8 March: the day starts when 03:00 does, 07:00 UTC.
    late = Calendar("America/New_York", "02:30")
    assert late.day_start(date(2026, 3, 8)) % (24 * HOUR) == 7 * HOUR
    # Samoa had no 30 December 2011.
    samoa = Calendar("Pacific/Apia", "00:00")
    assert samoa.day_start(date(2011, 12, 30)) == samoa.day_start(date(2011, 12, 31))
    assert samoa.day_of(samoa.day_end(date(2011, 12, 29)) + 1) == date(2011, 12, 31)


@pytest.mark.parametrize("seed", range(3))
def test_canonical_files(seed: int, tmp_path: Path) -> None:
    shop = random_shop(Random(seed))
    paths = {path.stem: path for path in write_canonical(shop, tmp_path)}
    for table in ("shops", "messages"):
        with paths[table].open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == (1 if table == "shops" else len(shop.rows(table)))
        assert {row["shop_id"] for row in rows} == {"s1"}
    assert len({message["message_id"] for message in shop.rows("messages")}) == len(rows)
