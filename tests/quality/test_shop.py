"""Inspection of a workspace: a shop with faults planted by hand, in words of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main
from jinpai.quality.inspect import judge_of
from jinpai.workspace import Workspace, init

# agent, buyer, minute and second of 2026-03-02 10:00 +08:00, sender, text
TALK = """
A b1 00:00 buyer 在吗
A b1 00:20 agent 您好，在的
A b1 01:00 buyer 帮我拍好了
A b1 01:10 agent 收到，马上给您备注
A b2 00:00 buyer 有没有藏青色
A b2 00:21 agent 您好，藏青色已经卖光了
A b2 30:00 buyer 什么时候发货呀
B b3 00:00 buyer 你好
B b3 00:05 agent 欢迎光临
B b3 01:00 buyer 可以便宜吗
B b3 03:01 agent 加我微信私聊给你优惠
B b4 00:00 buyer 在吗
B b4 00:01 agent 亲，客服繁忙请稍候
B b4 00:30 agent 您好呀
C b1 50:00 buyer 喂
C b1 50:05 agent 您好，看到订单还没有付款哦
"""
EXPECTED = {
    ("A", "b1", 1): {"silent_watch"},
    ("A", "b2", 1): {"ignored", "answers_no_more"},
    ("A", "b2", 2): {"ignored"},
    ("B", "b3", 1): {"slow_answer", "off_platform"},
    ("B", "b4", 1): {"ignored"},
    ("C", "b1", 2): {"duns_politely"},
}


def at(clock: str) -> str:
    return f"2026-03-02T10:{clock}+08:00"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inspected")
    exports = root / "exports"
    exports.mkdir()
    rows = ["message_id,sent_at,agent_id,buyer_id,sender,is_auto,text"]
    for number, line in enumerate(TALK.split("\n")[1:-1]):
        agent, buyer, clock, sender, text = line.split(" ", 4)
        is_auto = "true" if "客服繁忙" in text else "false"
        rows.append(f"m{number},{at(clock)},{agent},{buyer},{sender},{is_auto},{text}")
    (exports / "messages.csv").write_text("\n".join(rows), "utf-8")
    orders = [
        "order_id,buyer_id,created_at,paid_at,paid_amount",
        f"o1,b1,{at('00:40')},,",
        f"o2,b3,{at('01:30')},{at('16:00')},5",
    ]
    (exports / "orders.csv").write_text("\n".join(orders), "utf-8")
    made = init(root / "shop", shop_id="s1", name="shop", platform="taobao")
    made.config.set("inspect", True)
    made.import_files([exports])
    made.run()
    return root / "shop"


def test_planted_faults_are_found_and_no_others(shop: Path) -> None:
    judge, scanner = judge_of()
    found = {
        (one.session.agent_id, one.dialogue_id, one.number): {f.rule for f in one.findings}
        for one in Workspace(shop).inspect(judge, scanner)
    }
    # o2 was paid 14.5 minutes after it was made; o1 was dunned, but 49 minutes after it was made.
    assert found == EXPECTED


def test_findings_name_what_shows_them(shop: Path) -> None:
    judge, scanner = judge_of()
    sessions = {one.session.session_id: one for one in Workspace(shop).inspect(judge, scanner)}
    (fatal,) = [one for one in sessions.values() if one.score == 0.0]
    finding = next(finding for finding in fatal.findings if finding.fatal)
    (evidence,) = finding.evidence
    assert (finding.agent_id, evidence.message_id) == ("B", "m10")
    assert "加我微信私聊给你优惠"[evidence.start : evidence.end] == "加我微信"
    (watched,) = [f for one in sessions.values() for f in one.findings if f.rule == "silent_watch"]
    assert watched.order_id == "o1"


def test_the_command(
    shop: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    monkeypatch.setenv("COLUMNS", "120")
    out = tmp_path / "findings.jsonl"

    def ran(*args: object) -> str:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["qc", "run", str(shop), *map(str, args)])
        assert left.value.code == 0
        return capfd.readouterr().out

    found: dict[str, Any] = json.loads(ran("--format", "json", "--out", out))
    agents = {entry["agent_id"]: entry for entry in found["agents"]}
    # A's second session with b2 has no message of A; B's two score 0 (fatal) and 92.
    assert {name: entry["sessions"] for name, entry in agents.items()} == {"A": 2, "B": 2, "C": 1}
    assert agents["B"]["quality_score"] == 46.0
    assert agents["A"]["violation_sessions_rate"] == 1.0
    assert agents["C"]["quality_score"] == 102.0
    assert len(out.read_text("utf-8").splitlines()) == found["sessions"] == 6
    assert "Leads off the platform" in ran("--agent", "B")
