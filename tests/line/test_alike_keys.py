"""Orders that an engine's hash takes for one: the run tells them apart by another salt."""

from __future__ import annotations

from jinpai.engine.duckdb import DuckEngine
from reference.test_worked_examples import attribution_shop
from worlds import put_tables, run_shop, run_shops

# Nineteen digits as Taobao gives them; in DuckDB 2.0 bytes 8 and 16 cancel each other out.
ALIKE = ("4512000000000023000", "4512000900000026000")


def test_orders_of_one_hash_have_credits_of_their_own() -> None:
    shop = attribution_shop()
    (order,) = shop.tables["orders"]
    shop.tables["orders"] = [{**order, "order_id": one} for one in ALIKE]
    with DuckEngine(threads=1) as engine:
        put_tables(engine, [shop])
        run_shops(engine, [run_shop(shop, None)])
        sql = "select order_id, agent_id from credits where judge_rule = 'order' order by 1"
        credits = engine.fetch("credits", sql).to_pylist()
    assert credits == [{"order_id": one, "agent_id": "B"} for one in ALIKE]
