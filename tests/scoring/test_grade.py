"""Grades: the gold-agent standard at its edges, combining, hysteresis; who makes the value."""

from __future__ import annotations

from fractions import Fraction

import pytest

from jinpai.errors import InputError
from jinpai.scoring import concentration, default_policy, grade, load_policy
from jinpai.scoring.grade import held_grade

# seeds 49 to 54: value -> grade, at and beside every printed end
EDGES = {
    "returning_share": {"70.01%": "gold", "70%": "senior", "50.01%": "senior", "50%": "mid",
                        "30.01%": "mid", "30%": "mid", "29.99%": "junior"},
    "old_buyer_churn": {"19.99%": "gold", "20%": "senior", "29.99%": "senior", "30%": "mid",
                        "39.99%": "mid", "40%": "junior"},
    "purchase_cycle_days": {"44.9": "gold", "45": "senior", "69.9": "senior", "70": "mid",
                            "94.9": "mid", "95": "junior"},
    "new_buyer_conversion_rate": {"80.1%": "gold", "80%": "senior", "70.1%": "senior",
                                  "70%": "mid", "60.1%": "mid", "60%": "junior"},
    "new_buyer_repurchase_rate": {"10.1%": "gold", "10%": "senior", "7.1%": "senior", "7%": "mid",
                                  "4.1%": "mid", "4%": "junior"},
    "new_buyer_retention_rate": {"5.1%": "gold", "5%": "senior", "4.1%": "senior", "4%": "mid",
                                 "3.1%": "mid", "3%": "junior"},
}  # fmt: skip
# One value of each grade, by metric.
VALUES = {code: {got: value for value, got in edges.items()} for code, edges in EDGES.items()}


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [(code, value, got) for code, edges in EDGES.items() for value, got in edges.items()],
)
def test_the_standard_at_its_edges(code: str, value: str, expected: str) -> None:
    lines = {line.metric: line for line in grade(default_policy(), {"a": {code: value}})[0].lines}
    assert lines[code].grade == expected


def graded(*grades: str | None, policy: str = "") -> str | None:
    """Return the grade of an agent whose six metrics have these grades."""
    values = {
        code: VALUES[code][got] if got else None for code, got in zip(EDGES, grades, strict=True)
    }
    text = default_policy().document.text.replace(
        "combine: median", f"combine: {policy or 'median'}"
    )
    return grade(load_policy(text), {"a": values})[0].computed


def test_median_takes_the_lower_middle_of_an_even_number() -> None:
    assert graded("gold", "gold", "gold", "mid", "mid", "junior") == "mid"
    assert graded("gold", "gold", "gold", "gold", "mid", "junior") == "gold"
    assert graded("gold", "senior", "mid", "junior", "junior", None) == "mid"


def test_half_of_the_metrics_is_enough() -> None:
    assert graded("gold", "senior", "mid", None, None, None) == "senior"
    assert graded("gold", "senior", None, None, None, None) is None


def test_min_and_weighted() -> None:
    assert graded("gold", "gold", "gold", "gold", "gold", "mid", policy="min") == "mid"
    # gold 3, senior 2, mid 1, junior 0: the mean of 3 3 3 0 0 0 is 1.5, a half goes down
    half = ("gold", "gold", "gold", "junior", "junior", "junior")
    assert graded(*half, policy="weighted") == "mid"
    assert graded("gold", "gold", "gold", "mid", "junior", "junior", policy="weighted") == "senior"


def test_weights_count() -> None:
    text = (
        default_policy()
        .document.text.replace("combine: median", "combine: weighted")
        .replace("- metric: returning_share", "- metric: returning_share\n    weight: 10")
    )
    values = {code: VALUES[code]["junior"] for code in EDGES} | {"returning_share": "90%"}
    # 10 × 3 of 15 weights: 2.0
    assert grade(load_policy(text), {"a": values})[0].computed == "senior"


@pytest.mark.parametrize(
    ("computed", "held"),
    [
        (["mid", "senior"], "senior"),  # rises after one period
        (["senior", "mid"], "senior"),  # falls only after two
        (["senior", "mid", "junior"], "junior"),  # then to the grade computed
        (["senior", "mid", "senior", "mid"], "senior"),  # not in a row
        (["senior", "mid", None, "mid"], "senior"),  # a period without a grade breaks the row
        (["senior", "mid", "mid", "mid"], "mid"),
        ([None, "gold"], "gold"),
        ([None], None),
        (["junior", "gold", "junior"], "gold"),
    ],
)
def test_hysteresis(computed: list[str | None], held: str | None) -> None:
    assert held_grade(computed, 1, 2)[0] == held


def test_promotion_may_ask_for_patience_too() -> None:
    assert held_grade(["mid", "gold", "senior"], 2, 2)[0] == "senior"
    assert held_grade(["mid", "gold", "mid", "gold"], 2, 2)[0] == "mid"


def test_reasons_say_all_of_it() -> None:
    values = {code: VALUES[code]["mid"] for code in EDGES} | {"purchase_cycle_days": None}
    one = grade(default_policy(), {"a": values}, {"a": ["senior"]})[0]
    assert (one.grade, one.computed) == ("senior", "mid")
    text, text_zh = " ".join(one.reasons_en), " ".join(one.reasons_zh)
    for words in ("Returning buyers 30.00% lies in [30%, 50%]: mid", "5 mid: the median is mid",
                  "there is no value", "It stays senior: mid for 1 of the 2 periods"):  # fmt: skip
        assert words in text
    for words in ("回头客占比 30.00%", "中级 5 项", "没有数据", "维持高级"):
        assert words in text_zh


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("gold: ", "golden: "), "'gold'"),
        (("combine: median", "combine: mean"), "median"),
        (("demote_after: 2", "demote_after: 0"), "demote_after"),
        (("least_present: 1/2", "least_present: 2"), "from 0 to 1"),
    ],
)
def test_policies_that_do_not_hold(change: tuple[str, str], words: str) -> None:
    text = default_policy().document.text
    with pytest.raises(InputError, match=words) as caught:
        load_policy(text.replace(*change, 1))
    assert caught.value.row


def test_the_top_fifth() -> None:
    spread = concentration({str(at): Fraction(at) for at in range(1, 11)})
    # 10 and 9 of 55; 10 + 9 + 8 + 7 + 6 + 5 = 45 ≥ 44
    assert (spread.top, spread.top_share) == (2, Fraction(19, 55))
    assert spread.share_at_fifth == Fraction(19, 55)
    assert spread.agents_for_80 == 6
    assert spread.curve[0] == (0, 0)
    assert spread.curve[-1] == (1, 1)


def test_the_top_fifth_of_three_and_of_none() -> None:
    spread = concentration({"a": Fraction(60), "b": Fraction(30), "c": Fraction(10)})
    # a fifth of three, rounded up, is one; on the curve a fifth is three fifths of the first
    assert (spread.top, spread.top_share) == (1, Fraction(3, 5))
    assert spread.share_at_fifth == Fraction(36, 100)
    assert concentration({"a": Fraction(0)}).top_share is None
    assert concentration({}).curve == ()


def test_equal_sales_have_no_concentration() -> None:
    spread = concentration(dict.fromkeys("abcde", Fraction(7)))
    assert (spread.top_share, spread.gini) == (Fraction(1, 5), 0)
