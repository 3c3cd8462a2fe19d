"""Names stored as numbers are written, and read again, as the texts they are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.engine.duckdb import DuckEngine
from jinpai.tables import derived

NAMES = ["b", "'; drop", "中", None, "", "a\nb", "B", "b"]


def test_files_hold_texts(tmp_path: Path) -> None:
    with DuckEngine(threads=1) as engine:
        engine.put("threads", pa.table({"thread_no": range(8), "agent_id": NAMES}))
        engine.put("run_shops", pa.table({"shop_id": pa.array(["s1"])}))
        engine.hold("others", "select agent_id from threads")
        engine.number_names(("shop_id", "agent_id"), ("threads", "run_shops", "nowhere"))
        kinds = dict(
            engine.con.execute("select column_name, column_type from (describe threads)").fetchall()
        )
        assert kinds["agent_id"].startswith("ENUM")
        assert engine.con.execute("select typeof(any_value(agent_id)) from others").fetchall() == [
            ("VARCHAR",)
        ]
        schema, files = derived.write_files(engine.con, "threads", tmp_path / "out", "t")
        assert schema.field("agent_id").type == pa.string()
        (path,) = (tmp_path / "out" / name for name, _ in files)
        stored = pq.read_table(path)
        assert stored.schema.field("agent_id").type == pa.string()
        assert sorted(stored.to_pylist(), key=lambda row: row["thread_no"]) == [
            {"thread_no": number, "agent_id": name} for number, name in enumerate(NAMES)
        ]


def test_they_compare_as_texts() -> None:
    with DuckEngine(threads=1) as engine:
        engine.put("threads", pa.table({"agent_id": NAMES}))
        before = engine.fetch("a", "select agent_id from threads order by agent_id").to_pylist()
        engine.number_names(("agent_id",), ("threads",))
        after = "select agent_id::varchar as agent_id from threads order by threads.agent_id"
        assert engine.fetch("b", after).to_pylist() == before
        joined = (
            "select count(*) as n from threads as t inner join (select 'b' as x) on x = agent_id"
        )
        assert engine.fetch("c", joined).to_pylist() == [{"n": 2}]


def test_nothing_to_number() -> None:
    with DuckEngine(threads=1) as engine:
        engine.put("threads", pa.table({"agent_id": pa.array([None], pa.string())}))
        engine.number_names(("shop_id", "agent_id"), ("threads", "run_shops"))
        assert engine.fetch("all", "select * from threads").to_pylist() == [{"agent_id": None}]
