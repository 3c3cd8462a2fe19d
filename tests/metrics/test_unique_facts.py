"""Facts that say by what their rows differ: no two rows of a shop agree in those columns."""

from __future__ import annotations

import random

import pytest

from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.compile import fact_sql, questions
from jinpai.metrics.definition import registry
from reference.model import RULES
from reference.shops import random_as_of, random_shop
from worlds import put_tables, run_shop, run_shops

UNIQUE = {name: fact.unique for name, fact in registry().facts.items() if fact.unique}


@pytest.mark.parametrize("seed", range(3, 9))
def test_rows_differ(seed: int) -> None:
    rng = random.Random(seed)
    shop = random_shop(rng)
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [shop])
        run_shops(engine, [run_shop(shop, random_as_of(rng, shop))])
        for name, columns in UNIQUE.items():
            listed = ", ".join(("shop_id", *columns))
            sql = f"{fact_sql(name)}\nselect {listed} from fact group by all having count(*) > 1"
            for level in ("shop", "team", "agent"):
                for rule in RULES:
                    values = {"judge_rule": rule, "level": level}
                    asked = {key: value for key, value in values.items() if f"${key}" in sql}
                    assert engine.fetch(name, sql, asked).num_rows == 0, (name, level, rule)


def test_what_is_counted_once() -> None:
    """A buyer has several receptions in a week, and with several agents of a team; one by day."""

    def grouped(grain: list[str], *, cells_are_days: bool) -> bool:
        (one,) = questions(registry(), ["received"], grain, cells_are_days=cells_are_days)
        return "entities" in one.sql

    assert not grouped(["agent"], cells_are_days=True)
    assert grouped(["agent"], cells_are_days=False)
    assert grouped(["team"], cells_are_days=True)
    assert grouped([], cells_are_days=True)
