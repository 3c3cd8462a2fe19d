"""Rules: every one finds its own example and spares the other; own rules; findings and scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.errors import UsageError
from jinpai.quality.acts.patterns import shipped_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.example import session_of
from jinpai.quality.inspect import judge_of, lint
from jinpai.quality.judge import Judge, score
from jinpai.quality.rule import Rule, act_names, rules_with, shipped_rules

SCANNER = Scanner(shipped_acts())
SLOW = """
slow:
  zh: 慢
  en: Slow
  group: timing
  points: 1
  settings: {seconds: 9}
  when: {check: first_response}
  reason_zh: 等了 {wait} 秒
  reason_en: Slow
  breaks: [B 在吗]
  keeps: [B 在吗, A 在的]
"""


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.code)
def test_examples_show_what_they_should(rule: Rule) -> None:
    judge = Judge([rule], SCANNER)
    assert len(judge.findings(session_of(rule.breaks, SCANNER))) == 1
    assert judge.findings(session_of(rule.keeps, SCANNER)) == []


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.code)
def test_reasons_are_filled_and_versions_stand_for_meaning(rule: Rule) -> None:
    judge = Judge([rule], SCANNER)
    (found,) = judge.findings(session_of(rule.breaks, SCANNER))
    assert "{" not in found.reason_zh + found.reason_en
    assert found.version == judge.version(rule.code)
    assert rule.model_copy(update={"zh": "别名"}).version == rule.version
    assert rule.model_copy(update={"points": rule.points + 1}).version != rule.version


def test_other_patterns_make_another_version() -> None:
    refusal = next(act for act in shipped_acts() if act.name == "agent.stiff_refusal")
    wider = refusal.model_copy(update={"any": (*refusal.any, "没门")})
    others = [act for act in shipped_acts() if act is not refusal]
    here, there = (Judge(shipped_rules(), Scanner([*others, one])) for one in (refusal, wider))
    changed = {
        rule.code for rule in here.rules if here.version(rule.code) != there.version(rule.code)
    }
    assert changed == {"stiff_refusal", "one_word", "duns_politely"}


def test_another_placeholder_makes_another_version() -> None:
    """A greeting may carry the agent's number: which that is, is part of what is judged."""
    here, there = (
        Judge(shipped_rules(), Scanner(shipped_acts(), {"agent_no": number, "gift": number}))
        for number in ("甲{n}号", "乙{n}号")
    )
    changed = {
        rule.code for rule in here.rules if here.version(rule.code) != there.version(rule.code)
    }
    assert "no_greeting" in changed
    assert "ignored" not in changed


def rules_of(*lines: str) -> dict[str, str]:
    """Return rule -> English reason of all shipped rules on a conversation."""
    judge = Judge(shipped_rules(), SCANNER)
    found = judge.findings(session_of(lines, SCANNER))
    return {finding.rule: finding.reason_en for finding in found}


def test_never_answered_is_ignored() -> None:
    assert rules_of("B 在吗", "B 有人吗").keys() == {"ignored"}


def test_the_reason_says_that_nobody_answered() -> None:
    (found,) = Judge(shipped_rules(), SCANNER).findings(session_of(("B 在吗", "B 有人吗"), SCANNER))
    assert found.reason_zh == "无人回复（应在 20 秒内首次响应）"
    assert found.reason_en == "Nobody answered (the first answer is due within 20 s)"


def test_own_reasons_about_a_wait_that_had_no_end() -> None:
    (rule,) = [rule for rule in rules_with(SLOW, "own", act_names()) if rule.code == "slow"]
    (found,) = Judge((rule,), SCANNER).findings(session_of(("B 在吗",), SCANNER))
    assert (found.reason_zh, found.reason_en) == ("无人回复", "Slow")


def test_a_bare_yes_waits_for_an_answer() -> None:
    asked = ("B 我的订单还没发货", "A 亲，请问是这个订单吗")
    assert "unanswered_end" in rules_of(*asked, "B 是的")
    assert "unanswered_end" not in rules_of(*asked, "B 好的谢谢")


def test_first_response_counts_from_the_first_message() -> None:
    assert "ignored" not in rules_of("B 在吗", "A +20 您好")
    assert rules_of("B 在吗", "B +15 你好", "A +10 您好")["ignored"] == (
        "The first answer took 25 s, longer than 20 s"
    )


def test_silence_about_an_order() -> None:
    assert "silent_watch" in rules_of("B 我拍了", "A 好的亲", "O +10", "E +900")
    assert "silent_watch" not in rules_of("B 我拍了", "A 好的亲", "O +10", "E +899")
    assert "silent_watch" not in rules_of("B 我拍了", "A 好的亲", "O +10 899", "E +2000")
    assert "silent_watch" in rules_of("B 我拍了", "A 好的亲", "O +10 901", "E +2000")


def test_the_missing_steps_are_named() -> None:
    found = rules_of("B 在吗", "A 您想要什么款式呢", "B 裙子", "A 推荐您看看这款")
    assert found["chain_incomplete"].endswith("missing: asking why")


def test_rules_for_other_roles_are_left_out() -> None:
    lines = ("B 有黑色吗", "A 黑色没货了哦")
    for role, expected in (("presale", True), ("aftersale", False), ("both", True), (None, True)):
        found = Judge(shipped_rules(), SCANNER).findings(session_of(lines, SCANNER, role))
        assert any(finding.rule == "answers_no_more" for finding in found) is expected


def test_score() -> None:
    session = session_of(("B 在吗", "A 什么事", "B +1 这个会缩水吗", "A 会"), SCANNER)
    found = Judge(shipped_rules(), SCANNER).findings(session)
    assert {finding.rule for finding in found} == {"no_greeting", "one_word"}
    assert score(found) == 98.0
    assert score([]) == 100.0
    fatal = Judge(shipped_rules(), SCANNER).findings(
        session_of(("B 在吗", "A 你脑子有病吧"), SCANNER)
    )
    assert score(fatal) == 0.0


def test_evidence_points_at_the_words() -> None:
    session = session_of(("B 会掉色吗", "A 亲，绝对不会掉色的"), SCANNER)
    found = Judge(shipped_rules(), SCANNER).findings(session)
    (promise,) = [finding for finding in found if finding.rule == "dangerous_promise"]
    (evidence,) = promise.evidence
    assert evidence.message_id == "m2"
    assert "亲，绝对不会掉色的"[evidence.start : evidence.end] == "绝对不会掉色"


OWN = """
asks_twice:
  zh: 追问
  en: Asks twice
  group: merit
  points: 5
  when: {all: [{act: agent.ask_want, count: 2}, {not: {act: agent.apology, first: 1}}]}
  reason_zh: 问了 {count} 次
  reason_en: asked {count} times
  breaks: [B 在吗, A 您想要什么款式呢, B 裙子, A 预算是多少呢]
  keeps: [B 在吗, A 您想要什么款式呢]
ignored: {settings: {seconds: 60}}
sarcasm: {drop: true}
"""


def test_a_shop_writes_changes_and_drops_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(OWN, "utf-8")
    judge, scanner = judge_of(path)
    rules = {rule.code: rule for rule in judge.rules}
    assert "sarcasm" not in rules
    assert rules["ignored"].settings == {"seconds": 60}
    assert rules["ignored"].version != {r.code: r for r in shipped_rules()}["ignored"].version
    own = [problem for problem in lint(judge, scanner) if problem[0] == "asks_twice"]
    assert own == []
    # The shipped example waits 21 s, which this shop allows.
    assert [problem[:2] for problem in lint(judge, scanner)] == [("ignored", "breaks")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x: {zh: a}", "x: "),
        ("ignored: {points: -1}", "ignored: points"),
        ("ignored: {when: {act: agent.nothing}}", "there is no act 'agent.nothing'"),
        ("ignored: {when: {check: nothing}}", "there is no check 'nothing'"),
        ("ignored: {when: {sequence: 'greeting ('}}", "ignored: Sequence .*position 10"),
        ("ignored: {when: {act: agent.greeting, check: nagging}}", "a condition is one of"),
        ("ignored: {when: {act: agent.greeting, within: 5}}", "within: only beside after"),
        ("ignored: {when: {check: nagging, count: 2}}", "count: only beside act"),
        ("ignored: {colour: red}", "colour"),
        ("- a", "write CODE"),
        ("[", "rules.yaml"),
    ],
)
def test_bad_rules_are_explained(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=problem):
        judge_of(path)


def test_a_rule_in_the_shadow_is_found_and_costs_nothing() -> None:
    [insult] = [rule for rule in shipped_rules() if rule.code == "insult"]
    shadow = insult.model_copy(update={"shadow": True})
    found = Judge([shadow], SCANNER).findings(session_of(insult.breaks, SCANNER))
    assert [(one.rule, one.points, one.fatal) for one in found] == [("insult", 0.0, False)]
    assert score(found) == 100.0
    assert shadow.version != insult.version
