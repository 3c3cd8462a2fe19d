"""Findings as every run publishes them: their figures, changes of rules, decided appeals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jinpai.cli import main
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError
from jinpai.quality import put_missing
from jinpai.quality.inspect import judge_of
from jinpai.run import RunReport, run_line
from jinpai.workspace import Workspace, init

from .test_shop import EXPECTED, TALK, at

# The agents of TALK, their roles, and the rows that the rules beyond texts look at.
AGENTS = "agent_id,role\nA,presale\nB,aftersale\nC,"
PRODUCTS = (
    "product_id,title,category,attributes\n"
    'p1,Dress,dress,"{""fabric"": ""cotton""}"\n'
    'p2,Mug,mug,"{""fabric"": ""steel""}"\n'
)
MORE = """
D b5 05:00 buyer 这款有货吗 p1
D b5 05:05 agent 您好，黑色没货了哦，您可以看看同款的深蓝色 p2
D b5 05:30 buyer 那这个会掉色吗
"""
TRANSFERS = "transfer_id,buyer_id,from_agent_id,to_agent_id,at\nt1,b5,D,C,{at}"


def write(folder: Path) -> Path:
    """Write the exports of a shop of TALK and MORE."""
    folder.mkdir()
    head = "message_id,sent_at,agent_id,buyer_id,sender,is_auto,text,product_id"
    rows = [head]
    for number, line in enumerate([*TALK.split("\n")[1:-1], *MORE.split("\n")[1:-1]]):
        agent, buyer, clock, sender, text, *product = line.split(" ")
        is_auto = "true" if "客服繁忙" in text else "false"
        cells = f"m{number},{at(clock)},{agent},{buyer},{sender},{is_auto},{text}"
        rows.append(f"{cells},{''.join(product)}")
    (folder / "messages.csv").write_text("\n".join(rows), "utf-8")
    orders = f"order_id,buyer_id,created_at,paid_at,paid_amount\no1,b1,{at('00:40')},,\n"
    (folder / "orders.csv").write_text(orders, "utf-8")
    return folder


def put(workspace: Workspace, tmp_path: Path, table: str, text: str) -> RunReport:
    """Import one more table and run."""
    path = tmp_path / f"{table}.csv"
    path.write_text(text, "utf-8")
    workspace.import_files([path])
    return workspace.run()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("published")
    workspace = init(root / "shop", shop_id="s1", name="shop", platform="taobao")
    workspace.config.set("inspect", True)
    workspace.import_files([write(root / "in")])
    workspace.run()
    return root / "shop"


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "shop")
    return Workspace(tmp_path / "shop")


def found(workspace: Workspace) -> dict[tuple[Any, ...], set[str]]:
    """Return (agent, buyer, minute of the start) -> rules that found something."""
    with workspace.derived() as (engine, _, _):
        rows = engine.fetch(
            "found",
            "select agent_id, buyer_id, minute(started_at) as minute, rule from findings",
        ).to_pylist()
    sessions = dict[tuple[Any, ...], set[str]]()
    for row in rows:
        key = (row["agent_id"], row["buyer_id"], row["minute"])
        sessions.setdefault(key, set()).add(row["rule"])
    return sessions


def tables(workspace: Workspace) -> list[list[dict[str, Any]]]:
    """Return the rows of what inspection publishes."""
    with workspace.derived() as (engine, _, _):
        return [
            engine.fetch(name, f"select * from {name} order by all").to_pylist()
            for name in ("findings", "session_scores", "session_products")
        ]


def test_a_run_publishes_what_was_planted(shop: Workspace) -> None:
    planted = {key[:2]: rules for key, rules in EXPECTED.items() if key[2] == 1}
    published = found(shop)
    assert {key[:2]: rules for key, rules in published.items() if key[2] == 0} == planted
    assert published["A", "b2", 30] == {"ignored"}
    assert published["C", "b1", 50] == {"duns_politely"}
    # The second question was never answered; which products those are is not known yet.
    expected = {"rescues_out_of_stock", "unanswered_end", "chain_incomplete"}
    assert published["D", "b5", 5] == expected


def test_figures_of_the_planted_faults(shop: Workspace) -> None:
    rows = shop.ask(["violation_sessions_rate", "quality_score", "rule_ignored_rate"]).rows
    values = {row.metric: (row.numerator, row.denominator) for row in rows}
    # Two-sided: A b1, A b2 (the first), B b3, B b4, C b1, D b5. C's only finding is a merit.
    # Scores: 94, 88 (8 and 4 off), 0 (fatal), 92, 102, 95 (3 added, 8 off).
    assert values["violation_sessions_rate"] == (5, 6)
    assert values["quality_score"] == (94 + 88 + 0 + 92 + 102 + 95, 6)
    assert values["rule_ignored_rate"] == (2, 6)
    by_product = shop.ask(["quality_score", "rule_unanswered_end_rate"], by=["product"]).rows
    named = [(row.grain["product_id"], row.metric, row.value) for row in by_product]
    assert named == [
        (product, metric, value)
        for product in ("p1", "p2")
        for metric, value in (("quality_score", 95.0), ("rule_unanswered_end_rate", 1.0))
    ]


def test_products_transfers_and_roles_change_what_is_found(shop: Workspace, tmp_path: Path) -> None:
    before = found(shop)["D", "b5", 5]
    assert put(shop, tmp_path, "products", PRODUCTS).mode == "partial"
    assert found(shop)["D", "b5", 5] == before | {"unlike_product"}
    assert put(shop, tmp_path, "transfers", TRANSFERS.format(at=at("06:00"))).mode == "partial"
    # A hand-over is no silence at the end.
    handed = {"unlike_product", "left_unanswered"}
    assert found(shop)["D", "b5", 5] == (before - {"unanswered_end"}) | handed
    # B is after-sales: nothing of B's was for pre-sales only. C, of no known role, stays as it is.
    everything = found(shop)
    put(shop, tmp_path, "agents", AGENTS.replace("A,presale", "A,aftersale"))
    gone = {key: rules - found(shop).get(key, set()) for key, rules in everything.items()}
    assert {key: rules for key, rules in gone.items() if rules} == {
        ("A", "b1", 0): {"silent_watch"},
        ("A", "b2", 0): {"answers_no_more"},
    }
    partial = tables(shop)
    shop.run(full=True)
    assert tables(shop) == partial


def test_an_order_is_watched_until_the_end(shop: Workspace) -> None:
    assert shop.run(as_of=f"{at('15:39')}").mode != "nothing"
    assert ("A", "b1", 0) not in found(shop)
    report = shop.run(as_of=f"{at('15:40')}")  # 15 minutes after the order
    assert report.mode == "partial"
    assert found(shop)["A", "b1", 0] == {"silent_watch"}


def test_other_rules_make_findings_again_and_nothing_else(shop: Workspace) -> None:
    before = {one["rule"]: one["rule_version"] for one in tables(shop)[0]}
    (shop.root / "rules.yaml").write_text(
        "ignored: {points: 9, zh: 不理人}\nrude: {zh: 无礼, en: Rude, group: wording, points: 1,"
        " when: {act: agent.off_platform_contact}, reason_zh: 无礼, reason_en: Rude,"
        " breaks: [A 加我微信], keeps: [A 好]}\n",
        "utf-8",
    )
    again = Workspace(shop.root)
    report = again.run()
    assert set(report.changed) == {"findings", "session_scores", "session_products"}
    assert "rules or acts" in report.why[0].en
    after = {one["rule"]: one["rule_version"] for one in tables(again)[0]}
    assert {rule for rule in before if before[rule] != after[rule]} == {"ignored"}
    (row,) = again.ask(["rule_rude_rate"]).rows
    assert (row.numerator, row.denominator) == (1, 6)
    assert again.run().mode == "nothing"
    (shop.root / "rules.yaml").unlink()
    again.run()
    assert {one["rule"]: one["rule_version"] for one in tables(again)[0]} == before


def test_an_upheld_appeal_costs_nothing_any_more(shop: Workspace) -> None:
    (fatal,) = [one for one in tables(shop)[0] if one["is_fatal"]]
    decided = pa.table({"finding_id": [fatal["finding_id"], "0"], "verdict": ["upheld", "right"]})
    report = run_line(shop.lake, shop.config, rulings=decided)
    assert report.mode == "partial"
    (after,) = [one for one in tables(shop)[0] if one["is_fatal"]]
    assert after == fatal | {"is_overruled": True}
    scores = {(one["agent_id"], one["buyer_id"]): one["score"] for one in tables(shop)[1]}
    assert scores["B", "b3"] == 96.0  # a slow answer is left
    (row,) = shop.ask(["rule_off_platform_rate"]).rows
    assert row.value == 0
    assert run_line(shop.lake, shop.config, rulings=decided).mode == "nothing"
    assert run_line(shop.lake, shop.config).mode == "partial"
    assert fatal in tables(shop)[0]


def test_without_inspection_there_are_no_figures(shop: Workspace) -> None:
    shop.config.set("inspect", "false")
    quiet = Workspace(shop.root)
    assert quiet.run().mode in ("partial", "full")
    assert tables(quiet) == [[], [], []]
    (row,) = quiet.ask(["quality_score"]).rows
    assert (row.value, row.denominator) == (None, 0)


def test_trying_rules_gives_what_the_run_gives(shop: Workspace) -> None:
    judge, scanner = judge_of()
    tried = {
        (one.session.session_id, finding.rule, finding.version)
        for one in shop.inspect(judge, scanner)
        for finding in one.findings
    }
    published = {(one["session_id"], one["rule"], one["rule_version"]) for one in tables(shop)[0]}
    assert tried == published


def test_list_and_show(
    shop: Workspace, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(*args: object) -> str:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["qc", *map(str, args)])
        assert left.value.code == 0
        return capfd.readouterr().out

    monkeypatch.setenv("JINPAI_LANG", "zh")
    monkeypatch.setenv("COLUMNS", "120")
    asked = ("list", shop.root, "--rule", "off_platform,slow_answer", "--agent", "B")
    listed = json.loads(ran(*asked, "--format", "json"))
    assert [one["rule"] for one in listed["findings"]] == ["off_platform", "slow_answer"]
    assert listed["count"] == 2
    assert "引流站外" in ran(*asked)
    assert json.loads(ran(*asked, "--from", "2026-03-03", "--format", "json"))["count"] == 0
    name = listed["findings"][0]["finding_id"]
    shown = json.loads(ran("show", shop.root, name[:10], "--format", "json"))
    assert shown["finding_id"] == name
    marked = [one for one in shown["messages"] if one["evidence"] is not None]
    assert [(one["text"], one["evidence"]) for one in marked] == [("加我微信私聊给你优惠", [0, 4])]
    assert [one["rule"] for one in shown["others"]] == ["slow_answer"]
    assert "会话得分" in ran("show", shop.root, name)


def test_a_run_of_an_older_version_has_no_findings() -> None:
    with DuckEngine(threads=1) as engine:
        put_missing(engine, ("sessions", "findings"))
        for name in ("session_scores", "session_products"):
            assert engine.fetch(name, f"select * from {name}").num_rows == 0
        with pytest.raises(EngineError):
            engine.fetch("findings", "select * from findings")


def test_qc_run_sums_up_what_the_metrics_say(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shutil.copytree(made, tmp_path / "shop")
    with pytest.raises(SystemExit) as ended:
        main(["qc", "run", str(root), "--format", "json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    workspace = Workspace(root)
    asked = {
        row.metric: row for row in workspace.ask(["violation_sessions_rate", "quality_score"]).rows
    }
    assert told["sessions"] == asked["quality_score"].denominator
    assert told["violation_sessions"] == asked["violation_sessions_rate"].numerator
    assert told["score"] == pytest.approx(asked["quality_score"].value)
    found, count = workspace.findings(limit=1000)
    assert sum(told["by_rule"].values()) == sum(one["is_judged"] for one in found)
    assert count == len(found)
