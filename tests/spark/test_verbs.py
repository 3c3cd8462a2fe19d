"""What differs between engines is said by verbs; here is what each verb means, worked by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from jinpai.engine.base import Engine
from jinpai.engine.dialect import VERBS, Dialect, for_spark
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.engine.spark import SparkEngine
from jinpai.errors import EngineError, UsageError

pytestmark = pytest.mark.xdist_group("spark")

BIG = 4_611_686_018_427_387_904  # 2 ** 62
# expression over the row below -> what it is
MEANING: dict[str, Any] = {
    "us(t)": 1_772_416_987_654_321,  # 2026-03-02 02:03:07.654321 UTC
    "us(instant(u))": -1,
    "instant(us(t))": datetime(2026, 3, 2, 2, 3, 7, 654_321),
    "day_number(us(t))": 20_514,
    "day_number(0)": 0,
    "day_date(day_number(us(t)))": date(2026, 3, 2),
    "day_date(-1)": date(1969, 12, 31),
    "date_day(d)": 19_782,  # 2024-02-29
    "date_day(day_date(12345))": 12_345,
    "has_text(words, '50%_')": True,
    "has_text(words, 'Off')": False,
    "has_text(nothing, 'a')": None,
    "starts(words, '亲')": True,
    "starts(words, '')": True,
    "starts(words, '50')": False,
    "like_pattern(account, '(?s:店:.*)')": True,
    "like_pattern(account, '(?s:店)')": False,
    "like_pattern(lines, '(?s:a.b)')": True,
    "like_pattern(lines, '(?s:a)')": False,
    # A dollar would match before the last line end; the whole text must match.
    "like_pattern(ended, '(?s:a)')": False,
    "mul_div(big, 3, 4)": 3_458_764_513_820_540_928,
    "mul_div(7, 3, 2)": 10,
    "mul_mod(big, 3, 5)": 2,  # 2**62 * 3 = 4 * 3 (mod 5)
    "mul_mod(7, 3, 2)": 1,
    "quotient(7, 2)": 3,
    "least_of(3, 2)": 2,
    "greatest_of(date '2026-01-01', d)": date(2026, 1, 1),
    "key_of('', 'a', 'b', 'c') = key_of('', 'a', 'b', 'c')": True,
    "key_of('', 'a', 'b', 'c') = key_of('1', 'a', 'b', 'c')": False,
    "key_of('', 'a', 'b', 'c') = key_of('', 'ab', '', 'c')": False,
    "key_of('', 'a', 'b', 'c') >= 0": True,
    # Equal in DuckDB's hash of texts: another salt must tell them apart.
    "key_of('1', 's', '4512000000000023000', '') = key_of('1', 's', '4512000900000026000', '')":
        False,
    # Where the text says nothing, nulls come last, whichever the direction.
    "(select max(n) from (select row_number() over (order by v) as n, v from vs)"
    " where v is null)": 3,
    "(select max(n) from (select row_number() over (order by v desc) as n, v from vs)"
    " where v is null)": 3,
    "(select n from (select row_number() over (order by v desc) as n, v from vs)"
    " where v = '亲')": 1,
    "money * 3": Decimal("0.30"),
    "cast(null as varchar)": None,
    "7 % 4": 3,
}  # fmt: skip


def ask(engine: Engine) -> dict[str, Any]:
    """Return what each expression is on an engine."""
    row = {
        "t": pa.array([datetime(2026, 3, 2, 2, 3, 7, 654_321)], pa.timestamp("us")),
        "u": pa.array([-1], pa.int64()),
        "d": pa.array([date(2024, 2, 29)], pa.date32()),
        "words": ["亲，全场 50%_off"],
        "nothing": pa.array([None], pa.string()),
        "account": ["店:小桐"],
        "lines": ["a\nb"],
        "ended": ["a\n"],
        "big": pa.array([BIG], pa.int64()),
        "money": pa.array([Decimal("0.10")], pa.decimal128(18, 2)),
    }
    engine.put("one_row", pa.table(row))
    engine.put("vs", pa.table({"v": pa.array(["Z", None, "亲"], pa.string())}))
    listed = ", ".join(f"{text} as e{place}" for place, text in enumerate(MEANING))
    (answer,) = engine.fetch("verbs", f"select {listed} from one_row").to_pylist()
    return dict(zip(MEANING, answer.values(), strict=True))


def test_every_verb_is_asked() -> None:
    assert [verb for verb in VERBS if not any(f"{verb}(" in text for text in MEANING)] == []


def test_verbs_mean_the_same_on_duckdb() -> None:
    with DuckEngine(threads=1) as engine:
        assert ask(engine) == MEANING


def test_verbs_mean_the_same_on_spark(spark: SparkEngine) -> None:
    assert ask(spark) == MEANING


def test_parameters_are_bound(spark: SparkEngine) -> None:
    sql = "select $level = 'team' as is_team, $day as day, $count + 1 as more from vs"
    values = {"level": "team", "day": date(2026, 3, 2), "count": 4}
    with DuckEngine(threads=1) as duck:
        for engine in (spark, duck):
            engine.put("vs", pa.table({"v": ["'; drop table vs; --"]}))
            (row,) = engine.fetch("bound", sql, values).to_pylist()
            assert row == {"is_team": True, "day": date(2026, 3, 2), "more": 5}


def test_a_fault_names_its_step(spark: SparkEngine) -> None:
    with pytest.raises(EngineError, match="no_such_column") as caught:
        spark.make(Step("broken", "select no_such_column from vs"))
    assert caught.value.step == "broken"
    assert "no_such_column" in caught.value.sql
    assert "\tat " not in str(caught.value)


def test_a_number_too_large_is_a_fault(spark: SparkEngine) -> None:
    spark.put("bigs", pa.table({"big": pa.array([BIG, BIG], pa.int64())}))
    with pytest.raises(EngineError, match=r"(?i)overflow"):
        spark.fetch("sum", "select sum(big) as total from bigs")


def test_an_engine_without_a_verb_is_refused() -> None:
    with pytest.raises(UsageError, match="does not have the verb"):
        Dialect("half", {"us": "t"})
    with pytest.raises(ValueError, match="us takes 1 arguments, not 2"):
        for_spark("select us(a, b) from t")
