"""Every relation of the line, and every figure, on both engines: random shops in one run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jinpai import attribution
from jinpai.conversations.inputs import RunShop
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.spark import SparkEngine
from jinpai.line import RESULTS, check, make, put_views, shop_run
from jinpai.metrics.query import MetricRow, query, select_metrics
from jinpai.refresh.layout import bucketed
from jinpai.spark_run import stored_schemas
from jinpai.tables import derived
from reference.shops import random_as_of, random_shop
from reference.test_worked_examples import attribution_shop
from worlds import put_tables, run_shop, scope

pytestmark = pytest.mark.xdist_group("spark")

SEEDS = range(24)
# Told from the results when they are asked for.
TOLD = ("credits", "candidates")
# Random shops tell of products in no session; `test_cluster` compares these.
EMPTY = ("session_products",)


@dataclass(frozen=True)
class Both:
    """The same shops, run on both engines in one run each."""

    duck: DuckEngine
    spark: SparkEngine
    runs: list[RunShop]


@pytest.fixture(scope="module")
def both(spark: SparkEngine) -> Iterator[Both]:
    shops, runs = [attribution_shop()], [run_shop(attribution_shop(), None)]
    for seed in SEEDS:
        rng = random.Random(seed)
        shop = replace(random_shop(rng), shop_id=f"shop {seed} ' \" ` $x")
        if shop.rows("messages"):
            shops.append(shop)
            runs.append(run_shop(shop, random_as_of(rng, shop)))
    with DuckEngine(threads=1) as duck:
        for engine in (duck, spark):
            put_tables(engine, shops)
            make(engine, runs)
            put_views(engine, [shop_run(run) for run in runs])
        yield Both(duck, spark, runs)


def rows_of(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("name", [*RESULTS, *TOLD])
def test_every_relation_is_the_same(both: Both, name: str) -> None:
    ours, theirs = (e.fetch(name, f"select * from {name}") for e in (both.duck, both.spark))
    assert ours.num_rows > 20 or name in EMPTY, "an agreement about nothing would prove nothing"
    assert ours.column_names == theirs.column_names
    assert rows_of(ours) == rows_of(theirs)


def test_books_balance_and_keys_are_apart(both: Both) -> None:
    broken = check(both.spark, attribution.balance_checks())
    assert broken == check(both.duck, attribution.balance_checks())
    assert set(broken.values()) == {0}
    assert both.spark.fetch("clashes", attribution.key_clashes()).num_rows == 0


def test_published_files_are_the_same(both: Both, tmp_path: Path) -> None:
    schemas = stored_schemas()
    for name in ("rounds", "judged_orders"):
        sql = bucketed(name, 2_900)
        made = {
            "duck": derived.write_files(both.duck.con, sql, tmp_path / "duck" / name, "t"),
            "spark": both.spark.write(sql, tmp_path / "spark" / name, "t", schemas[name]),
        }
        held: dict[str, dict[int | None, list[str]]] = {"duck": {}, "spark": {}}
        for engine, (schema, files) in made.items():
            for file, count in files:
                table = pq.read_table(tmp_path / engine / name / file, partitioning=None)
                assert table.num_rows == count
                assert table.schema.remove_metadata().equals(schemas[name])
                held[engine].setdefault(derived.bucket_of(file), []).extend(rows_of(table))
            assert schema.equals(schemas[name])
        assert {at: sorted(rows) for at, rows in held["duck"].items()} == {
            at: sorted(rows) for at, rows in held["spark"].items()
        }


@pytest.mark.parametrize("grain", [("agent", "day"), ("product",)], ids=str)
def test_every_figure_is_the_same(both: Both, grain: tuple[str, ...]) -> None:
    scopes = [scope(run) for run in both.runs if run.last_us >= run.first_event_us]
    ours, theirs = (
        query(engine, scopes, metrics=select_metrics(None, grain), grain=grain)
        for engine in (both.duck, cast(DuckEngine, both.spark))
    )
    assert len(ours) == len(theirs) > 500
    assert [(a, b) for a, b in zip(ours, theirs, strict=True) if not same(a, b)] == []


def same(ours: MetricRow, theirs: MetricRow) -> bool:
    """Counts and money exactly, ratios to 1e-9."""
    return (
        ours[:4] == theirs[:4]
        and ours.status == theirs.status
        and all(
            abs(a - b) <= 1e-9 * max(1.0, abs(a))
            if isinstance(a, float) and isinstance(b, float)
            else (a, type(a)) == (b, type(b))
            for a, b in zip(ours[4:7], theirs[4:7], strict=True)
        )
    )
