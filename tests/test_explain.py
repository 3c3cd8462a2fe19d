"""Orders and receptions explained: the definitions' attribution example, and the long road."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.explain import explain_order, explain_reception
from jinpai.metrics.query import ShopScope
from jinpai.simulate import simulate
from jinpai.workspace import Workspace, init
from reference.model import Shop
from reference.test_worked_examples import attribution_shop
from worlds import put_tables, run_shop, run_shops, scope

Opened = tuple[DuckEngine, ShopScope]
DAY_1, DAY_2 = date(2026, 3, 1), date(2026, 3, 2)


def opened(shop: Shop) -> Iterator[Opened]:
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [shop])
        run = run_shop(shop, None)
        run_shops(engine, [run])
        yield engine, scope(run)


@pytest.fixture
def example() -> Iterator[Opened]:
    """S1 A day 1 10:00-10:20, S2 B day 1 20:00-20:10, S3 C day 2 09:00-09:05, one order."""
    yield from opened(attribution_shop())


@pytest.fixture
def flagged() -> Iterator[Opened]:
    yield from opened(attribution_shop(flag="red"))


def the_order(example: Opened) -> str:
    engine, _ = example
    return str(engine.fetch("order", "select order_id from orders")["order_id"][0].as_py())


def ranked(moment: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(row["agent_id"], row["lost_reason"]) for row in moment["ranked"]]


def test_an_order_keeps_its_candidates_with_why_each_lost(example: Opened) -> None:
    made = explain_order(*example, the_order(example))
    created, paid = made["moments"]
    assert ranked(created) == [("B", None), ("A", "not_covering")]
    assert [(row["agent_id"], row["lost_reason"]) for row in created["others"]] == [
        ("C", "out_of_window")
    ]
    # At the payment (day 2, 09:30) no session covers; the latest end wins.
    assert ranked(paid) == [("C", None), ("B", "earlier_end"), ("A", "earlier_end")]
    assert (created["winner"], paid["winner"]) == ("B", "C")


def test_an_order_is_judged_by_three_rules(example: Opened) -> None:
    made = explain_order(*example, the_order(example))
    assert [(row["judge_rule"], row["agent_id"], row["day"]) for row in made["rules"]] == [
        ("order", "B", "2026-03-01"),
        ("order_first", "B", "2026-03-02"),
        ("payment", "C", "2026-03-02"),
    ]
    assert [row["is_default"] for row in made["rules"]] == [False, True, False]
    assert made["rules"][2]["reason_zh"] == "付款时的优胜客服是 C"
    assert made["rules"][2]["reason_en"] == "C won when it was paid"
    json.dumps(made)


def test_an_excluded_order_is_nobodys(flagged: Opened) -> None:
    made = explain_order(*flagged, the_order(flagged))
    assert {(row["agent_id"], row["status"]) for row in made["rules"]} == {(None, "excluded")}
    assert all(not moment["ranked"] for moment in made["moments"])
    assert made["order"]["is_excluded"]


def test_an_unknown_order_offers_the_nearest(example: Opened) -> None:
    near = the_order(example)
    with pytest.raises(UnknownName, match=f"Did you mean '{near}'"):
        explain_order(*example, f"{near}x")


def assists(made: dict[str, Any]) -> dict[str, bool]:
    return {row["judge_rule"]: row["is_assist"] for row in made["rules"]}


@pytest.mark.parametrize(
    ("agent", "day", "kind", "is_assist"),
    [
        # Under order and order_first A and C are assists; under payment A and B are.
        ("A", DAY_1, "inquiry", {"order": True, "order_first": True, "payment": True}),
        ("B", DAY_1, "inquiry", {"order": False, "order_first": False, "payment": True}),
        ("C", DAY_2, "followup", {"order": True, "order_first": True, "payment": False}),
    ],
)
def test_a_reception_says_its_kind_and_whether_it_assists(
    example: Opened, agent: str, day: date, kind: str, is_assist: dict[str, bool]
) -> None:
    made = explain_reception(*example, agent, "b", day)
    assert made["reception"]["kind"] == kind
    assert made["reception"]["because"] == [the_order(example)]
    assert assists(made) == is_assist
    assert [row["order_id"] for row in made["orders"]] == [the_order(example)]
    json.dumps(made)


def test_without_the_order_a_followup_is_an_inquiry(flagged: Opened) -> None:
    made = explain_reception(*flagged, "C", "b", DAY_2)
    assert (made["reception"]["kind"], made["reception"]["because"]) == ("inquiry", [])
    assert (made["reception"]["filter_zh"], made["orders"]) == ("未过滤", [])


def test_a_reception_comes_with_its_talk(example: Opened) -> None:
    made = explain_reception(*example, "A", "b", DAY_1)
    # 10:00 B, 10:08 X, 10:16 B, 10:20 X in Shanghai
    assert [(row["sent_at"][11:16], row["sender"]) for row in made["messages"]] == [
        ("02:00", "buyer"), ("02:08", "agent"), ("02:16", "buyer"), ("02:20", "agent"),
    ]  # fmt: skip
    assert [row["wait_us"] // 1_000_000 for row in made["rounds"]] == [480, 240]
    assert [len(row["messages"]) for row in made["rounds"]] == [2, 2]


def test_a_reception_that_was_not_names_what_was(example: Opened) -> None:
    with pytest.raises(UsageError, match="2026-03-01"):
        explain_reception(*example, "A", "b", DAY_2)
    with pytest.raises(UnknownName, match="no agent 'Z'"):
        explain_reception(*example, "Z", "b", DAY_1)
    with pytest.raises(UnknownName, match="no buyer 'nobody'"):
        explain_reception(*example, "A", "nobody", DAY_1)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A simulated week, imported and run."""
    folder = tmp_path_factory.mktemp("shop")
    simulate(folder / "in", agents=3, days=6, buyers=60, seed=5)
    made = init(folder / "ws", shop_id="s1", name="Shop", platform="taobao")
    made.import_files([folder / "in"])
    made.run()
    return made


def test_the_workspace_explains_what_it_answers(workspace: Workspace) -> None:
    asked = workspace.ask(["sales_amount"], by=["agent", "day"]).rows
    row = next(row for row in asked if row.value)
    made = workspace.explain_metric(
        "sales_amount", agent=row.grain["agent_id"], day=str(row.grain["day"])
    )
    assert made["value"] == f"{row.value:.2f}"
    order = workspace.explain_order(made["rows"][0]["order_id"])
    default = next(rule for rule in order["rules"] if rule["is_default"])
    assert default["agent_id"] == row.grain["agent_id"]
    assert default["day"] == str(row.grain["day"])


def test_evidence_is_what_the_run_read_whatever_is_loaded_later(
    workspace: Workspace, tmp_path: Path
) -> None:
    before = workspace.explain_metric("rounds", limit=5)
    talk = before["rows"][0]["messages"]
    late = tmp_path / "messages.csv"
    agent, buyer = before["rows"][0]["agent_id"], before["rows"][0]["buyer_id"]
    late.write_text(
        "message_id,buyer_id,agent_id,sent_at,seq,sender,kind,text\n"
        f"late-1,{buyer},{agent},{talk[0]['sent_at']},0,buyer,text,later\n",
        encoding="utf-8",
    )
    workspace.import_files([late])
    assert workspace.explain_metric("rounds", limit=5) == before


def test_a_difference_between_agents_adds_up(workspace: Workspace) -> None:
    rows = workspace.ask(["inquiry_sales_amount"], by=["agent"]).rows
    first, second = (row for row in sorted(rows, key=lambda row: row.value or 0)[-2:])
    made = workspace.decompose(agent=second.grain["agent_id"], versus=first.grain["agent_id"])
    assert first.value is not None
    assert second.value is not None
    difference = float(second.value) - float(first.value)
    assert made["difference"] == pytest.approx(difference)
    assert sum(part["amount"] for part in made["parts"]) == pytest.approx(difference, abs=1e-6)
    assert len(made["sentences_zh"]) == len(made["sentences_en"])


def test_the_shop_is_compared_with_before(workspace: Workspace) -> None:
    made = workspace.decompose(first="2026-03-04", last="2026-03-05")
    assert [(side["first"], side["last"]) for side in made["sides"]] == [
        ("2026-03-04", "2026-03-05"),
        ("2026-03-02", "2026-03-03"),
    ]
    with pytest.raises(UsageError, match="not loaded in full"):
        workspace.decompose()
    with pytest.raises(UsageError, match="name an agent"):
        workspace.decompose(versus="team")


def test_a_team_is_its_mean_member(workspace: Workspace) -> None:
    agent = str(workspace.ask(["sales_amount"], by=["agent"]).rows[0].grain["agent_id"])
    made = workspace.decompose(agent=agent, versus="team")
    mean = made["sides"][1]
    with workspace.derived() as (engine, _, _):
        teams = engine.fetch("teams", "select agent_id, team from roster").to_pylist()
    mine = next(row["team"] for row in teams if row["agent_id"] == agent)
    members = [row["agent_id"] for row in teams if row["team"] == mine]
    rows = workspace.ask(["inquiry_buyers"], by=["agent"]).rows
    counts = [int(row.value or 0) for row in rows if row.grain["agent_id"] in members]
    busy = [count for count in counts if count]
    assert mean["members"] == len(busy)
    assert mean["inquiry_buyers"] == pytest.approx(sum(busy) / len(busy))
