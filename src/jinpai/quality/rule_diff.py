"""What the sessions of a workspace would look like under other rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from jinpai.periods import local_time
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Finding, Judge, score

__all__ = ["RuleDiff", "compare", "day_of"]


@dataclass
class _Agent:
    """Sums over one account's sessions, before and after."""

    sessions: int = 0
    scores: list[float] = field(default_factory=lambda: [0.0, 0.0])
    faulty: list[int] = field(default_factory=lambda: [0, 0])


@dataclass
class RuleDiff:
    """Two sets of rules on the same sessions.

    Attributes:
        sessions: how many were judged.
        before, after: findings by rule; ``gained`` and ``lost`` are sessions by rule.
        examples: some of the sessions in which a rule gained or lost.
    """

    old: Judge
    new: Judge
    sessions: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    agents: dict[str, _Agent] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, one: Inspected, after: Sequence[Finding], shown: int) -> None:
        """Count a session: judged by the old rules, and what the new ones find in it."""
        self.sessions += 1
        was, now = ({found.rule: found for found in listed} for listed in (one.findings, after))
        self.before.update(was.keys())
        self.after.update(now.keys())
        for change, more, less in (("gained", now, was), ("lost", was, now)):
            for rule in more.keys() - less.keys():
                counted = self.gained if change == "gained" else self.lost
                counted[rule] += 1
                if counted[rule] <= shown:
                    self.examples.append(_example(change, one, more[rule]))
        if one.session.human and one.session.buyer:
            self._sum(one, after)

    def _sum(self, one: Inspected, after: Sequence[Finding]) -> None:
        agent = self.agents.setdefault(one.session.agent_id or "", _Agent())
        agent.sessions += 1
        for place, listed in enumerate((one.findings, after)):
            agent.scores[place] += score(listed)
            agent.faulty[place] += any(found.points < 0 or found.fatal for found in listed)

    def to_json(self) -> dict[str, Any]:
        """Return the difference as JSON values: rules in the new order, agents by name."""
        rules = {rule.code: rule for rule in (*self.old.rules, *self.new.rules)}
        versions = [
            {rule.code: judge.version(rule.code) for rule in judge.rules}
            for judge in (self.old, self.new)
        ]
        return {
            "sessions": self.sessions,
            "rules": [
                {
                    "rule": code,
                    "zh": rule.zh,
                    "en": rule.en,
                    "version_before": versions[0].get(code),
                    "version_after": versions[1].get(code),
                    "before": self.before[code],
                    "after": self.after[code],
                    "gained": self.gained[code],
                    "lost": self.lost[code],
                }
                for code, rule in rules.items()
            ],
            "agents": [_agent(name, sums) for name, sums in sorted(self.agents.items())],
            "examples": sorted(self.examples, key=lambda one: (one["rule"], one["change"])),
        }


def _agent(name: str, sums: _Agent) -> dict[str, Any]:
    scores = [total / sums.sessions for total in sums.scores]
    rates = [count / sums.sessions for count in sums.faulty]
    return {
        "agent_id": name,
        "sessions": sums.sessions,
        "quality_score_before": scores[0],
        "quality_score_after": scores[1],
        "violation_sessions_rate_before": rates[0],
        "violation_sessions_rate_after": rates[1],
    }


def _example(change: str, one: Inspected, found: Finding) -> dict[str, Any]:
    at = one.session.messages[0].at
    return {
        "change": change,
        "rule": found.rule,
        "session_id": found.session_id,
        "agent_id": found.agent_id,
        "started_at": None if at is None else datetime.fromtimestamp(at, UTC).isoformat(),
        "reason_zh": found.reason_zh,
        "reason_en": found.reason_en,
    }


def day_of(one: Inspected, zone_of: Callable[[str], str]) -> date:
    """Return the local day on which a session of a workspace began.

    Args:
        zone_of: shop_id -> its IANA time zone.
    """
    zone = zone_of(one.session.session_id.partition("/")[0])
    return local_time(round((one.session.messages[0].at or 0.0) * 1e6), zone).date()


def compare(found: Iterable[Inspected], old: Judge, new: Judge, shown: int = 3) -> RuleDiff:
    """Return what changes where sessions judged by the old rules are judged by the new ones.

    Args:
        found: sessions with the findings of ``old``; both judges must know the same acts.
        shown: at most so many examples of each rule and change.
    """
    made = RuleDiff(old, new)
    for one in found:
        made.add(one, new.findings(one.session), shown)
    return made
