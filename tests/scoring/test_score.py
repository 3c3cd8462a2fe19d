"""Scores: the worked table of the definitions, and cases worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from jinpai.errors import InputError, UnknownName, UsageError
from jinpai.metrics.query import MetricRow
from jinpai.scoring import Value, load_plan, read_values, score
from jinpai.scoring.spans import is_whole, period_before
from jinpai.scoring.values import exact_of

SHIPPED = files("jinpai.scoring") / "plans"
PLAN = load_plan(str(SHIPPED / "womens-wear.yaml"))
VALUES = read_values(str(SHIPPED / "womens-wear.csv"))
# definitions, section 6: conversion, payment, ratio, first, average, returns; total by the table
TABLE = {
    "A": ([70, 100, 70, 90, 90, 80], Fraction("77.5")),
    "B": ([90, 80, 60, 100, 100, 0], Fraction(74)),
    "C": ([60, 90, 100, 80, 80, 100], Fraction("77.5")),
}


@pytest.mark.parametrize("agent", TABLE)
def test_the_worked_table(agent: str) -> None:
    scores, total = TABLE[agent]
    scored = score(PLAN, VALUES).agent(agent)
    assert [line.score for line in scored.lines] == scores
    assert [line.points for line in scored.lines] == [
        Fraction(got * weight, 100)
        for got, weight in zip(scores, (30, 25, 20, 10, 5, 5), strict=True)
    ]
    assert scored.total == total
    assert scored.total_normalised == 100 * total / 95


def test_with_returns_at_ten_percent() -> None:
    text = PLAN.document.text.replace(
        "return_count # 月退货量\n    weight: 5", "return_count\n    weight: 10"
    )
    sheet = score(load_plan(text), VALUES)
    assert [(one.subject, one.total, one.rank) for one in sheet.agents] == [
        ("C", Fraction("82.5"), 1), ("A", Fraction("81.5"), 2), ("B", Fraction(74), 3),
    ]  # fmt: skip


def test_equals_share_a_rank_and_the_weakest_comes_first() -> None:
    sheet = score(PLAN, VALUES)
    assert [(one.subject, one.rank) for one in sheet.agents] == [("A", 1), ("C", 1), ("B", 3)]
    weakest = [line.metric for line in sheet.agent("A").weakest_first]
    # A: conversion and ratio both 70; conversion weighs more, so it costs more.
    assert weakest[:3] == ["inquiry_conversion_rate", "amount_per_buyer_ratio", "return_count"]


SMALL = """
name: small
{more}
indicators:
  - metric: inquiry_conversion_rate
    weight: 60
    bands:
      - {{score: 100, interval: "[1/3, 1]"}}
      - {{score: 60, interval: "[0, 30%)"}}
  - metric: sales_amount
    weight: 40
    bands:
      - {{score: 80, interval: "[1000.01, inf)"}}
      - {{score: 50, interval: "[0, 1000.01)"}}
"""


@pytest.mark.parametrize(
    ("policy", "total", "normalised"), [("exclude", 20, Fraction(50)), ("zero", 20, Fraction(20))]
)
@pytest.mark.parametrize(("rate", "flag"), [(None, "missing"), ("0.3", "gap"), ("", "missing")])
def test_missing_and_gap(
    policy: str, total: int, normalised: Fraction, rate: str | None, flag: str
) -> None:
    plan = load_plan(SMALL.format(more=f"missing: {policy}"))
    values = {"a": {"inquiry_conversion_rate": rate, "sales_amount": Decimal("1000.00")}}
    one = score(plan, values).agents[0]
    assert (one.total, one.total_normalised) == (total, normalised)
    assert one.lines[0].flags == (flag,)
    assert one.lines[0].points == (None if policy == "exclude" else 0)


def test_nothing_at_all_has_no_normalised_total_and_no_rank() -> None:
    one = score(load_plan(SMALL.format(more="")), {"a": {}}).agents[0]
    assert (one.total, one.total_normalised, one.rank) == (0, None, None)


@pytest.mark.parametrize(
    ("rate", "got"),
    [
        ("1/3", 100),  # exact: 0.333… as a float lies below a third
        ("333333333333333333/1000000000000000000", None),
        (Fraction(1, 3), 100),
        (0.3, None),
        ("29.999999999999999999%", 60),
    ],
)
def test_bands_are_decided_on_exact_numbers(rate: str | Fraction | float, got: int | None) -> None:
    one = score(load_plan(SMALL.format(more="")), {"a": {"inquiry_conversion_rate": rate}}).agents[
        0
    ]
    assert one.lines[0].score == got


def test_overlap_gives_the_higher_score_and_says_so() -> None:
    values = {"a": {"payment_rate": "62%"}}
    line = score(PLAN, values).agents[0].lines[1]
    assert (line.score, line.band, line.flags) == (70, "[60%, 70%)", ("overlap",))


def test_an_unknown_metric_is_not_scored() -> None:
    text = SMALL.format(more="").replace("sales_amount", "sale_amount")
    with pytest.raises(UnknownName, match="sales_amount"):
        score(load_plan(text), {})


def test_a_band_without_bracket_is_not_scored() -> None:
    text = SMALL.format(more="").replace('"[0, 30%)"', '"0, 30%"')
    with pytest.raises(UsageError, match="bracket"):
        score(load_plan(text), {"a": {}})


VARIANTS = (
    SMALL.format(more="")
    + """
variants:
  - name: "618"
    from: 2026-06-01
    to: 2026-06-20
    indicators:
      - metric: avg_response_seconds
        weight: 100
        bands: [{score: 70, interval: "[0, inf)"}]
"""
)


def test_variants_by_date() -> None:
    plan = load_plan(VARIANTS)
    values = {"a": {"avg_response_seconds": 12}}
    inside = score(plan, values, first=date(2026, 6, 1), last=date(2026, 6, 20))
    assert (inside.variant, inside.agents[0].total) == ("618", 70)
    outside = score(plan, values, first=date(2026, 6, 21), last=date(2026, 6, 30))
    assert (outside.variant, outside.agents[0].total) == ("", 0)
    with pytest.raises(UsageError) as caught:
        score(plan, values, first=date(2026, 5, 25), last=date(2026, 6, 25))
    for part in ("2026-05-25 --to 2026-05-31", "2026-06-01 --to 2026-06-20",
                 "2026-06-21 --to 2026-06-25"):  # fmt: skip
        assert f"--from {part}" in str(caught.value)
        assert f"--from {part}" in caught.value.text_zh


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("agent_id,metric\nA,rounds\n", "no column 'value'"),
        ("agent_id,metric,value\nA,round,3\n", "row 2"),
        ("agent_id,metric,value\nA,payment_rate,32\n", "32% or 0.32"),
        ("agent_id,metric,value\nA,rounds,1.5\n", "whole number"),
        ("agent_id,metric,value\nA,rounds,-1\n", "outside"),
        ("agent_id,metric,value\nA,rounds,many\n", "'many' is no number"),
        ("agent_id,metric,value\nA,rounds,1\n\nA,rounds,1\n", "row 4"),
        ("agent_id,metric,value\n,rounds,1\n", "agent_id is empty"),
    ],
)  # fmt: skip
def test_files_of_values_that_do_not_hold(tmp_path: Path, rows: str, words: str) -> None:
    path = tmp_path / "values.csv"
    path.write_text(rows, "utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read_values(path)
    assert "values.csv" in caught.value.text_zh


def test_values_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    text = "value,metric,agent_id,note\n" + "\n".join(
        [
            "８８/２７５,payment_rate,甲,",
            '"1,234.50",sales_amount,甲,x',
            "-,rounds,甲",
            "0/0,reply_rate,甲",
            "30％,inquiry_conversion_rate,甲",
        ]
    )
    path.write_bytes(text.encode("gb18030"))
    exact = {code: value.exact for code, value in read_values(path)["甲"].items()}
    assert exact == {
        "payment_rate": Fraction(8, 25),
        "sales_amount": Fraction("1234.5"),
        "rounds": None,
        "reply_rate": None,
        "inquiry_conversion_rate": Fraction(3, 10),
    }


def row(metric: str, value: Any, top: Any, bottom: Any) -> MetricRow:
    """Return a figure as the query layer gives it: quotients as floats."""
    keys = {"agent_id": "a"}
    return MetricRow("s", keys, metric, "order_first", value, top, bottom, "final")


def test_figures_come_back_exact() -> None:
    # 7 rounds waited 60.000001 s in all; money and counts are exact already.
    waits = row("avg_response_seconds", 60.000001 / 7, 60.000001, 7)
    assert exact_of(waits, {}, {}).exact == Fraction(60_000_001, 7_000_000)
    rate = row("reply_rate", 1 / 3, 1, 3)
    assert (exact_of(rate, {}, {}).exact, exact_of(rate, {}, {}).n) == (Fraction(1, 3), 3)
    money = row("amount_per_buyer", 0.1, Decimal("0.30"), 3)
    assert exact_of(money, {}, {}).exact == Fraction(1, 10)
    assert exact_of(row("rounds", 5, 5, None), {}, {}) == Value(Fraction(5), 5)
    assert exact_of(row("reply_rate", None, 0, 0), {}, {}).exact is None


@pytest.mark.parametrize(
    ("own", "shop", "exact"),
    [
        # 39.00 ÷ 3 against 100.00 ÷ 9: exactly 1.17, an end of a band; as floats it is not.
        (("39.00", 3), ("120.00", "20.00", 9), Fraction(117, 100)),
        (("123456789.01", 977), ("987654321098.76", "0.01", 7_654_321),
         Fraction("123456789.01") / 977 / (Fraction("987654321098.75") / 7_654_321)),
    ],
)  # fmt: skip
def test_a_quotient_of_quotients_comes_back_exact(
    own: tuple[str, int], shop: tuple[str, str, int], exact: Fraction
) -> None:
    mean = float(Fraction(own[0]) / own[1])
    whole = float((Fraction(shop[0]) - Fraction(shop[1])) / shop[2])
    found = exact_of(
        row("amount_per_buyer_ratio", mean / whole, mean, whole),
        {"amount_per_buyer": row("amount_per_buyer", mean, Decimal(own[0]), own[1])},
        {
            "shop_sales_amount": row("shop_sales_amount", Decimal(shop[0]), None, None),
            "excluded_amount": row("excluded_amount", Decimal(shop[1]), None, None),
        },
    )
    assert (found.exact, found.n) == (exact, own[1])


@pytest.mark.parametrize(
    ("rule", "first", "last", "fits", "before"),
    [
        ("month", "2026-03-01", "2026-03-31", True, ("2026-02-01", "2026-02-28")),
        ("monthly", "2026-01-01", "2026-03-31", True, ("2025-10-01", "2025-12-31")),
        ("month", "2026-03-02", "2026-03-31", False, ("2026-01-31", "2026-03-01")),
        ("week", "2026-03-02", "2026-03-08", True, ("2026-02-23", "2026-03-01")),
        ("week", "2026-03-03", "2026-03-09", False, ("2026-02-24", "2026-03-02")),
        ("28 天", "2026-03-01", "2026-03-28", True, ("2026-02-01", "2026-02-28")),
        ("28d", "2026-03-01", "2026-03-31", False, ("2026-01-29", "2026-02-28")),
        ("day", "2026-03-01", "2026-03-01", True, ("2026-02-28", "2026-02-28")),
        ("不限", "2026-03-01", "2026-03-31", True, ("2026-01-29", "2026-02-28")),
    ],
)
def test_period_rules(
    rule: str, first: str, last: str, fits: bool, before: tuple[str, str]
) -> None:
    known = load_plan(SMALL.format(more=f"period rule: {rule}")).period_rule
    days = (date.fromisoformat(first), date.fromisoformat(last))
    assert is_whole(known, *days) == fits
    assert period_before(known, *days) == tuple(map(date.fromisoformat, before))


def test_words_of_the_trade_are_understood() -> None:
    assert load_plan(SMALL.format(more="judge rule: 下单优先判定")).judge_rule == "order_first"
    with pytest.raises(InputError, match="28 days"):
        load_plan(SMALL.format(more="period rule: quarter"))
