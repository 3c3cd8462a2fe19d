"""The rows behind every figure, counted again with plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.metrics.definition import registry
from jinpai.metrics.evidence import explain_metric
from jinpai.metrics.query import MetricRow, ShopScope, query
from jinpai.metrics.result import json_row
from reference.shops import random_shop
from reference.test_worked_examples import chat
from reference.test_worked_examples import shop as worked_shop
from worlds import ask, put_tables, run_shop, run_shops, scope

GRAINS: tuple[tuple[str, ...], ...] = ((), ("agent",), ("agent", "day"), ("team",), ("product",))
NAMES = {"agent": "agent_id", "team": "team", "product": "product_id"}
NAMES |= {"stage": "stage", "cause": "cause"}


def recount(made: dict[str, Any], role: str, side: str = "own") -> Fraction | None:
    """Count one number of a figure again from its rows, as its arithmetic says."""
    how = made["arithmetic"][role if side == "own" else f"shop_{role}"]
    rows = [row for row in made["rows"] if row["role"] == side and row.get(f"in_{role}")]
    if how["kind"] == "distinct":
        return Fraction(len({tuple(row[name] for name in how["columns"]) for row in rows}))
    amounts: list[Fraction] = [Fraction(row[f"amount_{role}"]) for row in rows]
    if how["kind"] == "count":
        assert set(amounts) <= {1}
    if how["kind"] == "max":
        return max(amounts, default=Fraction(0))
    if how["kind"] == "sum_once":
        keys = [tuple(row[name] for name in how["once_per"]) for row in rows]
        amounts = list(dict(zip(keys, amounts, strict=True)).values())
    if how["columns"] == ["online_us"] and not rows:
        return None
    return sum(amounts, Fraction(0)) / int(how["divide_by"])


def over(top: Fraction | None, bottom: Fraction | None) -> Fraction | None:
    return top / bottom if top is not None and bottom else None


def figures(made: dict[str, Any]) -> list[Fraction | None]:
    """Return value, numerator and denominator, each counted from the rows."""
    top = recount(made, "numerator")
    formula = made["arithmetic"]["value"]
    if formula == "numerator":
        return [top, top, None]
    if formula == "numerator - minus":
        less = recount(made, "minus")
        assert top is not None
        assert less is not None
        return [top - less, top - less, None]
    bottom = recount(made, "denominator")
    if formula == "numerator / denominator":
        return [over(top, bottom), top, bottom]
    assert formula == "(numerator / denominator) / (shop_numerator / shop_denominator)"
    own = over(top, bottom)
    shop = over(recount(made, "numerator", "shop"), recount(made, "denominator", "shop"))
    return [over(own, shop), own, shop]


def same(shown: Any, counted: Fraction | None) -> bool:
    """Whole numbers and money exactly; a float is the nearest one to the exact quotient."""
    if shown is None or counted is None:
        return shown is None and counted is None
    return bool(shown == float(counted)) if isinstance(shown, float) else Fraction(shown) == counted


def some_cell(rows: list[MetricRow], rng: random.Random, metric: str) -> MetricRow | None:
    """Return a filled cell of the metric, or one with nothing in it, or None."""
    mine = [row for row in rows if row.metric == metric]
    filled = [row for row in mine if row.value]
    return rng.choice(filled or mine) if mine else None


# Between them, these shops have a figure that is not 0 for nearly every metric.
@pytest.mark.parametrize(
    ("seed", "rule"), [(1000, "order"), (1018, "order_first"), (1031, "payment")]
)
def test_every_figure_can_be_counted_again(seed: int, rule: str) -> None:
    rng = random.Random(seed)
    shop = random_shop(rng)
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [shop])
        run = run_shop(shop, None)
        run_shops(engine, [run])
        place = scope(run)
        # One rule's metric stands for all of them.
        others = [registry().metric(code) for code in ("rule_ignored_rate", "dispute_share")]
        rows = {
            grain: ask(engine, [place], grain, rule)
            + query(engine, [place], metrics=others, grain=grain, judge_rule=rule)
            for grain in GRAINS
        }
        for metric in registry().metrics:
            if metric.on_demand and metric not in others:
                continue
            for grain in ((), rng.choice(GRAINS[1:4]), *GRAINS[4:]):
                row = some_cell(rows[grain], rng, metric.code)
                assert row is not None or grain or metric.classes, metric.code
                if row is not None:
                    check(engine, place, row, rule)


def check(engine: DuckEngine, place: ShopScope, row: MetricRow, rule: str) -> None:
    who = {part: row.grain[name] for part, name in NAMES.items() if name in row.grain}
    made = explain_metric(
        engine, place, row.metric, who=who, day=row.grain.get("day"), judge_rule=rule
    )
    shown = json_row(row)
    assert made["cell"] == shown["grain"]
    for name in ("value", "numerator", "denominator", "status"):
        assert made[name] == shown[name], (row, name)
    assert made["row_count"] == len(made["rows"])
    for name, counted in zip(("value", "numerator", "denominator"), figures(made), strict=True):
        assert same(made[name], counted), (row, name, made[name], counted)


@pytest.fixture
def rounds_shop() -> Iterator[tuple[DuckEngine, ShopScope]]:
    """The rounds of the definitions' worked example; one message holds a mobile number."""
    messages = chat(
        "1 10:00:00 B", "1 10:00:01 a", "1 10:00:20 B", "1 10:00:50 X", "1 10:00:55 X",
        "1 10:03:00 B", "1 10:14:30 X", "1 10:15:00 B",
    )  # fmt: skip
    messages[2]["text"] = "电话13812341234,单号4512138123412340000"
    with DuckEngine(threads=2) as engine:
        made = worked_shop(messages)
        put_tables(engine, [made])
        run = run_shop(made, None)
        run_shops(engine, [run])
        yield engine, scope(run)


def test_rounds_come_with_their_messages(rounds_shop: tuple[DuckEngine, ShopScope]) -> None:
    engine, place = rounds_shop
    made = explain_metric(engine, place, "rounds", who={"agent": "X"})
    talks = [[m["sent_at"][11:19] for m in row["messages"]] for row in made["rows"]]
    # Shanghai is 8 hours ahead. The last round is never closed; the second is closed after a cut.
    assert talks == [
        ["02:00:00", "02:00:01", "02:00:20", "02:00:50"],
        ["02:03:00", "02:14:30"],
        ["02:15:00"],
    ]
    first = made["rows"][0]["messages"]
    assert [m["is_auto"] for m in first] == [False, True, False, False]
    assert [m["sender"] for m in first] == ["buyer", "agent", "buyer", "agent"]
    assert made["rows"][0]["opened_at"] == "2026-03-01T02:00:00Z"


def test_mobile_numbers_are_masked_unless_asked_for(
    rounds_shop: tuple[DuckEngine, ShopScope],
) -> None:
    engine, place = rounds_shop
    shown = [
        explain_metric(engine, place, "rounds", who={}, unmask=unmask)["rows"][0]["messages"][2]
        for unmask in (False, True)
    ]
    assert shown[0]["text"] == "电话138****1234,单号4512138123412340000"
    assert shown[1]["text"] == "电话13812341234,单号4512138123412340000"


def test_a_limit_leaves_rows_out_but_says_how_many(
    rounds_shop: tuple[DuckEngine, ShopScope],
) -> None:
    engine, place = rounds_shop
    made = explain_metric(engine, place, "rounds", who={}, limit=2)
    assert (len(made["rows"]), made["row_count"], made["value"]) == (2, 3, 3)


def test_a_cell_with_nothing_in_it_is_a_figure_too(
    rounds_shop: tuple[DuckEngine, ShopScope],
) -> None:
    engine, place = rounds_shop
    made = explain_metric(engine, place, "avg_response_seconds", who={"agent": None})
    assert (made["value"], made["denominator"], made["rows"]) == (None, 0, [])
    made = explain_metric(engine, place, "sales_amount", who={"agent": "X"})
    assert made["value"] == "0.00"


@pytest.mark.parametrize(
    ("code", "who", "message"),
    [
        ("round", {}, "Did you mean 'rounds'"),
        ("rounds", {"agent": "Y"}, "no agent 'Y'"),
        ("rounds", {"team": "east"}, "no team 'east'"),
        ("sales_amount", {"product": "p1"}, "no product 'p1'"),
    ],
)
def test_unknown_names(
    rounds_shop: tuple[DuckEngine, ShopScope], code: str, who: dict[str, str | None], message: str
) -> None:
    with pytest.raises(UnknownName, match=message):
        explain_metric(*rounds_shop, code, who=who)


def test_a_metric_of_the_shop_has_no_agents(rounds_shop: tuple[DuckEngine, ShopScope]) -> None:
    with pytest.raises(UsageError, match="exists for the shop"):
        explain_metric(*rounds_shop, "silent_amount", who={"agent": "X"})
