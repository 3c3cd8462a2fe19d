"""Training cases: what is chosen, what is hidden, and the page they are printed on."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from jinpai.cli import main
from jinpai.quality.acts.patterns import shipped_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.cases import Lesson, lessons, lessons_json
from jinpai.quality.example import session_of
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.rule import shipped_rules
from jinpai.reports.training_pack import render_pack
from jinpai.simulate import simulate
from jinpai.workspace import init

SCANNER = Scanner(shipped_acts())
RULES = [rule for rule in shipped_rules() if rule.code in ("insult", "ignored")]
ACTS = {act.name: (act.zh, act.en) for act in SCANNER.acts}
TALKS = {
    "rude": ["B 什么时候发货", "A 你是不是脑子有病，电话13812345678"],
    "slow_and_rude": ["B 什么时候发货", "A +60 你是不是脑子有病"],
    "kind": ["B 什么时候发货", "A 您好，今天发货的", "B 好的", "A 祝您生活愉快"],
    "kind_and_sold": ["B 什么时候发货呀", "A 您好，今天发货的", "B 嗯", "A 祝您生活愉快"],
    "elsewhere": ["B 多少钱", "A 您好，五十元", "B 好的谢谢", "A 祝您生活愉快"],
}


def inspected(names: Sequence[str] = tuple(TALKS)) -> list[Inspected]:
    judge = Judge(shipped_rules(), SCANNER)
    sessions = [(name, session_of(TALKS[name], SCANNER)) for name in names]
    return [Inspected(name, 1, one, tuple(judge.findings(one))) for name, one in sessions]


def chosen(found: Sequence[Lesson]) -> dict[str, tuple[list[str], list[str]]]:
    return {
        one.rule.code: (
            [case.one.dialogue_id for case in one.bad],
            [case.one.dialogue_id for case in one.good],
        )
        for one in found
    }


def test_the_clearest_fault_and_the_best_answer_to_the_same_question() -> None:
    found = lessons(inspected(), RULES, {("kind_and_sold", "agent")})
    # Rude alone shows rudeness better than rude and slow; what was sold comes first; a question
    # about the price is another situation.
    assert chosen(found) == {
        "ignored": (["slow_and_rude"], ["kind_and_sold", "kind"]),
        "insult": (["rude", "slow_and_rude"], ["kind_and_sold", "kind"]),
    }


def test_of_one_agent_and_so_many() -> None:
    assert lessons(inspected(), RULES, (), agent="somebody else") == []
    [ignored, insult] = lessons(inspected(), RULES, (), agent="agent", bad=1, good=1)
    assert (len(ignored.bad), len(insult.bad), len(insult.good)) == (1, 1, 1)


def test_nobody_is_named() -> None:
    made = lessons_json(lessons(inspected(), RULES, ()), {"agent": "阿岚"}, ACTS)
    text = json.dumps(made, ensure_ascii=False)
    assert "13812345678" not in text
    assert "[手机号]" in text
    assert not any(f'"{name}"' in text for name in TALKS)
    [message] = [one for one in made[1]["bad"][0]["messages"] if one["is_evidence"]]
    assert (message["role"], message["after"]) == ("agent", 5)


@pytest.mark.parametrize(("language", "title"), [("zh", "培训案例"), ("en", "Training pack")])
def test_the_page(language: str, title: str) -> None:
    made = lessons_json(lessons(inspected(), RULES, ()), {}, ACTS)
    made[0]["bad"][0]["messages"][0]["text"] = "<script>alert(1)</script>"
    page = render_pack(made, "zh" if language == "zh" else "en", shop="店<b>", when="2026-03")
    assert all(text in page for text in (title, "&lt;script&gt;", "店&lt;b&gt;"))
    assert not re.search(r"<script|src=|href=\"(?!#)|url\(|@import", page)
    assert render_pack([], "en", shop="s", when="").count("<section") == 0


def test_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(tmp_path / "exports", agents=2, days=3, buyers=10, seed=2, planted=1)
    shop = init(tmp_path / "shop", shop_id="s", name="s", platform="taobao")
    shop.config.set("inspect", True)
    shop.import_files([tmp_path / "exports"])
    shop.run()
    out = tmp_path / "cases.json"
    with pytest.raises(SystemExit) as ended:
        main(["qc", "cases", str(tmp_path / "shop"), "--out", str(out), "--format", "json"])
    assert ended.value.code == 0
    said, made = json.loads(capsys.readouterr().out), json.loads(out.read_text("utf-8"))
    assert said["rules"] == len(made) > 20
    assert all(lesson["bad"] for lesson in made)
    assert "访客_" not in out.read_text("utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["qc", "cases", str(tmp_path / "shop"), "--out", str(tmp_path / "cases.pdf")])
    assert ended.value.code != 0
