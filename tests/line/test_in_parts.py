"""A step that lacks memory is made a part of its rows at a time, and gives the same rows."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any, cast

import duckdb
import pyarrow as pa
import pytest

import jinpai
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.errors import EngineError
from jinpai.line import RESULTS, line_steps
from jinpai.tables.contents import contents
from reference.canonical_files import write_canonical
from reference.model import Shop
from reference.shops import random_as_of, random_shop
from worlds import put_tables, run_shop, run_shops

_GROUPS = Step(
    "groups",
    "with seen as (select * from talk) select thread_no, count(*) as n, max(text) as text"
    " from seen group by thread_no",
    part_by="thread_no",
)


def results(shop: Shop, as_of_us: int | None, parts: int) -> dict[str, list[str]]:
    """Return the rows of every result as texts, in order."""
    with DuckEngine(threads=2) as engine:
        engine._parts = parts
        put_tables(engine, [shop])
        run_shops(engine, [run_shop(shop, as_of_us)])
        return {
            name: sorted(map(str, engine.fetch(name, f"select * from {name}").to_pylist()))
            for name in RESULTS
        }


@pytest.mark.parametrize("seed", range(5))
def test_a_run_in_parts_is_the_same_run(seed: int) -> None:
    rng = Random(seed)
    shop = random_shop(rng)
    as_of = random_as_of(rng, shop)
    assert results(shop, as_of, 4) == results(shop, as_of, 1)


def test_files_written_in_parts_hold_the_same(tmp_path: Path) -> None:
    shop = random_shop(Random(3))
    left = []
    for parts in (1, 4):
        files, place = tmp_path / f"files{parts}", tmp_path / f"shop{parts}"
        files.mkdir()
        write_canonical(shop, files)
        workspace = jinpai.init(
            place, shop_id=shop.shop_id, name="s", platform="taobao", timezone=shop.timezone
        )
        workspace.import_files([files])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DuckEngine, "_parts", parts)
            workspace.run()
        left.append(contents(workspace.lake.snapshot()))
    assert left[0] == left[1]


def test_most_steps_can_be_made_in_parts() -> None:
    """Those from the first look at all messages to the sessions, whose groups grow with them."""
    parted = {step.name for step in line_steps(set(), has_duty_hours=False) if step.part_by}
    assert {"turns_by_time", "stretches", "session_spans", "reception_days"} <= parted


class Short:
    """A connection for which a whole relation, and a quarter of it, are too much."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con, self._parts = con, 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)

    def execute(self, sql: str, *values: Any) -> Any:
        if shadow := re.search(r'from "talk_whole" where "thread_no" & (\d+) = ', sql):
            self._parts = int(shadow[1]) + 1
        if "select * from talk" in sql and self._parts < 16:
            raise duckdb.OutOfMemoryException("failed to allocate")
        return self._con.execute(sql, *values)


def test_what_lacks_memory_is_made_in_parts() -> None:
    with DuckEngine(threads=2) as engine:
        engine.con.execute(
            "create temp table talk as select range % 3000 as thread_no, 'x' as text"
            " from range(6000)"
        )
        engine.con = cast(Any, Short(engine.con))
        engine.make(_GROUPS)
        assert engine._parts == 16
        asked = "select count(*) as n, count(distinct thread_no) as t, sum(n) as m from groups"
        assert engine.con.execute(asked).fetchall() == [(3000, 3000, 6000)]


def test_memory_that_never_suffices_is_told() -> None:
    with DuckEngine(threads=2, memory_limit="20MB") as engine:
        sql = "select thread_no, list(text) as l from talk group by thread_no"
        engine.con.execute(
            "create temp table talk as select 64 as thread_no, repeat('x', 90) as text"
            " from range(600000)"
        )
        with pytest.raises(EngineError, match="Out of Memory"):
            engine.make(Step("whole", sql, part_by="thread_no"))


def test_other_faults_are_told_at_once() -> None:
    with DuckEngine(threads=1) as engine:
        engine.put("talk", pa.table({"thread_no": [1], "text": ["x"]}))
        with pytest.raises(EngineError, match="nowhere"):
            engine.make(Step("lost", "select nowhere from talk", part_by="thread_no"))
        assert engine._parts == 1
