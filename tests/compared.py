"""What tests compute with DuckDB, once more on Spark: all of it in one run, compared row by row.

A test that passes on DuckDB's rows passes on the same rows made by Spark. A case is what one call
computes; a number before its shops' ids keeps its rows apart from those of the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import jinpai.run
import jinpai.workspace
import worlds
from jinpai import attribution, conversations
from jinpai.conversations.inputs import RunShop, settings_in_use
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.spark import SparkEngine
from jinpai.line import CHECKED, line_steps, make
from jinpai.refresh.lineage import ancestors
from jinpai.tables.schema import TABLES
from spark.cluster import Cluster

__all__ = ["OnBoth"]

NAMES = ("roster", *conversations.RESULTS, *attribution.RESULTS)
Tables = dict[str, pa.Table]


@dataclass(frozen=True)
class Case:
    """What one test computed from what."""

    test: str
    shops: list[RunShop]
    tables: Tables
    results: Tables


class OnBoth:
    """DuckDB while the tests run, Spark when they are done."""

    name = "both"

    def __init__(self) -> None:
        self._cases: list[Case] = []

    @contextmanager
    def computing(self, folder: Path) -> Iterator[None]:
        """Take note of all that is computed, and compare in the end."""
        with pytest.MonkeyPatch.context() as patch:
            self._listen(patch)
            yield
        if self._cases:
            different = self._different(folder)
            assert different == [], "Spark makes other rows in these tests"
            print(f"\nSpark made the rows of {len(self._cases)} cases as DuckDB did.")  # noqa: T201

    def _listen(self, patch: pytest.MonkeyPatch) -> None:
        make_, run, shops_of = worlds.make, jinpai.workspace.run_line, jinpai.run._shops

        def made(duck: DuckEngine, shops: Sequence[RunShop], *rest: Any, **given: Any) -> Any:
            seconds = make_(duck, shops, *rest, **given)
            self._note(duck, shops)
            return seconds

        def ran(lake: Any, *rest: Any, shop_id: str | None = None, **given: Any) -> Any:
            seen: list[RunShop] = []

            def shops(*place: Any) -> list[RunShop]:
                seen[:] = shops_of(*place)
                return list(seen)

            with pytest.MonkeyPatch.context() as inner:
                inner.setattr(jinpai.run, "_shops", shops)
                report = run(lake, *rest, shop_id=shop_id, **given)
            if shop_id is None:
                with DuckEngine(threads=1) as duck:
                    lake.snapshot().register(duck.con)
                    lake.snapshot().register_derived(duck.con, NAMES)
                    self._note(duck, seen)
            return report

        patch.setattr(worlds, "make", made)
        patch.setattr(jinpai.workspace, "run_line", ran)

    def _note(self, duck: DuckEngine, shops: Sequence[RunShop]) -> None:
        tables, results = (
            {name: duck.fetch(name, f"select * from {name}") for name in names}
            for names in (TABLES, NAMES)
        )
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
        self._cases.append(Case(test, list(shops), tables, results))

    def _different(self, folder: Path) -> list[tuple[str, str]]:
        """Return the tests and relations in which the engines differ."""
        shops = [
            replace(shop, shop_id=f"{number} {shop.shop_id}")
            for number, case in enumerate(self._cases)
            for shop in case.shops
        ]
        steps = line_steps(settings_in_use(shops), any(one.settings.duty_hours for one in shops))
        found = set()
        with (
            Cluster(folder) as cluster,
            SparkEngine(scratch=folder, master=cluster.master, conf=cluster.conf) as spark,
            DuckEngine(threads=2) as duck,
        ):
            for name in TABLES:
                spark.put(name, _together([case.tables[name] for case in self._cases]))
            wanted = (*NAMES, *CHECKED)
            make(spark, shops, steps=ancestors(steps, wanted), keep=wanted)
            for name in NAMES:
                ours = _together([case.results[name] for case in self._cases])
                duck.put("ours", ours)
                duck.put(
                    "theirs", spark.fetch(name, f"select * from {name}").select(ours.column_names)
                )
                rows = duck.fetch("different", _DIFFERENT)["number"].to_pylist()
                found |= {(self._cases[number].test, name) for number in rows}
        return sorted(found)


_DIFFERENT = """
select distinct cast(split_part(shop_id, ' ', 1) as integer) as number
from (
    (from ours except all from theirs)
    union all
    (from theirs except all from ours)
)
"""


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of all cases, shops told apart by the number of their case."""
    numbered = []
    for number, table in enumerate(tables):
        ids = pa.array([f"{number} {one}" for one in table["shop_id"].to_pylist()], pa.string())
        numbered.append(table.set_column(table.column_names.index("shop_id"), "shop_id", ids))
    return pa.concat_tables(numbered, promote_options="permissive")
