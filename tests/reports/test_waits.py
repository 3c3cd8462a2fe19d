"""Waits: the distribution of hand-worked rounds."""

from __future__ import annotations

import pytest

from jinpai.reports.waits import EDGES, THRESHOLDS, Waits, merged

S = 1_000_000
# 1, 2, … 10 s, one each, and 600 s answered late or never: 2 rounds more.
TEN = Waits(12, {second * S: 1 for second in range(1, 11)})


def test_ten_rounds_by_hand() -> None:
    assert TEN.answered == 10
    assert TEN.mean == 5.5
    assert TEN.median == 5.5
    assert TEN.p90 == 9.0  # nine of ten waits are at most 9 s
    assert TEN.deviation == pytest.approx((82.5 / 9) ** 0.5)  # squares 5.5² … 0.5² … twice


@pytest.mark.parametrize(
    ("waits", "median", "p90"),
    [({5 * S: 1}, 5.0, 5.0), ({1 * S: 2, 9 * S: 1}, 1.0, 9.0), ({1 * S: 1, 2 * S: 1}, 1.5, 2.0)],
)
def test_few_rounds(waits: dict[int, int], median: float, p90: float) -> None:
    few = Waits(sum(waits.values()), waits)
    assert (few.median, few.p90) == (median, p90)


def test_shares_are_of_all_rounds_and_take_the_end_in() -> None:
    waits = Waits(8, {15 * S: 2, 15 * S + 1: 1, 60 * S: 1})
    assert [waits.share_within(seconds) for seconds in THRESHOLDS] == [0.25, 0.375, 0.375, 0.5, 0.5]


def test_bars_hold_every_round_once() -> None:
    waits = Waits(10, {5 * S: 1, 5 * S + 1: 2, 180 * S: 3, 181 * S: 1})
    assert waits.bars() == [1, 2, 0, 0, 0, 0, 0, 3, 1, 3]
    assert sum(waits.bars()) == waits.rounds
    assert len(waits.bars()) == len(EDGES) + 2


def test_nothing_is_null_not_zero() -> None:
    nothing = Waits()
    assert (nothing.mean, nothing.median, nothing.p90, nothing.deviation) == (None,) * 4
    assert nothing.share_within(15) is None
    assert Waits(3, {}).share_within(15) == 0.0


def test_merged_rounds_are_counted_together() -> None:
    both = merged([TEN, Waits(1, {10 * S: 1})])
    assert (both.rounds, both.answered, both.counts[10 * S]) == (13, 11, 2)
