"""The worked examples of the definitions (section 6); every expected value is from their text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from .attribution import assists
from .facts import facts
from .hand import at, chat, of, shop
from .metrics import evaluate
from .model import Shop


def test_rounds() -> None:
    made = of(
        shop(
            chat(
                "1 10:00:00 B", "1 10:00:01 a", "1 10:00:20 B", "1 10:00:50 X", "1 10:00:55 X",
                "1 10:03:00 B", "1 10:14:30 X", "1 10:15:00 B",
            )
        )
    )  # fmt: skip
    assert made["rounds"].value == 3
    assert made["unanswered_rounds"].value == 2
    assert made["first_response_seconds"].value == 50
    assert (made["avg_response_seconds"].value, made["avg_response_seconds"].denominator) == (50, 1)
    uncut = made["avg_response_uncut_seconds"]
    assert (uncut.value, uncut.denominator) == (370, 2)
    assert made["avg_response_all_seconds"].value == Fraction(1 + 30 + 690, 3)
    assert made["avg_response_capped_seconds"].value == Fraction(50 + 600 + 600, 3)
    assert made["within_180s_rate"].value == Fraction(1, 3)


def test_back_tomorrow() -> None:
    made = shop(chat("1 21:00:00 B", "2 09:00:00 B", "2 09:00:05 X"))
    first, second = (of(made, ("day",), day=f"2026-03-0{n}") for n in (1, 2))
    assert (first["rounds"].value, first["unanswered_rounds"].value) == (1, 1)
    assert first["avg_response_uncut_seconds"].value == 43_205
    assert first["avg_response_seconds"].value is None
    assert (second["rounds"].value, second["unanswered_rounds"].value) == (1, 0)
    assert second["avg_response_seconds"].value == 5


def test_three_minutes() -> None:
    lines = ("1 10:10:15 B", "1 10:15:20 B", "1 10:18:10 X")
    rate = of(shop(chat(*lines)))["within_180s_rate"]
    assert (rate.numerator, rate.denominator) == (0, 1)
    rate = of(shop(chat(*lines, "1 10:18:30 B", "1 10:19:00 X")))["within_180s_rate"]
    assert (rate.numerator, rate.denominator) == (1, 2)
    many = [f"1 10:00:{seconds:02d} B" for seconds in range(0, 60, 6)]
    rate = of(shop(chat(*many)))["within_180s_rate"]
    assert (rate.numerator, rate.denominator) == (0, 1)


def attribution_shop(flag: str | None = None) -> Shop:
    """Return the shop of the attribution example."""
    messages = [
        *chat("1 10:00 B", "1 10:08 X", "1 10:16 B", "1 10:20 X", agent="A"),
        *chat("1 20:00 B", "1 20:10 X", agent="B"),
        *chat("2 09:00 B", "2 09:05 X", agent="C"),
    ]
    # A gap of exactly 10 minutes would cut S2, so it gets one message more.
    messages += chat("1 20:05 X", agent="B")
    order = {
        "order_id": "1",
        "buyer_id": "b",
        "created_at": at("1 20:05"),
        "paid_at": at("2 09:30"),
        "paid_amount": Decimal("100.00"),
        "flag": flag,
    }
    made = shop(messages, excluded_flags=["red"])
    made.tables["orders"] = [order]
    return made


@pytest.mark.parametrize(
    ("rule", "agent", "day", "helpers"),
    [
        ("order", "B", date(2026, 3, 1), ["A", "C"]),
        ("order_first", "B", date(2026, 3, 2), ["A", "C"]),
        ("payment", "C", date(2026, 3, 2), ["A", "B"]),
    ],
)
def test_attribution(rule: str, agent: str, day: date, helpers: list[str]) -> None:
    found = facts(attribution_shop(), at("31 00:00"), rule)
    assert len(found.sessions) == 3
    assert {r.agent_id: r.kind for r in found.receptions} == {
        "A": "inquiry",
        "B": "inquiry",
        "C": "followup",
    }
    (credit,) = found.sales
    assert (credit.agent_id, credit.day) == (agent, day)
    listed = assists(found.shop, found.receptions, found.credits, rule, by_team=False)
    assert [one.reception.agent_id for one in listed] == helpers
    assert all(one.helped == (("1", Decimal("100.00")),) for one in listed)
    rows = evaluate(attribution_shop(), grains=[("agent",)], judge_rule=rule)
    sold = {r.grain["agent_id"]: r.value for r in rows if r.metric == "sales_amount"}
    assert sold == {name: Decimal(100 if name == agent else 0) for name in "ABC"}


def test_ranking_of_candidates() -> None:
    won = facts(attribution_shop(), at("31 00:00"), "order").winners
    created = won["1", "created_at"]
    assert [(c.session.agent_id, c.covers, c.lost) for c in created.ranked] == [
        ("B", True, None),
        ("A", False, "not_covering"),
    ]
    assert [(s.agent_id, why) for s, why in created.others] == [("C", "out_of_window")]
    paid = won["1", "paid_at"]
    assert [(c.session.agent_id, c.covers, c.lost) for c in paid.ranked] == [
        ("C", False, None),
        ("B", False, "earlier_end"),
        ("A", False, "earlier_end"),
    ]


def test_waits_on_duty() -> None:
    """Asked 08:50, answered 09:10: 600 s from 09:00 on; asked and answered at 07:00: left out."""
    hours = {"weekly": {"sun": [["09:00", "23:00"]], "mon": [["22:00", "02:00"]]}}
    lines = ("1 08:50 B", "1 09:10 X", "1 07:00 B", "1 07:00 X")
    made = of(shop(chat(*lines), duty_hours=hours, session_gap=3600))
    for metric in ("first_response_duty_seconds", "avg_response_duty_seconds"):
        assert (made[metric].value, made[metric].denominator) == (600, 1)
    # Monday's evening runs to 02:00 of Tuesday, the 3rd; an answer at once counts there as 0 s.
    night = chat("3 01:50 B", "3 02:30 X", "3 01:00 B", "3 01:00 X")
    made = of(shop(night, duty_hours=hours, session_gap=3600))
    assert made["avg_response_duty_seconds"].value == Fraction(600 + 0, 2)


def test_online_hours() -> None:
    """A 08-10 and 09-12 (4 h), A again from 13:00 open until 14:00 (next), 14:00 to as_of 15:00."""
    made = shop(chat("1 12:00 B"))
    made.tables["agents"] = [{"agent_id": "A", "team": None}, {"agent_id": "Z", "team": None}]
    spans = (("1 08:00", "1 10:00"), ("1 09:00", "1 12:00"), ("1 13:00", None), ("1 14:00", None))
    made.tables["online_sessions"] = [
        {"agent_id": "A", "online_at": at(start), "offline_at": end and at(end)}
        for start, end in spans
    ]
    (row,) = [r for r in evaluate(made, as_of=at("1 15:00")) if r.metric == "online_hours"]
    assert (row.numerator, row.denominator, row.value) == (4 + 2, 2, 3)


@pytest.mark.parametrize("rule", ["order", "order_first", "payment"])
def test_excluded_flag(rule: str) -> None:
    made = attribution_shop("red")
    found = facts(made, at("31 00:00"), rule)
    assert [(sale.agent_id, sale.excluded) for sale in found.sales] == [(None, True)]
    assert {r.agent_id: r.kind for r in found.receptions}["C"] == "inquiry"
    cell = of(made, rule=rule)
    assert cell["excluded_amount"].value == cell["shop_sales_amount"].value == Decimal(100)
    assert cell["sales_amount"].value == cell["silent_amount"].value == 0
    assert cell["created_orders"].value == 0
