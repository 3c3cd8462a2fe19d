"""The worked examples of the definitions, from files to figures through the command line.

Every expected value is a sentence of the definitions' section 6; nothing here comes from the code.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from line.driving import WORLDS, Shop, write_csv

DAY_1, DAY_2 = "2026-03-02", "2026-03-03"
AMOUNT = Decimal("199.00")
WAITS = (
    "rounds",
    "unanswered_rounds",
    "first_response_seconds",
    "avg_response_seconds",
    "avg_response_uncut_seconds",
    "avg_response_all_seconds",
    "avg_response_capped_seconds",
    "within_180s_rate",
)


def world(tmp_path: Path, name: str) -> Shop:
    """Return a shop with the files of a world loaded, not yet run."""
    shop = Shop(tmp_path / "shop")
    report = shop.load(WORLDS / name)
    assert report["total"]["rejected"] == 0
    return shop


@pytest.mark.parametrize("by", [(), ("agent",), ("agent", "day")])
def test_rounds(tmp_path: Path, by: tuple[str, ...]) -> None:
    shop = world(tmp_path, "rounds")
    shop.run()
    cell = tuple({"agent": "X", "day": DAY_1}[part] for part in by)
    figures = {key[0]: row for key, row in shop.figures(WAITS, by).items() if key[1:] == cell}
    values = {code: figures[code]["value"] for code in WAITS}
    assert values["rounds"] == 3
    assert values["unanswered_rounds"] == 2
    assert values["first_response_seconds"] == 50
    assert values["avg_response_seconds"] == 50
    assert figures["avg_response_seconds"]["denominator"] == 1
    assert values["avg_response_uncut_seconds"] == 370
    assert figures["avg_response_uncut_seconds"]["denominator"] == 2
    assert values["avg_response_all_seconds"] == pytest.approx((1 + 30 + 690) / 3, abs=1e-12)
    assert figures["avg_response_all_seconds"]["denominator"] == 3
    assert values["avg_response_capped_seconds"] == pytest.approx(1250 / 3, abs=1e-12)  # 416.666…
    assert values["within_180s_rate"] == pytest.approx(1 / 3, abs=1e-15)
    assert figures["within_180s_rate"]["numerator"] == 1
    assert figures["within_180s_rate"]["denominator"] == 3


def test_back_tomorrow(tmp_path: Path) -> None:
    shop = world(tmp_path, "back_tomorrow")
    shop.run()
    figures = shop.figures(WAITS, ("day",))
    values = {key: row["value"] for key, row in figures.items()}
    assert (values["rounds", DAY_1], values["rounds", DAY_2]) == (1, 1)
    assert (values["unanswered_rounds", DAY_1], values["unanswered_rounds", DAY_2]) == (1, 0)
    assert values["avg_response_uncut_seconds", DAY_1] == 43_205
    assert values["avg_response_uncut_seconds", DAY_2] == 5
    assert values["avg_response_seconds", DAY_1] is None
    assert values["avg_response_seconds", DAY_2] == 5


def test_three_minutes(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    shop.load(WORLDS / "three_minutes" / "messages.csv")
    shop.run()
    assert within_three_minutes(shop) == (0, 1)
    shop.load(WORLDS / "three_minutes" / "more.csv")
    shop.run()
    assert within_three_minutes(shop) == (1, 2)


def test_ten_messages_without_an_answer(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop")
    times = [f"11:{18 * n // 60:02}:{18 * n % 60:02}" for n in range(10)]
    lines = [f"b,X,{DAY_1} {time},buyer,喂" for time in times]
    shop.load(write_csv(tmp_path / "m.csv", "buyer_id,agent_id,sent_at,sender,text", lines))
    shop.run()
    assert within_three_minutes(shop) == (0, 1)


def within_three_minutes(shop: Shop) -> tuple[int, int]:
    row = shop.figures(["within_180s_rate"])[("within_180s_rate",)]
    return row["numerator"], row["denominator"]


# judge rule -> (credited agent, day, agents with an assist)
RULES = {
    "order": ("B", DAY_1, {"A", "C"}),
    "order_first": ("B", DAY_2, {"A", "C"}),
    "payment": ("C", DAY_2, {"A", "B"}),
}


@pytest.fixture(scope="module")
def three_agents(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = world(tmp_path_factory.mktemp("attribution"), "attribution")
    shop.run()
    return shop


@pytest.mark.parametrize("rule", RULES)
def test_attribution(three_agents: Shop, rule: str) -> None:
    agent, day, helpers = RULES[rule]
    shop = three_agents
    sales = shop.values(["sales_amount", "sales_orders"], ("agent", "day"), judge_rule=rule)
    sold = {key[1:]: value for key, value in sales.items() if key[0] == "sales_amount" and value}
    assert sold == {(agent, day): AMOUNT}
    assert sales["sales_orders", agent, day] == 1
    codes = ["inquiry_buyers", "followup_buyers", "assist_receptions", "assist_amount"]
    found = shop.values(codes, ("agent",), judge_rule=rule)
    for who in "ABC":
        assert found["assist_receptions", who] == (1 if who in helpers else 0)
        assert found["assist_amount", who] == (AMOUNT if who in helpers else 0)
        # A and B are inquiries by kind, C a follow-up; an inquiry that is an assist is none.
        assert found["inquiry_buyers", who] == (1 if who in "AB" and who not in helpers else 0)
        assert found["followup_buyers", who] == (1 if who == "C" else 0)
    whole = shop.values(["sales_amount", "shop_sales_amount", "silent_amount"], judge_rule=rule)
    assert [whole[code,] for code in ("sales_amount", "shop_sales_amount", "silent_amount")] == [
        AMOUNT, AMOUNT, 0,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def excluded(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = world(tmp_path_factory.mktemp("excluded"), "attribution")
    shop.set("excluded_flags", '["red"]')
    shop.run()
    return shop


@pytest.mark.parametrize("rule", RULES)
def test_attribution_with_the_flag_excluded(excluded: Shop, rule: str) -> None:
    shop = excluded
    codes = ["shop_sales_amount", "excluded_amount", "silent_amount", "sales_amount"]
    whole = shop.values(codes, judge_rule=rule)
    assert [whole[code,] for code in codes] == [AMOUNT, AMOUNT, 0, 0]
    codes = ["inquiry_buyers", "followup_buyers", "assist_receptions", "sales_orders"]
    found = shop.values(codes, ("agent",), judge_rule=rule)
    for who in "ABC":
        assert [found[code, who] for code in codes] == [1, 0, 0, 0]


def test_the_order_is_explained(three_agents: Shop) -> None:
    told = three_agents.must("explain", three_agents.root, "order", "K1")
    found = {row["judge_rule"]: (row["agent_id"], row["day"]) for row in told["rules"]}
    assert found == {rule: RULES[rule][:2] for rule in RULES}
    ranked = {
        moment["moment"]: [(row["agent_id"], row["lost_reason"]) for row in moment["ranked"]]
        for moment in told["moments"]
    }
    # At 20:05 B's session covers, and A's does not. At 09:30 none covers: the latest end is C's.
    assert ranked["created"] == [("B", None), ("A", "not_covering")]
    assert ranked["paid"] == [("C", None), ("B", "earlier_end"), ("A", "earlier_end")]
    # C began after the order was created.
    others = {row["agent_id"]: row["lost_reason"] for row in told["moments"][0]["others"]}
    assert others == {"C": "out_of_window"}


@pytest.mark.parametrize(
    ("agent", "day", "kind"),
    [("A", DAY_1, "inquiry"), ("B", DAY_1, "inquiry"), ("C", DAY_2, "followup")],
)
def test_the_kinds_are_explained(three_agents: Shop, agent: str, day: str, kind: str) -> None:
    asked = ("--agent", agent, "--buyer", "b", "--day", day)
    told = three_agents.must("explain", three_agents.root, "reception", *asked)
    assert told["reception"]["kind"] == kind
    assists = {row["judge_rule"]: row["is_assist"] for row in told["rules"]}
    assert assists == {rule: agent in RULES[rule][2] for rule in RULES}
