"""After-sales, loyalty, shares of complaints and cohorts of one small shop, worked out by hand.

As of 2026-04-30 the 28 days are 3 to 30 April, the 180 days begin on 2 November 2025.
"""

from __future__ import annotations

import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import jinpai as api
from line.driving import Shop, jinpai, write_csv

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("after")
    files = [
        write_csv(
            folder / "orders.csv",
            "order_id,buyer_id,created_at,paid_at,paid_amount",
            [
                "o1,b1,2026-03-02 10:00:00,2026-03-02 10:05:00,100.00",
                "o2,b2,2026-04-10 10:00:00,2026-04-10 10:05:00,50.00",
                "o3,b1,2026-04-20 10:00:00,2026-04-20 10:05:00,30.00",
                "o4,b3,2026-04-29 10:00:00,2026-04-29 10:05:00,20.00",
            ],
        ),
        # A is credited with o2; the others are silent.
        write_csv(
            folder / "messages.csv",
            "message_id,buyer_id,agent_id,sent_at,sender,text",
            ["m1,b2,A,2026-04-10 09:58:00,buyer,?", "m2,b2,A,2026-04-10 09:59:00,agent,!"],
        ),
        write_csv(
            folder / "order_items.csv",
            "order_id,sub_order_id,product_id,quantity,amount",
            ["o2,s2,p1,1,50.00", "o3,s3,p2,1,30.00"],
        ),
        write_csv(
            folder / "refunds.csv",
            "refund_id,order_id,sub_order_id,opened_at,closed_at,amount,closed_by,outcome,"
            "disputed_at,goods_returned",
            [
                "r1,o2,s2,2026-04-12 12:00:00,2026-04-14 00:00:00,50.00,seller,refunded,,true",
                "r2,o1,,2026-03-05 12:00:00,2026-03-06 12:00:00,10.00,buyer,cancelled,,false",
                # Closed after as_of: nobody has closed it yet.
                "r3,o3,,2026-04-21 12:00:00,2026-05-02 12:00:00,30.00,seller,refunded,"
                "2026-04-25 12:00:00,",
            ],
        ),
        write_csv(
            folder / "complaints.csv",
            "complaint_id,order_id,sub_order_id,opened_at,stage,cause",
            [
                "c1,o2,s2,2026-04-13 12:00:00,delivery,logistics",
                "c2,o2,s2,2026-04-14 12:00:00,delivery,packaging",
                "c3,o3,,2026-04-22 12:00:00,,logistics",
            ],
        ),
        write_csv(
            folder / "reviews.csv",
            "review_id,order_id,buyer_id,posted_at,rating,service_score",
            [
                "v1,o2,b2,2026-04-15 12:00:00,bad,2",
                "v2,o3,b1,2026-04-22 12:00:00,good,5",
                "v3,o4,b3,2026-04-30 12:00:00,neutral,",
                "v4,o1,b1,2025-11-02 00:00:00,good,4",
                "v5,o1,b1,2025-11-01 23:59:59,good,1",
            ],
        ),
    ]
    made = Shop(folder / "shop")
    made.load(*files)
    made.run("2026-04-30")
    return made


def quotients(figures: dict[tuple[Any, ...], dict[str, Any]]) -> dict[Any, tuple[Any, Any]]:
    return {
        key if len(key) > 1 else key[0]: (row["numerator"], row["denominator"])
        for key, row in figures.items()
    }


AFTER_SALES = [
    "refund_count", "refund_rate", "refund_dispute_rate", "refund_self_closed_rate",
    "refund_close_hours", "complaint_count", "complaint_rate", "return_count", "return_rate",
    "bad_review_rate", "negative_review_rate", "dsr_service",
]  # fmt: skip


def test_after_sales_of_the_last_28_days(shop: Shop) -> None:
    figures = shop.figures(AFTER_SALES)
    assert quotients(figures) == {
        "refund_count": (2, None),
        "refund_rate": (2, 3),
        "refund_dispute_rate": (1, 3),
        "refund_self_closed_rate": (1, 1),
        "refund_close_hours": (36.0, 1),
        "complaint_count": (2, None),
        "complaint_rate": (2, 3),
        "return_count": (1, None),
        "return_rate": (1, 3),
        "bad_review_rate": (1, 3),
        "negative_review_rate": (2, 3),
        "dsr_service": (2 + 5 + 4, 3),
    }
    assert {row["status"] for row in figures.values()} == {"final"}
    days = {(row["first"], row["last"]) for row in figures.values()}
    assert days == {("2026-04-03", "2026-04-30")}


def test_after_sales_follow_the_agent_of_the_order(shop: Shop) -> None:
    figures = shop.figures(AFTER_SALES, ["agent"])
    assert {key[1] for key in figures} == {"A"}
    found = quotients(figures)
    assert found["refund_rate", "A"] == (1, 1)
    assert found["complaint_rate", "A"] == (1, 1)
    assert found["dsr_service", "A"] == (2, 1)


def test_after_sales_of_products(shop: Shop) -> None:
    found = quotients(shop.figures(["refund_rate", "complaint_count"], ["product"]))
    assert found == {
        ("refund_rate", "p1"): (1, 1),
        ("refund_rate", "p2"): (0, 1),
        # r3 names no sub-order; o4 has no items.
        ("refund_rate", None): (1, 1),
        ("complaint_count", "p1"): (1, None),
        ("complaint_count", "p2"): (0, None),
        ("complaint_count", None): (1, None),
    }


def test_trend_of_trailing_days(shop: Shop) -> None:
    days = {"from": "2026-04-09", "to": "2026-04-13", "trailing": "28"}
    found = quotients(shop.figures(["refund_rate"], ["day"], **days))
    # 9 April looks back to 13 March: nothing was sold and nothing refunded.
    assert found == {
        ("refund_rate", "2026-04-10"): (0, 1),
        ("refund_rate", "2026-04-11"): (0, 1),
        ("refund_rate", "2026-04-12"): (1, 1),
        ("refund_rate", "2026-04-13"): (1, 1),
    }
    asked = shop.must(
        "metrics", shop.root, "--metric", "refund_rate", "--by", "day", "--trailing", "28"
    )
    spans = [(row["grain"]["day"], row["first"], row["last"]) for row in asked["rows"]]
    assert spans[-1] == ("2026-04-30", "2026-04-03", "2026-04-30")
    assert jinpai("metrics", shop.root, "--trailing", "401").code == 2


def test_shares_of_complaints(shop: Shop) -> None:
    rows = shop.must("metrics", shop.root, "--metric", "dispute_share")["rows"]
    shown = [(row["grain"], row["numerator"], row["denominator"]) for row in rows]
    assert shown == [
        ({"stage": "delivery"}, 2, 3),
        ({"stage": None}, 1, 3),
        ({"cause": "logistics"}, 2, 3),
        ({"cause": "packaging"}, 1, 3),
    ]
    assert [row["cumulative"] for row in rows] == [2 / 3, 1.0, 2 / 3, 1.0]
    mine = shop.must("metrics", shop.root, "--metric", "dispute_share", "--by", "agent,cause")
    assert [(row["grain"], row["value"]) for row in mine["rows"]] == [
        ({"agent_id": "A", "cause": "logistics"}, 0.5),
        ({"agent_id": "A", "cause": "packaging"}, 0.5),
    ]
    table = api.open(shop.root).metrics(["dispute_share"])
    assert table["cumulative"].to_pylist() == [2 / 3, 1.0, 2 / 3, 1.0]
    assert table.schema.field("stage").type == pa.string()
    told = shop.must(
        "explain", shop.root, "metric", "dispute_share", "--stage", "", "--from", "2026-04-01"
    )
    assert (told["numerator"], told["denominator"]) == (1, 3)
    assert [row["event_id"] for row in told["rows"] if row["in_numerator"]] == ["c3"]


def test_complaints_for_people(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    text = jinpai("metrics", shop.root, "--metric", "dispute_share,refund_rate").out
    assert "Refund rate" in text
    assert re.search(r"delivery +2 +66\.67% +66\.67%", text)
    assert re.search(r"none +1 +33\.33% +100\.00%", text)
    monkeypatch.setenv("JINPAI_LANG", "zh")
    text = jinpai("metrics", shop.root, "--metric", "dispute_share").out
    assert re.search(r"发货物流 +2 +66\.67%", text)


LOYALTY = ["returning_share", "old_buyer_churn", "purchase_cycle_days"]
AGAIN = ["new_buyer_repurchase_rate", "new_buyer_retention_rate"]


def test_loyalty_of_a_month(shop: Shop) -> None:
    april = {"from": "2026-04-01", "to": "2026-04-30"}
    figures = shop.figures([*LOYALTY, *AGAIN], **april)
    assert quotients(figures) == {
        "returning_share": (1, 3),
        "old_buyer_churn": (0, 1),
        "purchase_cycle_days": (49, 1),
        "new_buyer_repurchase_rate": (0, 2),
        "new_buyer_retention_rate": (0, 2),
    }
    # 30 days before April the orders begin; the buyers of April have 30 and 60 days to come.
    assert {figures[(code,)]["status"] for code in LOYALTY} == {"final"}
    assert {figures[(code,)]["status"] for code in AGAIN} == {"provisional"}
    longer = shop.figures(LOYALTY, **{"from": "2026-03-31", "to": "2026-04-30"})
    assert {row["status"] for row in longer.values()} == {"provisional"}
    march = quotients(shop.figures(AGAIN, **{"from": "2026-03-01", "to": "2026-03-31"}))
    assert march == {"new_buyer_repurchase_rate": (0, 1), "new_buyer_retention_rate": (1, 1)}


def test_loyalty_of_an_agent(shop: Shop) -> None:
    figures = shop.figures([*LOYALTY, *AGAIN], ["agent"], **{"from": "2026-04-01"})
    assert quotients(figures) == {
        ("returning_share", "A"): (0, 1),
        ("old_buyer_churn", "A"): (0, 0),
        ("purchase_cycle_days", "A"): (0, 0),
        ("new_buyer_repurchase_rate", "A"): (0, 1),
        ("new_buyer_retention_rate", "A"): (0, 1),
    }


def test_cohorts(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    found = shop.must("cohorts", shop.root)["cohorts"]
    shown = [
        (one["month"], [(m["buyers"], m["amount"], m["status"]) for m in one["months"]])
        for one in found
    ]
    assert shown == [
        ("2026-03", [(1, "100.00", "final"), (1, "30.00", "final")]),
        ("2026-04", [(2, "70.00", "final")]),
    ]
    table = api.open(shop.root).cohorts(agent="A").table
    assert table["amount"].to_pylist() == [Decimal("50.00")]
    assert table["share"].to_pylist() == [1.0]
    silent = shop.must("cohorts", shop.root, "--agent", "")["cohorts"]
    assert [(one["month"], one["buyers"]) for one in silent] == [("2026-03", 1), ("2026-04", 1)]
    monkeypatch.setenv("JINPAI_LANG", "en")
    assert re.search(r"2026-03 +1 +100% +100%", jinpai("cohorts", shop.root).out)
    late = shop.must("cohorts", shop.root, "--from", "2026-04-11")["cohorts"]
    assert [(one["month"], one["buyers"]) for one in late] == [("2026-04", 1)]


def test_the_guides_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JINPAI_LANG", "en")
    text = (DOCS / "loyalty.md").read_text("utf-8")
    (block,) = re.findall(r"<!-- test: sh -->\n```sh\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "jinpai"
        answer = jinpai(*arguments)
        assert answer.code == 0, f"{line}\n{answer.err}"
    assert {path.name for path in tmp_path.iterdir()} == {"exports", "shop"}
