"""Inspection as tables for people, and its summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from jinpai.cli.console import plain_table
from jinpai.cli.words import language, say
from jinpai.quality.inspect import Inspected
from jinpai.quality.rule import Rule

__all__ = ["agents_table", "by_agent", "inspect_table", "rules_table", "summary"]

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


def rules_table(rules: Sequence[Rule]) -> Table:
    """Return the rules, one a line."""
    rows = [
        (
            rule.code,
            say(rule.en, rule.zh),
            say(*_GROUPS[rule.group]),
            say(*_SEVERITIES[rule.severity]),
            f"{rule.points if rule.is_merit else 0.0 - rule.points:+g}",
            say("fatal", "致命") if rule.fatal else "",
            rule.version,
        )
        for rule in rules
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
