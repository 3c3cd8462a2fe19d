"""Section 4.2 and the after-sales part of 4.5, worked by hand.

Orders 1 (A's), 2 (B's), 3 (silent), 4 (excluded) and 5 (A's, never paid): three orders paid.
Refund 7 and review 6 name an order that is not loaded.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from .aftersales import dispute_share
from .facts import facts, span
from .figures import Cell
from .hand import at, figures, order, shop, sold
from .metrics import evaluate
from .model import RULES, Row, Shop, Value


def refund(
    number: int, order_id: str, opened: str, closed: str = "", **more: object
) -> dict[str, object]:
    return {
        "refund_id": f"r{number}",
        "order_id": order_id,
        "opened_at": at(opened),
        "closed_at": at(closed) if closed else None,
        **more,
    }


def complaint(
    number: int, order_id: str, sub: str | None, day: int, stage: str | None, cause: str | None
) -> dict[str, object]:
    return {
        "complaint_id": f"c{number}",
        "order_id": order_id,
        "sub_order_id": sub,
        "opened_at": at(f"{day} 12:00"),
        "stage": stage,
        "cause": cause,
    }


def review(
    number: int, order_id: str, when: int, rating: str | None, score: int | None
) -> dict[str, object]:
    return {
        "review_id": f"v{number}",
        "order_id": order_id,
        "posted_at": when,
        "rating": rating,
        "service_score": score,
    }


def item(sub: str, product: str) -> dict[str, object]:
    return {"order_id": sub[0], "sub_order_id": sub, "product_id": product, "quantity": 1}


@pytest.fixture
def world() -> Shop:
    chat_a, first = sold("1", "b", "1 10", "A")
    chat_b, second = sold("2", "c", "1 11", "B", "60")
    made = shop([*chat_a, *chat_b], excluded_flags=["red"])
    made.tables["orders"] = [
        first,
        second,
        order("3", "d", "2 10:00", "2 10:05"),
        order("4", "b", "2 10:00", "2 10:05", flag="red"),
        order("5", "b", "1 10:04", None, "0"),
    ]
    made.tables["order_items"] = [item("1-1", "p"), item("1-2", "q"), item("2-1", "p")]
    made.tables["refunds"] = [
        refund(1, "1", "3 12:00", "4 12:00", sub_order_id="1-1", closed_by="seller",
               goods_returned=True),
        refund(2, "1", "3 13:00", "10 13:00", closed_by="platform", disputed_at=at("5 09:00")),
        refund(3, "2", "4 00:00", "4 06:00", sub_order_id="2-1", closed_by="seller"),
        refund(4, "3", "6 10:00", sub_order_id="3-9"),
        refund(5, "4", "3 10:00", "3 11:00", closed_by="seller", disputed_at=at("3 10:30")),
        refund(6, "5", "2 10:00", "2 11:00", closed_by="buyer"),
        refund(7, "99", "2 12:00", "3 12:00", closed_by="seller", goods_returned=True),
    ]  # fmt: skip
    made.tables["complaints"] = [
        complaint(1, "1", "1-1", 5, "delivery", "logistics"),
        complaint(2, "1", "1-1", 6, "delivery", "quality"),
        complaint(3, "1", None, 6, None, "logistics"),
        complaint(4, "2", "2-1", 7, "aftersales", "attitude"),
        complaint(5, "4", None, 7, "answering", "size"),
        complaint(6, "1", None, 7, "aftersales", None),
    ]
    # 180 days that end with 31 March begin with 3 October 2025, 89 days before 31 December.
    october = at("1-1 00:00") - 90 * 24 * 3600 * 1_000_000
    made.tables["reviews"] = [
        review(1, "1", at("3 12:00"), "good", 5),
        review(2, "2", at("4 12:00"), "bad", None),
        review(3, "3", at("4 12:00"), "neutral", 2),
        review(4, "1", at("5 12:00"), None, 4),
        review(5, "4", at("5 12:00"), "bad", 1),
        review(6, "99", october, "bad", 1),
        review(7, "99", october - 1, "bad", 1),
    ]
    return made


def march(
    made: Shop, grain: tuple[str, ...] = (), as_of: str = "31 23:59", rule: str = "order_first"
) -> list[Row]:
    return evaluate(
        made,
        as_of=at(as_of),
        grains=[grain],
        day_from=date(2026, 3, 1),
        day_to=date(2026, 3, 31),
        judge_rule=rule,
        families=["aftersales"],
    )


def parts(rows: dict[str, Row]) -> dict[str, tuple[Value, Value]]:
    """Return metric -> (numerator, denominator); the counts are numerators without one."""
    for row in rows.values():
        whole = row.numerator if row.denominator is None else Fraction(0)
        if row.denominator:
            whole = Fraction(row.numerator or 0) / Fraction(row.denominator)
        assert row.value == (None if row.denominator == 0 else whole)
    return {metric: (row.numerator, row.denominator) for metric, row in rows.items()}


def test_the_shop(world: Shop) -> None:
    assert parts(figures(march(world))) == {
        "dsr_service": (5 + 2 + 4 + 1, 4),
        "refund_count": (6, None),
        "refund_rate": (6, 3),
        "refund_dispute_rate": (1, 3),
        "refund_self_closed_rate": (3, 5),
        "refund_close_hours": (24 + 6 + 24, 3),
        "complaint_count": (3, None),
        "complaint_rate": (3, 3),
        "return_count": (2, None),
        "return_rate": (2, 3),
        "bad_review_rate": (1, 3),
        "negative_review_rate": (2, 3),
    }


@pytest.mark.parametrize("rule", RULES)
def test_facts_follow_the_credited_agent(world: Shop, rule: str) -> None:
    rows = march(world, ("agent",), rule=rule)
    assert parts(figures(rows, agent_id="A")) == {
        "dsr_service": (5 + 4, 2),
        "refund_count": (2, None),
        "refund_rate": (2, 1),
        "refund_dispute_rate": (1, 1),
        "refund_self_closed_rate": (1, 2),
        "refund_close_hours": (24, 1),
        "complaint_count": (2, None),
        "complaint_rate": (2, 1),
        "return_count": (1, None),
        "return_rate": (1, 1),
        "bad_review_rate": (0, 1),
        "negative_review_rate": (0, 1),
    }
    assert parts(figures(rows, agent_id="B"))["bad_review_rate"] == (1, 1)
    assert parts(figures(rows, agent_id="B"))["dsr_service"] == (0, 0)
    assert {row.grain["agent_id"] for row in rows} == {"A", "B"}


def test_orders_count_by_payment_under_every_rule(world: Shop) -> None:
    """Created on 31 March, paid on 1 April: the rule ``order`` sells it in March, yet …"""
    chat_a, late = sold("6", "e", "31 23", "A")
    world.tables["messages"] += chat_a
    world.tables["orders"].append({**late, "paid_at": at("4-1 00:00")})
    rows = evaluate(world, as_of=at("4-30 00:00"), grains=[("agent", "month")], judge_rule="order")
    for month, paid in (("2026-03", 1), ("2026-04", 1)):
        cell = figures(rows, agent_id="A", month=month)
        assert cell["refund_rate"].denominator == paid
    sales = figures(rows, agent_id="A", month="2026-03")["sales_orders"]
    assert sales.value == 2


def test_products(world: Shop) -> None:
    rows = march(world, ("product",))
    common = {"complaint_count": (2, None), "refund_count": (2, None), "return_count": (1, None)}
    assert parts(figures(rows, product_id="p")) == {
        **common,
        "refund_rate": (2, 2),
        "refund_dispute_rate": (0, 2),
        "refund_self_closed_rate": (2, 2),
        "refund_close_hours": (30, 2),
        "complaint_rate": (2, 2),
        "return_rate": (1, 2),
    }
    assert parts(figures(rows, product_id="q"))["refund_rate"] == (0, 1)
    # Refunds 2, 4, 6 and 7 name no item that is known; order 3 has none.
    nobody = parts(figures(rows, product_id=None))
    assert nobody["refund_rate"] == (4, 1)
    assert nobody["refund_self_closed_rate"] == (1, 3)
    assert nobody["complaint_rate"] == (1, 1)
    mine = parts(figures(march(world, ("agent", "product")), agent_id="B", product_id="p"))
    assert (mine["refund_rate"], mine["complaint_rate"]) == ((1, 1), (1, 1))


def test_what_had_happened_by_then(world: Shop) -> None:
    """A minute before noon of the 4th refund 1 is open, 2 undisputed, 4 unborn."""
    then = parts(figures(march(world, as_of="4 11:59")))
    assert then["refund_rate"] == (5, 3)
    assert then["refund_dispute_rate"] == (0, 3)
    assert then["refund_self_closed_rate"] == (2, 3)
    assert then["refund_close_hours"] == (30, 2)
    assert then["complaint_count"] == (0, None)
    assert then["dsr_service"] == (5 + 1, 2)
    assert figures(march(world, as_of="31 23:59"))["refund_rate"].status == "provisional"
    assert figures(march(world, as_of="4-1 00:00"))["refund_rate"].status == "final"


def test_shares_of_disputes(world: Shop) -> None:
    cell = Cell(
        facts(world, at("31 23:59"), "payment"), tuple(span(date(2026, 3, 1), date(2026, 3, 31))),
        "shop",
    )  # fmt: skip
    fifths = [
        (one.code, one.complaints, int(one.share * 5), int(one.cumulative * 5))
        for one in dispute_share(cell, "stage")
    ]
    assert fifths == [("aftersales", 2, 2, 2), ("delivery", 2, 2, 4), (None, 1, 1, 5)]
    causes = [(one.code, one.complaints) for one in dispute_share(cell, "cause")]
    assert causes == [("logistics", 2), ("attitude", 1), ("quality", 1), (None, 1)]
