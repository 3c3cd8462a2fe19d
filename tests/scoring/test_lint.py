"""Lint: the published plan gives its faults and nothing else; every code on a plan of its own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from jinpai.errors import InputError
from jinpai.scoring import lint, load_plan
from jinpai.scoring.lint import CODES

SHIPPED = files("jinpai.scoring") / "plans"


def plan(*indicators: str, rest: str = "") -> str:
    """Return a plan of indicators written as 'metric weight: score interval; score interval'."""
    lines = ["name: test", "indicators:"]
    for indicator in indicators:
        head, bands = indicator.split(": ")
        metric, weight = head.split(" ")
        lines += [f"  - metric: {metric}", f"    weight: {weight}", "    bands:"]
        for band in bands.split("; "):
            score, interval = band.split(" ", 1)
            lines.append(f'      - {{score: {score}, interval: "{interval}"}}')
    return "\n".join([*lines, rest])


HEAD = "name: x\nindicators:\n- metric: a\n"
CLEAN = "inquiry_conversion_rate 100: 90 [0.4, 1]; 70 [0.3, 0.4); 50 [0, 0.3)"


def found(text: str) -> list[tuple[str, str]]:
    return [(row.code, row.path) for row in lint(text)]


def test_the_published_plan_gives_exactly_its_faults() -> None:
    rows = lint(str(SHIPPED / "womens-wear.yaml"))
    by_code: dict[str, list[str]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row.message_en)
    assert {code: len(messages) for code, messages in by_code.items()} == {
        "gap": 1, "overlap": 1, "weights": 1, "count_where_rate": 1, "cliff": 6,
    }  # fmt: skip
    assert "31%" in by_code["gap"][0]
    assert "32% (not included)" in by_code["gap"][0]
    assert "60%" in by_code["overlap"][0]
    assert "65% (not included)" in by_code["overlap"][0]
    assert "95%" in by_code["weights"][0]
    assert "return_rate" in by_code["count_where_rate"][0]
    assert sorted(row.metric for row in rows if row.code == "cliff") == [
        "amount_per_buyer_ratio", "avg_response_seconds", "first_response_seconds",
        "inquiry_conversion_rate", "payment_rate", "return_count",
    ]  # fmt: skip
    assert next(row.metric for row in rows if row.code == "count_where_rate") == "return_count"


def test_a_clean_plan_gives_nothing() -> None:
    assert found(plan(CLEAN)) == []


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        # a gap, half open, and of a single point (the 30 % of the gold-agent standard)
        ("payment_rate 100: 90 [0.5, 1]; 60 [0, 0.4)", [("gap", "indicators[0].bands")]),
        ("payment_rate 100: 90 (0.3, 1]; 60 [0, 0.3)", [("gap", "indicators[0].bands")]),
        # of a single point; the later band is named
        ("payment_rate 100: 90 [0.3, 1]; 60 [0, 0.3]", [("overlap", "indicators[0].bands[1]")]),
        ("payment_rate 90: 90 [0.3, 1]; 60 [0, 0.3)", [("weights", "indicators")]),
        ("payment_rate 100: 90 [0.3, 1]; 60 [0, 0.3); 60 (0.5, 0.5]",
         [("unreachable_band", "indicators[0].bands[2]")]),
        ("payment_rate 100: 90 [0.3, 1]; 60 [0, 0.3); 60 (1, 2]",
         [("unreachable_band", "indicators[0].bands[2]")]),
        ("payment_rate 100: 90 [0.3, 1]; 60 [0, 0.3); 60 [0.4, 0.5)",
         [("overlap", "indicators[0].bands[2]"), ("unreachable_band", "indicators[0].bands[2]")]),
        ("rounds 100: 60 [0, 3]; 60 [4, inf); 50 (3, 4)",
         [("unreachable_band", "indicators[0].bands[2]")]),
        ("payment_rat 100: 90 [0.3, 1]; 60 [0, 0.3)",
         [("unknown_metric", "indicators[0].metric")]),
        ("silent_amount 100: 90 [300, inf); 60 [0, 300)",
         [("unknown_metric", "indicators[0].metric")]),
        ("payment_rate 100: 60 [0.3, 1]; 90 [0, 0.3)", [("direction", "indicators[0].bands")]),
        ("avg_response_seconds 100: 60 [0, 30]; 90 (30, inf)",
         [("direction", "indicators[0].bands")]),
        ("complaint_count 100: 90 [0, 2]; 60 [3, inf)",
         [("count_where_rate", "indicators[0].metric")]),
        ("payment_rate 100: 90 [0.3, 1]; 50 [0, 0.3)", [("cliff", "indicators[0].bands[1]")]),
        ("payment_rate 100: 90 [0.3, 0.9]; 60 [0, 0.3)", [("open_end", "indicators[0].bands")]),
        ("avg_response_seconds 100: 90 [0, 30]; 60 (30, 99]",
         [("open_end", "indicators[0].bands")]),
        ("payment_rate 100: 90 0.3, 1; 60 0, 0.3",
         [("open_end", "indicators[0].bands[0].interval"),
          ("open_end", "indicators[0].bands[1].interval")]),
        ("payment_rate 100: 90 0.3, 1; 60 [0, 0.3)",
         [("open_end", "indicators[0].bands[0].interval")]),
        ("payment_rate 100: 90 (0.3, 1]; 60 0, 0.3",
         [("open_end", "indicators[0].bands[1].interval")]),
        # a middle way is nobody's direction
        ("answer_question_ratio 100: 60 [0, 1); 90 [1, 3]; 60 (3, inf)", []),
        # whole numbers: nothing lies between 3 and 4
        ("rounds 100: 60 [0, 3]; 70 [4, inf)", []),
        ("rounds 100: 60 [0, 3]; 70 [5, inf)", [("gap", "indicators[0].bands")]),
        ("rounds 100: 60 [0, 3]; 70 [3, inf)", [("overlap", "indicators[0].bands[1]")]),
        ("rounds 100: 60 [0, 3.5]; 70 [3.2, inf)", []),
        # 40 points are a cliff, fewer are none
        ("payment_rate 100: 90 [0.3, 1]; 50.01 [0, 0.3)", []),
        # what is written for a rate is percent, fraction or decimal; the widths of its signs too
        ("payment_rate 100: 90 ［３０％，100％］; 60 （-∞，3/10）", []),
    ],
)  # fmt: skip
def test_defects(indicator: str, expected: list[tuple[str, str]]) -> None:
    assert found(plan(indicator)) == expected


def test_a_cliff_names_its_place_and_height() -> None:
    row = lint(plan("payment_rate 100: 90 [0.3, 1]; 50 [0, 0.3)"))[0]
    assert "at 30%" in row.message_en
    assert "40 points" in row.message_en
    assert "30%" in row.message_zh
    assert "40 分" in row.message_zh


def test_variants_are_linted_and_must_not_overlap() -> None:
    band = '{score: 90, interval: "[0, inf)"}'
    peak = "[{metric: avg_response_seconds, weight: 80, bands: [" + band + "]}]"
    rest = "\n".join(
        [
            "variants:",
            f"  - {{from: 2026-06-01, to: 2026-06-20, indicators: {peak}}}",
            f"  - {{from: 2026-06-20, to: 2026-06-21, indicators: {peak}}}",
            f"  - {{from: 2026-06-22, to: 2026-06-30, indicators: {peak}}}",
        ]
    )
    assert found(plan(CLEAN, rest=rest)) == [
        ("weights", "variants[0].indicators"),
        ("weights", "variants[1].indicators"),
        ("weights", "variants[2].indicators"),
        ("variant_overlap", "variants[1]"),
    ]


def test_every_row_has_both_languages_and_a_line() -> None:
    for row in lint(str(SHIPPED / "womens-wear.yaml")):
        assert row.code in CODES
        assert row.line
        assert row.message_en.isascii() or "→" in row.message_en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in row.message_zh)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("name: x\nindicaters: []\n", 2, "Did you mean 'indicators'"),
        ("name: x\nindicators:\n- {metric: a, weight: 5, bands: [{score: 1, interval: [0, 3)}]}\n",
         3, "in quotes"),
        (f"{HEAD}  weight: much\n  bands:\n  - {{score: 1, interval: '3'}}\n",
         4, "takes a number, not 'much'"),
        (f"{HEAD}  weight: 1\n  bands:\n  - {{score: 101, interval: '[0,1]'}}\n",
         6, "from 0 to 100"),
        (f"{HEAD}  weight: 1\n  bands:\n  - {{score: 1, interval: 0..1}}\n",
         6, "is no interval"),
        ("name: x\nname: y\n", 2, "given twice"),
        ("name: x\njudge_rule: first\nindicators: []\n", 2, "'order_first'"),
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InputError) as caught:
        load_plan(text)
    assert caught.value.row == line
    assert words in str(caught.value)
    assert f"第 {line} 行" in caught.value.text_zh


POLICY = """
name: hand
metrics:
  - metric: returning_share
    bands: {gold: "(70%, 1]", senior: "(50%, 70%]", mid: "(30%, 50%]", junior: "[0, 30%)"}
"""


def test_a_grade_policy_is_looked_over_too() -> None:
    # The standard as it was printed: nothing is said of exactly 30 %.
    (row,) = lint(POLICY)
    assert (row.code, row.path, row.line) == ("gap", "metrics[0].bands", 5)
    assert "exactly 30%" in row.message_en
    assert lint(str(SHIPPED / "gold-agent.yaml")) == []
    (row,) = lint(POLICY.replace("(30%, 50%]", "[30%, 55%]"))
    assert (row.code, row.path) == ("overlap", "metrics[0].bands.senior")
    assert "mid and senior" in row.message_en
    assert "中级档和高级档" in row.message_zh
    assert [row.code for row in lint(POLICY.replace("returning_share", "old_buyer_churn"))] == [
        "gap", "direction",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "name: &a [*a]\nindicators: []\n",
        "name: x\nindicators: " + "[" * 3000 + "]" * 3000 + "\n",
        "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nindicators: [*e, *e, *e, *e, *e, *e, *e]\n",
    ],
)
def test_documents_that_would_eat_the_machine(text: str) -> None:
    with pytest.raises(InputError, match="too large"):
        load_plan(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_plans_as_editors_save_them(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "方案.yaml"
    path.write_bytes(plan(CLEAN).replace("name: test", "name: 售前绩效").encode(encoding))
    assert load_plan(path).name == "售前绩效"
