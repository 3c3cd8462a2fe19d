"""Section 4.3 and cohorts, worked by hand.

The cell is 1 to 28 March 2026 (P = 28), so the days before it are February; N is 30.
"""

from __future__ import annotations

from datetime import date

import pytest

from .facts import facts
from .hand import at, chat, figures, order, shop, sold
from .loyalty import LOYALTY, cohorts
from .metrics import evaluate
from .model import RULES, Row, Shop

# order, buyer, day and hour of payment, who sold it
STORY = (
    ("o1", "b1", "1-15 10", None),
    ("o2", "b1", "2-10 10", None),
    ("o3", "b1", "3-5 10", "B"),
    ("o4", "b1", "3-5 20", "B"),
    ("o5", "b1", "3-20 10", "A"),
    ("o6", "b2", "2-1 10", "B"),
    ("o7", "b3", "3-2 10", "A"),
    ("o8", "b3", "4-1 10", "B"),  # 30 days after 2 March
    ("o9", "b4", "3-28 10", None),
    ("o10", "b4", "4-28 10", None),  # 31 days after 28 March
    ("o11", "b5", "1-31 10", None),
    ("o12", "b5", "3-28 10", None),
    ("o13", "b6", "3-10 23", None),
    ("o14", "b6", "3-11 00", None),
    ("o15", "b6", "5-9 10", None),  # 60 days after 10 March
)


def story(**settings: object) -> Shop:
    made = shop([], **settings)
    pairs = [sold(*row) for row in STORY]
    made.tables["messages"] = [message for talk, _ in pairs for message in talk]
    made.tables["orders"] = [bought for _, bought in pairs]
    return made


def cell(
    made: Shop, grain: tuple[str, ...] = (), as_of: str = "5-31 00:00", rule: str = "payment"
) -> list[Row]:
    return evaluate(
        made,
        as_of=at(as_of),
        grains=[grain],
        day_from=date(2026, 3, 1),
        day_to=date(2026, 3, 28),
        judge_rule=rule,
        families=["loyalty"],
    )


def parts(rows: list[Row], **key: str) -> dict[str, tuple[object, object]]:
    found = figures(rows, **key)
    return {m: (row.numerator, row.denominator) for m, row in found.items()}


def test_the_shop() -> None:
    found = parts(cell(story()))
    assert tuple(found) == LOYALTY
    del found["new_buyer_conversion_rate"]
    assert found == {
        "returning_share": (2, 5),  # b1 and b5 of b1, b3, b4, b5, b6
        "old_buyer_churn": (1, 2),  # b2 of b1, b2
        "purchase_cycle_days": (23 + 15 + 56 + 1, 4),
        "new_buyer_repurchase_rate": (2, 3),  # b3, b6 of b3, b4, b6
        "new_buyer_retention_rate": (2, 3),  # b4, b6
    }


@pytest.mark.parametrize("rule", RULES)
def test_buyers_follow_one_order(rule: str) -> None:
    rows = cell(story(), ("agent",), rule=rule)
    ours, theirs = parts(rows, agent_id="A"), parts(rows, agent_id="B")
    # A sold b1's and b3's latest orders of the cell; B sold b2's latest of February.
    assert ours["returning_share"] == (1, 2)
    assert ours["purchase_cycle_days"] == (23 + 15, 2)
    assert ours["new_buyer_repurchase_rate"] == (1, 1)
    assert ours["new_buyer_retention_rate"] == (0, 1)
    assert ours["old_buyer_churn"] == (0, 0)
    assert theirs["old_buyer_churn"] == (1, 1)
    assert theirs["returning_share"] == theirs["new_buyer_repurchase_rate"] == (0, 0)


def test_ties_of_payment() -> None:
    """Two orders paid at one instant: the first is the smaller id, A's; the latest is B's."""
    made = shop(
        chat("5 09:50 B", "5 09:51 X", "5 09:52 B", agent="A")
        + chat("5 09:58 B", "5 09:59 X", "5 10:00 B", agent="B")
    )
    made.tables["orders"] = [
        order("x2", "b", "5 09:59", "5 12:00"),
        order("x1", "b", "5 09:51", "5 12:00"),
    ]
    rows = cell(made, ("agent",), rule="order")
    assert parts(rows, agent_id="A")["new_buyer_repurchase_rate"] == (0, 1)
    assert parts(rows, agent_id="B")["new_buyer_repurchase_rate"] == (0, 0)
    assert parts(rows, agent_id="A")["returning_share"] == (0, 0)
    assert parts(rows, agent_id="B")["returning_share"] == (0, 1)


def statuses(made: Shop, as_of: str) -> set[str]:
    """Return the metrics that are final."""
    return {row.metric for row in cell(made, as_of=as_of) if row.status == "final"}


def test_maturity() -> None:
    at_once = {"returning_share", "old_buyer_churn", "purchase_cycle_days"}
    converted = at_once | {"new_buyer_conversion_rate"}
    repeated = converted | {"new_buyer_repurchase_rate"}
    for as_of, final in (
        ("3-28 23:59", set()),
        ("3-29 00:00", at_once),
        ("4-3 23:59", at_once),  # 28 March + 2 + 4 days ends with 3 April
        ("4-4 00:00", converted),
        ("4-27 23:59", converted),
        ("4-28 00:00", repeated),
        ("5-27 23:59", repeated),
        ("5-28 00:00", set(LOYALTY)),
    ):
        assert statuses(story(), as_of) == final


def test_a_short_history_is_provisional() -> None:
    """1 March − 28 days is 1 February: orders from then on are enough, from the 2nd not."""
    made = story()
    made.tables["orders"] = [o for o in made.tables["orders"] if o["created_at"] >= at("2-1 00:00")]
    assert statuses(made, "5-31 00:00") == set(LOYALTY)
    made.tables["orders"] = [o for o in made.tables["orders"] if o["created_at"] >= at("2-2 00:00")]
    assert statuses(made, "5-31 00:00") == set()


def test_what_is_known_later_is_not_known_yet() -> None:
    found = parts(cell(story(), as_of="3-20 00:00"))
    assert found["returning_share"] == (1, 3)  # b1 of b1, b3, b6
    assert found["purchase_cycle_days"] == (23 + 1, 2)
    assert found["new_buyer_repurchase_rate"] == (1, 2)


def test_new_buyers() -> None:
    """n1 asks and buys; n2 asks; n3 had paid before; n4 paid one order just as it asked."""
    talks = [chat("10 10:00 B", "10 10:01 X", buyer=f"n{n}") for n in (1, 2, 3, 4)]
    made = shop([message for talk in talks for message in talk])
    made.tables["orders"] = [
        order("1", "n1", "10 11:00", "10 12:00"),
        order("3", "n3", "1-10 11:00", "1-10 12:00"),
        order("33", "n3", "10 11:00", "10 12:00"),
        order("4", "n4", "10 09:00", "10 10:00"),
        order("44", "n4", "10 11:00", None, "0"),
    ]
    assert parts(cell(made))["new_buyer_conversion_rate"] == (1, 3)
    # Excluded, n3's old order does not exist.
    made.settings["excluded_flags"] = ["red"]
    made.tables["orders"][1]["flag"] = "red"
    assert parts(cell(made))["new_buyer_conversion_rate"] == (2, 4)


def test_cohorts() -> None:
    found = cohorts(facts(story(), at("5-31 00:00"), "payment"))
    assert [(c.month, c.months, c.buyers, int(c.amount)) for c in found] == [
        ("2026-01", 0, 2, 200),  # b1, b5
        ("2026-01", 1, 1, 100),
        ("2026-01", 2, 2, 400),  # b1 three times, b5
        ("2026-02", 0, 1, 100),
        ("2026-03", 0, 3, 400),  # b3, b4, b6 twice
        ("2026-03", 1, 2, 200),
        ("2026-03", 2, 1, 100),
    ]
