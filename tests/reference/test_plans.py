"""Section 5 and the plan table of section 6, from their text and seeds 33 to 54."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from .grades import DEFAULT, GRADES, combine, grade_of, standing
from .plans import Measure, lint, parse_interval, score, variant_of

RATE = Measure(Fraction(0), Fraction(1), direction="higher")
WAIT = Measure(Fraction(0), math.inf, direction="lower")
MEASURES = {
    "inquiry_conversion_rate": RATE,
    "payment_rate": RATE,
    "amount_per_buyer_ratio": Measure(Fraction(0), math.inf, direction="higher"),
    "first_response_seconds": WAIT,
    "avg_response_seconds": WAIT,
    "return_count": Measure(
        Fraction(0), math.inf, whole=True, direction="lower", rate="return_rate"
    ),
}
# Seeds 34 to 39: score and interval of each band.
SEEDS = {
    "inquiry_conversion_rate 30": "100 [41%,inf); 90 [38%,41%); 80 [35%,38%); 70 [32%,35%);"
    " 60 [28%,31%); 50 [25%,28%); 0 (-inf,25%)",
    "payment_rate 25": "100 [90%,inf); 90 [80%,90%); 80 [70%,80%); 70 [60%,70%); 60 [50%,65%);"
    " 0 (-inf,50%)",
    "amount_per_buyer_ratio 20": "100 [1.23,inf); 90 [1.21,1.23); 80 [1.19,1.21);"
    " 70 [1.17,1.19); 60 [1.15,1.17); 0 (-inf,1.15)",
    "first_response_seconds 10": "100 (-inf,10]; 90 (10,15]; 80 (15,20]; 70 (20,25]; 60 (25,30];"
    " 0 (30,inf)",
    "avg_response_seconds 5": "100 (-inf,20]; 90 (20,25]; 80 (25,30]; 70 (30,35]; 60 (35,40];"
    " 0 (40,inf)",
    "return_count 5": "100 (-inf,3); 80 [3,10); 60 [10,20); 0 [20,inf)",
}
AGENTS = {
    "A": ("88/275", "228/240", "78.23/66.3", "13", "21", "6"),
    "B": ("582/1455", "247/325", "76.9/66.3", "8", "19", "23"),
    "C": ("232/800", "198/225", "82.8/66.3", "16", "27", "0"),
}
TABLE = {
    "A": ((70, 100, 70, 90, 90, 80), Fraction("77.5"), Fraction("81.5")),
    "B": ((90, 80, 60, 100, 100, 0), Fraction("74.0"), Fraction("74.0")),
    "C": ((60, 90, 100, 80, 80, 100), Fraction("77.5"), Fraction("82.5")),
}


def indicator(head: str, bands: str) -> dict[str, Any]:
    """Return an indicator of 'metric weight' and 'score interval; …'."""
    metric, weight = head.split(" ")
    parts = [band.strip().split(" ", 1) for band in bands.split(";")]
    return {
        "metric": metric,
        "weight": weight,
        "bands": [{"score": worth, "interval": interval} for worth, interval in parts],
    }


def seeds_plan() -> list[dict[str, Any]]:
    return [indicator(head, bands) for head, bands in SEEDS.items()]


def quotient(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or 1)


@pytest.mark.parametrize("agent", "ABC")
def test_the_table(agent: str) -> None:
    values = dict(zip(MEASURES, map(quotient, AGENTS[agent]), strict=True))
    scores, total, with_returns_at_10 = TABLE[agent]
    plan = seeds_plan()
    made = score(plan, values, missing="exclude")
    assert [line.score for line in made.lines] == [Fraction(one) for one in scores]
    assert made.total == total
    assert made.normalised == 100 * total / 95
    plan[-1]["weight"] = 10
    made = score(plan, values, missing="exclude")
    assert (made.total, made.normalised) == (
        Fraction(with_returns_at_10),
        Fraction(with_returns_at_10),
    )


def test_missing_values_and_gaps() -> None:
    """A half of 60 and of a value in the gap: 60 by exclude, 30 by zero."""
    plan = [
        indicator("payment_rate 50", "60 [0,1]"),
        indicator("inquiry_conversion_rate 50", SEEDS["inquiry_conversion_rate 30"]),
    ]
    for value in (None, Fraction(315, 1000)):
        values = {"payment_rate": Fraction(1, 2), "inquiry_conversion_rate": value}
        made = score(plan, values, missing="exclude")
        assert (made.total, made.normalised) == (Fraction(30), Fraction(60))
        made = score(plan, values, missing="zero")
        assert (made.total, made.normalised) == (Fraction(30), Fraction(30))
    nothing = score(plan, {}, missing="exclude")
    assert nothing.total == 0
    assert nothing.normalised is None


def test_lint_of_the_seeds() -> None:
    assert Counter(lint({"indicators": seeds_plan()}, MEASURES)) == Counter(
        {
            ("weights", ""): 1,
            ("gap", "inquiry_conversion_rate"): 1,
            ("overlap", "payment_rate"): 1,
            ("count_where_rate", "return_count"): 1,
            **{("cliff", metric): 1 for metric in MEASURES},
        }
    )


@pytest.mark.parametrize(
    ("bands", "codes"),
    [
        ("90 [0.5,1]; 60 [0,0.5)", []),
        ("90 (0.5,1]; 60 [0,0.5)", ["gap"]),
        ("90 [0.5,1]; 60 [0,0.5]", ["overlap"]),
        ("90 [0.5,1); 60 [0,0.5)", ["open_end"]),
        ("90 [0.5,1]; 60 (0,0.5)", ["open_end"]),
        ("60 [0.5,1]; 90 [0,0.5)", ["direction"]),
        ("90 [0.5,1]; 50 [0,0.5)", ["cliff"]),
        ("90 [0.5,1]; 60 [0,0.5); 70 (1,2]", ["unreachable_band"]),
        ("90 [0.5,1]; 60 [0,0.5); 70 [0.6,0.7]", ["overlap", "unreachable_band"]),
        ("90 0.5,1; 60 [0,0.5)", ["open_end"]),
    ],
)
def test_lint_of_one_fault(bands: str, codes: list[str]) -> None:
    plan = {"indicators": [indicator("payment_rate 100", bands)]}
    assert [code for code, _ in lint(plan, MEASURES)] == codes


@pytest.mark.parametrize(
    ("bands", "codes"),
    [
        ("90 [0,3]; 60 [4,inf)", []),
        ("90 [0,3]; 60 (3.5,inf)", []),
        ("90 [0,3]; 60 (4,inf)", ["gap"]),
        ("90 [0,3.5]; 60 [3.1,inf)", []),
        ("90 [0,3]; 60 [3,inf)", ["overlap"]),
        ("90 [0,3]; 60 [4,inf); 70 (3,4)", ["unreachable_band"]),
    ],
)
def test_whole_numbers(bands: str, codes: list[str]) -> None:
    plan = {"indicators": [indicator("return_count 100", bands)]}
    found = [code for code, _ in lint(plan, MEASURES)]
    assert found == sorted([*codes, "count_where_rate"])


def test_variants() -> None:
    peak = {"from": date(2026, 6, 1), "to": date(2026, 6, 20), "indicators": seeds_plan()}
    late = {"from": date(2026, 6, 20), "to": date(2026, 6, 30), "indicators": seeds_plan()}
    clean = [indicator("payment_rate 100", "90 [0.5,1]; 60 [0,0.5)")]
    plan = {"indicators": clean, "variants": [peak]}
    assert variant_of(plan, date(2026, 6, 1), date(2026, 6, 20)) == peak["indicators"]
    assert variant_of(plan, date(2026, 5, 1), date(2026, 5, 31)) == clean
    assert variant_of(plan, date(2026, 6, 1), date(2026, 6, 21)) is None
    assert variant_of(plan, date(2026, 5, 1), date(2026, 6, 30)) is None
    codes = Counter(code for code, _ in lint({**plan, "variants": [peak, late]}, MEASURES))
    assert (codes["variant_overlap"], codes["weights"]) == (1, 2)


def test_default_grades() -> None:
    edges = {  # value in percent (days for the cycle) -> grade, at and around each limit
        "returning_share": {
            70: "senior",
            71: "gold",
            50: "mid",
            51: "senior",
            30: "mid",
            29: "junior",
        },
        "old_buyer_churn": {
            19: "gold",
            20: "senior",
            29: "senior",
            30: "mid",
            39: "mid",
            40: "junior",
        },
        "purchase_cycle_days": {44: "gold", 45: "senior", 70: "mid", 94: "mid", 95: "junior"},
        "new_buyer_conversion_rate": {81: "gold", 80: "senior", 70: "mid", 60: "junior"},
        "new_buyer_repurchase_rate": {11: "gold", 10: "senior", 7: "mid", 4: "junior"},
        "new_buyer_retention_rate": {6: "gold", 5: "senior", 4: "mid", 3: "junior"},
    }
    assert set(edges) == set(DEFAULT)
    for metric, known in edges.items():
        for value, grade in known.items():
            unit = 1 if metric == "purchase_cycle_days" else 100
            assert grade_of(metric, Fraction(value, unit)) == grade
    for bands in DEFAULT.values():
        whole = [parse_interval(text) for text in bands]
        assert len(whole) == len(GRADES)


def test_one_grade_of_many() -> None:
    assert combine(["gold", "senior", "mid", "junior"], "median") == "mid"
    assert combine(["gold", "senior", "mid"], "median") == "senior"
    assert combine(["gold", "senior", "mid", "junior"], "min") == "junior"
    assert combine(["gold", None], "median") == "gold"
    assert combine(["gold", None, None], "median") is None
    assert combine([None], "min") is None
    # (3·1 + 0·1) ÷ 2 = 1.5: a half goes down; with 3·2 it is 2.
    assert combine(["gold", "junior"], "weighted", weights=[Fraction(1), Fraction(1)]) == "mid"
    assert combine(["gold", "junior"], "weighted", weights=[Fraction(2), Fraction(1)]) == "senior"


def test_hysteresis() -> None:
    low, high = "junior", "gold"
    assert standing([low, high, low, high, low, low]) == [low, high, high, high, high, low]
    # Two periods below in a row: to the grade computed then, not to the first of them.
    assert standing([high, "junior", "mid"]) == [high, high, "mid"]
    assert standing([low, "senior", "gold"], promote_after=2) == [low, low, "gold"]
    # A period at the grade held, or without one, breaks the row.
    assert standing([None, high, "mid", None, "mid"]) == [None, high, high, high, high]
    assert standing([high, "mid", high, "mid"]) == [high, high, high, high]
