"""Who needs training in what: only what chance cannot have made, on enough cases."""

from __future__ import annotations

import pytest

from jinpai.reports.findings import Sample, findings, one_per_topic

NAMES = {"a": "Ann", "b": "Bob", "c": "Cat"}


def rate(count: int, n: int) -> Sample:
    return Sample(n, count, count, is_rate=True, higher=True)


def seconds(n: int, mean: float, spread: float) -> Sample:
    """Half of the waits below and half above the mean."""
    low, high = mean - spread, mean + spread
    return Sample(n, n * mean, n / 2 * (low * low + high * high), is_rate=False, higher=False)


def test_two_conversions_by_hand() -> None:
    # p = 40/80 = 0.5, error = √(0.25 × 2/40) = 0.1118; (0.25 − 0.75) / 0.1118 = −4.472
    found = findings(
        {
            "a": {"inquiry_conversion_rate": rate(30, 40)},
            "b": {"inquiry_conversion_rate": rate(10, 40)},
        },
        NAMES,
    )
    weak, strong = found["b"][0], found["a"][0]
    assert weak.is_weak
    assert not strong.is_weak
    assert weak.z == pytest.approx(-4.472, abs=1e-3)
    assert weak.size == pytest.approx(1.0)  # half a buyer, where single buyers differ by half
    assert (weak.own, weak.others, weak.n, weak.others_n) == (0.25, 0.75, 40, 40)
    assert weak.coach == ("Ann", 0.75)
    assert weak.topic == "closing"
    assert strong.coach is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rate(0, 29), rate(30, 40)),  # too few
        (rate(30, 40), rate(0, 29)),  # the others too few
        (rate(18, 40), rate(22, 40)),  # chance: z = 0.89
        (rate(5000, 10000), rate(5250, 10000)),  # sure, but less than a tenth
        (rate(0, 40), rate(0, 40)),
    ],
)
def test_nothing_is_said_without_evidence(one: Sample, other: Sample) -> None:
    samples = {"a": {"reply_rate": one}, "b": {"reply_rate": other}}
    assert findings(samples, NAMES) == {"a": (), "b": ()}


def test_a_team_of_one_is_compared_with_nobody() -> None:
    assert findings({"a": {"reply_rate": rate(1, 400)}}, NAMES) == {"a": ()}


def test_shorter_waits_are_better_and_the_largest_gap_comes_first() -> None:
    samples = {
        "a": {"avg_response_seconds": seconds(100, 20, 5), "reply_rate": rate(99, 100)},
        "b": {"avg_response_seconds": seconds(100, 60, 5), "reply_rate": rate(80, 100)},
        "c": {"avg_response_seconds": seconds(100, 30, 5), "reply_rate": rate(99, 100)},
    }
    found = findings(samples, NAMES)
    assert [one.code for one in found["b"]] == ["avg_response_seconds", "reply_rate"]
    assert all(one.is_weak for one in found["b"])
    assert found["b"][0].coach == ("Ann", 20.0)
    assert found["b"][0].others == 25.0
    assert found["a"][0].code == "avg_response_seconds"


def test_one_topic_speaks_once() -> None:
    slow = {
        "avg_response_seconds": seconds(100, 60, 5),
        "first_response_seconds": seconds(90, 70, 5),
    }
    fast = {
        "avg_response_seconds": seconds(100, 20, 5),
        "first_response_seconds": seconds(90, 20, 5),
    }
    found = findings({"a": slow, "b": fast}, NAMES)["a"]
    assert [one.code for one in found] == ["first_response_seconds", "avg_response_seconds"]
    assert [one.code for one in one_per_topic(found)] == ["first_response_seconds"]
