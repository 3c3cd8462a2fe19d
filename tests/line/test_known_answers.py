"""Public data sets with figures worked out by others: ours must agree to the last digit.

Each data set comes in through a mapping file, as any unknown desk would.
"""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from line.driving import Shop

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
UNCUT = "avg_response_uncut_seconds"


def known(shared: Path, folder: str) -> dict[str, Any]:
    """Return the figures the data set came with."""
    told: dict[str, Any] = json.loads((shared / "data" / folder / "reference.json").read_text())
    return told


def loaded(root: Path, file: Path, mapping: str) -> Shop:
    """Return a shop with one file loaded through a mapping, run."""
    shop = Shop(root)
    report = shop.load(file, mapping=MAPPINGS / mapping)
    assert report["total"]["rejected"] == 0, report["rejects"][:3]
    shop.run()
    return shop


# -- a live-chat desk ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The agent's clock: asked when assigned. Uncut, since some answers took over ten minutes."""
    file = shared / "data/chat_ops_10k/chats.csv.gz"
    return loaded(tmp_path_factory.mktemp("desk") / "shop", file, "chat_ops.yaml")


@pytest.fixture(scope="module")
def queue(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The queue's clock: asked when the chat starts, answered when an agent is assigned."""
    file = shared / "data/chat_ops_10k/chats.csv.gz"
    return loaded(tmp_path_factory.mktemp("queue") / "shop", file, "chat_ops_waits.yaml")


def test_agents_first_response(shared: Path, desk: Shop) -> None:
    told = known(shared, "chat_ops_10k")
    # Every chat that an agent closed has one question and one answer, so that each is one round.
    mean = told["agent_first_response_s (agent-closed chats)"]
    figures = desk.figures([UNCUT, "consulted_buyers"])
    assert figures[(UNCUT,)]["denominator"] == mean["n"] == told["closed_by_agent"]
    assert round(figures[(UNCUT,)]["value"], 3) == mean["mean"]
    assert figures[("consulted_buyers",)]["value"] == told["users"]


def test_each_agent(shared: Path, desk: Shop) -> None:
    told = known(shared, "chat_ops_10k")
    figures = desk.figures([UNCUT], ("agent",))
    answered = {key[1]: row for key, row in figures.items() if row["denominator"]}
    assert len(answered) == told["agents"]
    for agent, of_agent in told["top10_agents"].items():
        assert answered[agent]["denominator"] == of_agent["chats"]
        assert round(answered[agent]["value"], 3) == of_agent["mean_first_response_s"]


def test_wait_to_assignment(shared: Path, queue: Shop) -> None:
    told = known(shared, "chat_ops_10k")
    wait = told["wait_to_assignment_s (agent-closed, assigned - started)"]
    figures = queue.figures([UNCUT, "rounds", "consulted_buyers"])
    assert figures[(UNCUT,)]["denominator"] == wait["n"]
    assert round(figures[(UNCUT,)]["value"], 3) == wait["mean"]
    assert figures[("rounds",)]["value"] == told["chats"]
    assert figures[("consulted_buyers",)]["value"] == told["chats"]


def test_chats_of_each_day(shared: Path, queue: Shop) -> None:
    told = known(shared, "chat_ops_10k")
    by_day = queue.values(["rounds"], ("day",))
    assert {day: rounds for (_, day), rounds in by_day.items()} == told["chats_by_day"]


def test_chats_without_a_person_are_the_unassigned(shared: Path, queue: Shop) -> None:
    told = known(shared, "chat_ops_10k")
    by_agent = queue.values(["rounds", "unanswered_rounds"], ("agent",))
    assert by_agent["rounds", None] == told["closed_by_system_or_bot"]
    assert by_agent["unanswered_rounds", None] == told["closed_by_system_or_bot"]


# -- support on Twitter --------------------------------------------------------------------------


def test_first_response_of_dialogues(shared: Path, tmp_path: Path) -> None:
    told = known(shared, "twcs_sample")
    file = shared / "data/twcs_sample/dialogues.jsonl.gz"
    shop = loaded(tmp_path / "shop", file, "twcs_first.yaml")
    # The reference waits however long it takes (one answer came after six years): uncut. It knows
    # no rounds, so that the mapping brings in only the message that opens the one it looks at.
    first = told[
        "first_response_s (first agent message at or after the first message, "
        "buyer-started dialogues)"
    ]
    figures = shop.figures([UNCUT, "rounds", "consulted_buyers"])
    assert figures[(UNCUT,)]["denominator"] == first["n"]
    assert round(figures[(UNCUT,)]["value"], 3) == first["mean"]
    assert figures[("rounds",)]["value"] == told["buyer_started"]
    assert figures[("consulted_buyers",)]["value"] == told["buyer_started"]


def test_replies_of_brands(shared: Path, tmp_path: Path) -> None:
    told = known(shared, "twcs_sample")["reply_latency_top_brands"]
    file = shared / "data/twcs_sample/dialogues.jsonl.gz"
    shop = loaded(tmp_path / "shop", file, "twcs_replies.yaml")
    figures = shop.figures([UNCUT], ("agent",))
    # The reference follows reply links. A second reply to one tweet (a text in two parts) is a
    # latency there and closes nothing here, so only brands that never did this can be compared;
    # the others have fewer waits here, never more.
    for brand in ("ChipotleTweets", "AppleSupport"):
        row = figures[UNCUT, brand]
        assert row["denominator"] == told[brand]["n"]
        assert round(row["value"], 3) == told[brand]["mean"]
    for brand in ("AmazonHelp", "Uber_Support", "Delta"):
        assert 0 < figures[UNCUT, brand]["denominator"] < told[brand]["n"]


def test_every_message_arrives(shared: Path, tmp_path: Path) -> None:
    told = known(shared, "twcs_sample")
    file = shared / "data/twcs_sample/dialogues.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        dialogues = [json.loads(line)["turns"] for line in lines]
    # Nobody but the brand wrote: there is no buyer the messages could belong to.
    alone = [turns for turns in dialogues if all(turn["role"] == "agent" for turn in turns)]
    shop = Shop(tmp_path / "shop")
    report = shop.load(file, mapping=MAPPINGS / "twcs.yaml")
    assert report["total"]["rows_in"] == told["messages"]
    assert report["reasons"] == {"missing_required": sum(map(len, alone))}
    conversations = {row[0] for row in shop.rows("messages", "conversation_id")}
    assert len(conversations) == told["dialogues"] - len(alone)


# -- a Tmall shop's orders -----------------------------------------------------------------------


def test_orders_and_payments(shared: Path, tmp_path: Path) -> None:
    told = known(shared, "tmall_orders")
    file = shared / "data/tmall_orders/tmall_order_report.csv.gz"
    shop = loaded(tmp_path / "shop", file, "tmall.yaml")
    codes = ["created_orders", "paid_orders", "payment_rate", "shop_sales_amount", "silent_amount"]
    found = shop.values(codes)
    assert found["created_orders",] == told["orders"]
    assert found["paid_orders",] == told["orders_with_pay_time"]
    assert round(found["payment_rate",], 5) == told["paid_rate"]
    # What was paid is what was kept and what went back; nobody chatted, so all of it is silent.
    kept, back = (Decimal(str(told[f"{name}_sum"])) for name in ("买家实际支付金额", "退款金额"))
    assert found["shop_sales_amount",] == found["silent_amount",] == kept + back
    amounts = [amount for (amount,) in shop.rows("orders", "payable_amount")]
    assert sum(amounts) == Decimal(str(told["总金额_sum"]))
    refunds = [amount for (amount,) in shop.rows("refunds", "amount")]
    assert (len(refunds), sum(refunds)) == (told["orders_with_refund"], back)
