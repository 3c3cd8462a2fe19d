"""Pay: tables by score and by rank, pools, caps; every cent given out once."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from jinpai.errors import InputError, UnknownName
from jinpai.scoring import Sheet, load_plan, score
from jinpai.scoring.pay import share_out

PLAN = """
name: paid
indicators:
  - metric: reply_rate
    weight: 100
    bands:
      - {score: 100, interval: "[0.9, 1]"}
      - {score: 80, interval: "[0.5, 0.9)"}
      - {score: 60, interval: "[0, 0.5)"}
pay:
"""
# Scores of 100, 100, 80 and 60, and sales for pools.
TEAM = {
    "a": {"reply_rate": 1, "sales_amount": "300.00"},
    "b": {"reply_rate": 0.95, "sales_amount": "100.00"},
    "c": {"reply_rate": 0.5, "sales_amount": "200.00"},
    "d": {"reply_rate": 0, "sales_amount": "0.00"},
}


def paid(rules: str) -> Sheet:
    return score(load_plan(PLAN + rules), TEAM)


def cents(sheet: Sheet) -> dict[str, tuple[int, int]]:
    return {one.subject: (one.pay.table, one.pay.pool) for one in sheet.agents if one.pay}


BY_SCORE = """
  table:
    - {interval: "[90, 100]", amount: 1000.50}
    - {interval: "[70, 90)", amount: 400}
"""


def test_by_score() -> None:
    assert cents(paid(BY_SCORE)) == {
        "a": (100050, 0), "b": (100050, 0), "c": (40000, 0), "d": (0, 0),
    }  # fmt: skip


def test_by_rank_equals_share_the_amounts_of_their_places() -> None:
    rules = """
  by: rank
  table:
    - {interval: "[1, 1]", amount: 1000.00}
    - {interval: "[2, 2]", amount: 500.01}
    - {interval: "[3, 3]", amount: 300}
"""
    # a and b are both first: 1000.00 + 500.01 in two; the odd cent goes to the first by name.
    assert cents(paid(rules)) == {
        "a": (75001, 0), "b": (75000, 0), "c": (30000, 0), "d": (0, 0),
    }  # fmt: skip


def test_pool_in_proportion_to_a_metric() -> None:
    # 100.00 over 300 : 100 : 200 : 0 = 50.00, 16.666…, 33.333…: the largest remainder is b's.
    sheet = paid("  pool: {amount: 100, share_by: sales_amount}\n")
    assert cents(sheet) == {"a": (0, 5000), "b": (0, 1667), "c": (0, 3333), "d": (0, 0)}


def test_pool_by_total_for_those_with_enough() -> None:
    # 100 : 100 : 80 of 280; d has 60, fewer than 70, and takes no part.
    sheet = paid("  pool: {amount: 280.00, share_by: total, least: 70}\n")
    assert cents(sheet) == {"a": (0, 10000), "b": (0, 10000), "c": (0, 8000), "d": (0, 0)}


def test_what_a_cap_takes_goes_to_the_others() -> None:
    # Uncapped 50.00 / 16.67 / 33.33; a is capped at 40.00, the other 60.00 go 1 : 2.
    sheet = paid("  pool: {amount: 100, share_by: sales_amount, cap: 40}\n")
    assert cents(sheet) == {"a": (0, 4000), "b": (0, 2000), "c": (0, 4000), "d": (0, 0)}
    assert sheet.agent("a").pay is not None
    assert sheet.agent("a").pay.capped
    assert sheet.pool_left == 0


def test_what_every_cap_refuses_is_left_and_said() -> None:
    sheet = paid("  pool: {amount: 100, share_by: equal, cap: 20}\n")
    assert cents(sheet) == dict.fromkeys("abcd", (0, 2000))
    assert sheet.pool_left == 20


def test_the_cap_of_all_holds_for_table_and_pool_together() -> None:
    rules = BY_SCORE + "  pool: {amount: 400, share_by: equal}\n  cap: 1050.50\n"
    # Equal shares are 100.00; a and b have room for 50.00, so c and d get 150.00 each.
    assert cents(paid(rules)) == {
        "a": (100050, 5000), "b": (100050, 5000), "c": (40000, 15000), "d": (0, 15000),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("  table: [{interval: '[90, 100]', amount: 1.005}]\n", "whole cents"),
        ("  table: [{interval: '[0, 9]', amount: 1}, {interval: '[9, 20]', amount: 2}]\n",
         "two rows"),
        ("  pool: {amount: -1}\n", "0.00 or more"),
    ],
)  # fmt: skip
def test_rules_that_do_not_hold(rules: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_plan(PLAN + rules)


def test_a_pool_by_an_unknown_metric() -> None:
    with pytest.raises(UnknownName, match="sales_amount"):
        paid("  pool: {amount: 1, share_by: sale_amount}\n")


@pytest.mark.parametrize("seed", range(40))
def test_shares_add_up(seed: int) -> None:
    rng = Random(seed)
    pool, cap = rng.randint(0, 10**7), rng.randint(0, 10**6)
    exact = {str(who): Fraction(rng.randint(0, 50)) for who in range(rng.randint(1, 30))}
    shares = share_out(pool, exact)
    assert sum(shares.values()) == pool
    whole = sum(exact.values()) or len(exact)
    for who, share in shares.items():
        weight = exact[who] if any(exact.values()) else 1
        assert abs(share - pool * weight / whole) < 1
    limited = share_out(pool, exact, dict.fromkeys(exact, cap))
    takers = sum(weight > 0 for weight in exact.values()) or len(exact)
    assert sum(limited.values()) == min(pool, takers * cap)
    assert max(limited.values()) <= cap
