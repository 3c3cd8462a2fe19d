"""Inspection as tables for people, and its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from jinpai.cli.console import cell, plain_table
from jinpai.cli.evidence_tables import View
from jinpai.cli.words import language, say
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.names import rule_names
from jinpai.quality.rule import Rule

__all__ = [
    "agents_table",
    "by_agent",
    "finding_facts",
    "findings_table",
    "inspect_table",
    "marked_talk",
    "rules_table",
    "summary",
]

_GROUPS = {
    "timing": ("timing", "时效"),
    "selling": ("selling", "销售"),
    "wording": ("wording", "用语"),
    "merit": ("merit", "亮点"),
}
_SEVERITIES = {"low": ("low", "低"), "medium": ("medium", "中"), "high": ("high", "高")}


def summary(found: Sequence[Inspected]) -> dict[str, Any]:
    """Return sessions, those with a fault, mean score, and findings per rule."""
    talked = [one for one in found if one.session.human and one.session.buyer]
    faulty = sum(one.is_faulty for one in found)
    counts = Counter(finding.rule for one in found for finding in one.findings)
    mean = sum(one.score for one in talked) / len(talked) if talked else None
    return {
        "dialogues": len({one.dialogue_id for one in found}),
        "sessions": len(found),
        "violation_sessions": faulty,
        "score": mean,
        "by_rule": dict(sorted(counts.items())),
    }


def inspect_table(found: Sequence[Inspected], rules: Sequence[Rule]) -> Table:
    """Return the findings, worst sessions first."""
    names = {rule.code: say(rule.en, rule.zh) for rule in rules}
    chinese = language() == "zh"
    rows = []
    for one in sorted(found, key=lambda one: one.score):
        for finding in one.findings:
            reason = finding.reason_zh if chinese else finding.reason_en
            places = ", ".join(evidence.message_id for evidence in finding.evidence)
            rows.append(
                (
                    f"{one.dialogue_id}#{one.number}",
                    f"{one.score:g}",
                    names[finding.rule],
                    f"{finding.points:+g}",
                    reason,
                    places,
                )
            )
    heads = say("Session,Score,Finding,Points,Why,Messages", "会话,得分,发现,分值,原因,消息")
    return plain_table(heads.split(","), rows, right=(1, 3))


def rules_table(judge: Judge) -> Table:
    """Return the rules, one a line."""
    rows = [
        (
            rule.code,
            say(rule.en, rule.zh),
            say(*_GROUPS[rule.group]),
            say(*_SEVERITIES[rule.severity]),
            f"{rule.points if rule.is_merit else 0.0 - rule.points:+g}",
            say("fatal", "致命") if rule.fatal else "",
            judge.version(rule.code),
        )
        for rule in judge.rules
    ]
    heads = say("Code,Name,Group,Severity,Points,,Version", "代码,名称,类别,严重度,分值,,版本")
    return plain_table(heads.split(","), rows, right=(4,))


def by_agent(found: Sequence[Inspected]) -> list[dict[str, Any]]:
    """Return one entry per agent, over sessions with a message of theirs and of the buyer.

    ``violation_sessions_rate`` is the share of sessions with a fault, ``quality_score`` the mean
    score, ``by_rule`` the sessions in which each rule found something.
    """
    agents = dict[str, list[Inspected]]()
    for one in found:
        if one.session.agent_id is not None and one.session.human and one.session.buyer:
            agents.setdefault(one.session.agent_id, []).append(one)
    return [_agent(agent, sessions) for agent, sessions in sorted(agents.items())]


def _agent(agent: str, sessions: Sequence[Inspected]) -> dict[str, Any]:
    faulty = sum(one.is_faulty for one in sessions)
    counts = Counter(rule for one in sessions for rule in {f.rule for f in one.findings})
    return {
        "agent_id": agent,
        "sessions": len(sessions),
        "violation_sessions": faulty,
        "violation_sessions_rate": faulty / len(sessions),
        "quality_score": sum(one.score for one in sessions) / len(sessions),
        "by_rule": dict(sorted(counts.items())),
    }


def agents_table(agents: Sequence[dict[str, Any]], rules: Sequence[Rule]) -> Table:
    """Return the agents, lowest score first, with their most frequent faults."""
    names = {rule.code: say(rule.en, rule.zh) for rule in rules if not rule.is_merit}
    rows = []
    for entry in sorted(agents, key=lambda entry: entry["quality_score"]):
        faults = [(code, n) for code, n in entry["by_rule"].items() if code in names]
        worst = sorted(faults, key=lambda fault: -fault[1])[:3]
        rows.append(
            (
                entry["agent_id"],
                f"{entry['sessions']:,}",
                f"{entry['quality_score']:.1f}",
                f"{entry['violation_sessions_rate']:.1%}",
                say(", ", "、").join(f"{names[code]} {count}" for code, count in worst),
            )
        )
    heads = say(
        "Agent,Sessions,Score,With faults,Most frequent", "客服,会话,得分,违规率,最常见问题"
    )
    return plain_table(heads.split(","), rows, right=(1, 2, 3))


def findings_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """Return findings of the lake, one a line."""
    rows = [
        (
            one["finding_id"][:12],
            one["day"],
            one["agent_name"] or one["agent_id"] or say("nobody", "无"),
            one["buyer_id"],
            _rule_name(one["rule"]),
            _points(one),
            one[f"reason_{language()}"],
        )
        for one in found
    ]
    heads = say("Finding,Day,Agent,Buyer,Rule,Points,Why", "编号,日期,客服,买家,规则,分值,原因")
    return plain_table(heads.split(","), rows, right=(5,))


def _rule_name(code: str) -> str:
    names = {name.code: name for name in rule_names()}
    return say(names[code].en, names[code].zh) if code in names else code


def _points(one: Mapping[str, Any]) -> str:
    if one["is_overruled"]:
        return say("overruled", "申诉成立")
    if one["is_shadow"]:
        return say("on trial", "试运行")
    return say("fatal", "致命") if one["is_fatal"] else f"{one['points']:+g}"


def finding_facts(found: Mapping[str, Any], view: View) -> Table:
    """Return what a finding is, one fact a line."""
    shop, order = found["shop_id"], found["order"]
    facts = [
        (say("Finding", "编号"), found["finding_id"]),
        (
            say("Rule", "规则"),
            f"{_rule_name(found['rule'])} ({found['rule']}, {found['rule_version']})",
        ),
        (say("Why", "原因"), found[f"reason_{language()}"]),
        (say("Points", "分值"), _points(found)),
        (
            say("Session's score", "会话得分"),
            "–" if found["score"] is None else f"{found['score']:g}",
        ),
        (say("Agent", "客服"), found["agent_name"] or found["agent_id"] or say("nobody", "无")),
        (say("Buyer", "买家"), found["buyer_id"]),
    ]
    if order is not None:
        times = [
            f"{word} {view.time(shop, order[name])}"
            for name, word in (
                ("created_at", say("created", "下单")),
                ("paid_at", say("paid", "付款")),
                ("closed_at", say("closed", "关闭")),
            )
            if order[name] is not None
        ]
        facts.append((say("Order", "订单"), " · ".join((order["order_id"], *times))))
    others = [f"{_rule_name(one['rule'])} {one['points']:+g}" for one in found["others"]]
    if others:
        facts.append((say("Also found", "其他结果"), say(", ", "、").join(others)))
    return plain_table(("", ""), facts)


def marked_talk(found: Mapping[str, Any], view: View) -> Table:
    """Return the conversation of a finding; what shows it is marked."""
    senders = {
        "buyer": say("buyer", "买家"),
        "agent": say("agent", "客服"),
        "robot": say("robot", "机器人"),
    }
    rows = []
    for message in found["messages"]:
        text = message["text"] or f"[{message['kind'] or '…'}]"
        who = say("auto reply", "自动回复") if message["is_auto"] else senders[message["sender"]]
        said = cell(" ".join(text.split()))
        if message["evidence"] is not None:
            said = _marked(text, *message["evidence"])
        rows.append(
            (
                "▶" if message["evidence"] is not None else "",
                view.time(found["shop_id"], message["sent_at"]),
                who,
                said,
            )
        )
    return plain_table(say(",Time,Who,Text", ",时间,发送,内容").split(","), rows)


def _marked(text: str, start: int, end: int) -> Text:
    """Return a text with the characters of a finding underlined."""
    if not 0 <= start < end <= len(text):
        return cell(" ".join(text.split()), style="bold")
    parts = [
        cell(text[:start]),
        cell(text[start:end], style="bold underline red"),
        cell(text[end:]),
    ]
    return Text("").join(parts)
