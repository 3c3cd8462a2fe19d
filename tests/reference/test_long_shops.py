"""What section 4 promises of after-sales and loyalty figures, on random shops of months."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from .facts import facts
from .long_shops import random_days, random_long_shop
from .loyalty import cohorts
from .metrics import FAMILIES, evaluate
from .model import RULES, Row, latest

REFUNDS = ("refund_count", "return_count")
OF_BUYERS = ("returning_share", "old_buyer_churn", "new_buyer_retention_rate")


def total(rows: list[Row], metric: str, column: str = "value") -> Fraction:
    return sum((Fraction(getattr(r, column) or 0) for r in rows if r.metric == metric), Fraction(0))


@pytest.mark.parametrize("seed", range(12))
def test_promises(seed: int) -> None:
    rng = Random(seed)
    shop = random_long_shop(rng)
    first, last = random_days(rng, shop)
    by_grain = {
        grain: evaluate(
            shop, grains=[grain], day_from=first, day_to=last, judge_rule=RULES[seed % 3],
            families=FAMILIES[1:],
        )
        for grain in ((), ("team",), ("agent",), ("product",))
    }  # fmt: skip
    whole = by_grain[()]
    for metric in REFUNDS:
        assert total(whole, metric) == total(by_grain["product",], metric)
        assert total(by_grain["team",], metric) <= total(whole, metric)
        assert total(by_grain["agent",], metric) == total(by_grain["team",], metric)
    for metric in OF_BUYERS:  # each buyer follows one agent, of one team, or nobody
        for column in ("numerator", "denominator"):
            people = [total(by_grain[g], metric, column) for g in (("agent",), ("team",), ())]
            assert people[0] == people[1] <= people[2]
    for column in ("stage", "cause"):
        slices = [row for row in whole if column in row.grain]
        assert sum(Fraction(row.value or 0) for row in slices) == (1 if slices else 0)


@pytest.mark.parametrize("seed", range(6))
def test_cohorts_add_up(seed: int) -> None:
    shop = random_long_shop(Random(seed))
    found = facts(shop, latest(shop) or 0, "order_first")
    known = [paid for paid in found.paid if paid.buyer_id is not None]
    table = cohorts(found)
    assert sum(one.amount for one in table) == sum(paid.amount for paid in known)
    starts = sum(one.buyers for one in table if one.months == 0)
    assert starts == len({paid.buyer_id for paid in known})
