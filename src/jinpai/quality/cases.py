"""Training cases: of each fault the clearest bad examples, and how others did well there.

Two sessions are alike where their buyers did the same acts. Good is a session without a fault; the
best ones led to a credited order and have the most merits.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Finding
from jinpai.quality.masking import unnamed
from jinpai.quality.rule import Rule
from jinpai.quality.session import Session

__all__ = ["Case", "Lesson", "lessons", "lessons_json"]

_POOL = 4  # good sessions kept of each situation and agent
_SHORT, _LONG = 3, 40  # messages a case has, if possible


@dataclass(frozen=True)
class Case:
    """A session as an example.

    Attributes:
        finding: what it shows; None of a good one.
        has_order: its agent was credited with an order of its buyer.
    """

    one: Inspected
    finding: Finding | None
    has_order: bool

    @property
    def asked(self) -> frozenset[str]:
        """The acts of the buyer: the situation."""
        return frozenset(act for message in self.one.session.buyer for act in message.acts)

    @property
    def merits(self) -> float:
        """Points of what was done well."""
        return sum(max(0.0, found.points) for found in self.one.findings)


@dataclass(frozen=True)
class Lesson:
    """A rule with cases that break it, and with good ones in the situations of these."""

    rule: Rule
    bad: tuple[Case, ...]
    good: tuple[Case, ...]


@dataclass
class _Picked:
    """The best so far, at most ``most`` of each key."""

    most: int
    heaps: dict[Any, list[tuple[Any, int, Case]]] = field(default_factory=dict)
    _number: Any = field(default_factory=count)

    def add(self, key: Any, worth: Any, case: Case) -> None:
        heap = self.heaps.setdefault(key, [])
        entry = (worth, -next(self._number), case)
        if len(heap) < self.most:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    def best(self, key: Any) -> tuple[Case, ...]:
        return tuple(case for *_, case in sorted(self.heaps.get(key, []), reverse=True))

    def all(self) -> Iterable[Case]:
        return (case for heap in self.heaps.values() for *_, case in heap)


def lessons(
    found: Iterable[Inspected],
    rules: Sequence[Rule],
    credited: Collection[tuple[str, str]],
    *,
    agent: str | None = None,
    bad: int = 2,
    good: int = 2,
) -> list[Lesson]:
    """Return a lesson for each fault among the rules that was found, in their order.

    Args:
        found: judged sessions; read once, a few of each kind are kept.
        credited: (buyer, account) of credited orders.
        agent: bad cases of this account only; good ones are anybody's.
        bad, good: at most so many cases of each rule.
    """
    faults = {rule.code for rule in rules if not rule.is_merit}
    worst, pool = _Picked(bad), _Picked(_POOL)
    for one in found:
        session = one.session
        has_order = (one.dialogue_id, session.agent_id or "") in credited
        for finding in one.findings:
            if finding.rule in faults and agent in (None, session.agent_id):
                worst.add(finding.rule, _clear(one, finding), Case(one, finding, has_order))
        if not one.is_faulty and session.human and session.buyer:
            case = Case(one, None, has_order)
            pool.add((case.asked, session.agent_id), _good(case), case)
    known = list(pool.all())
    return [
        Lesson(rule, worst.best(rule.code), _alike(worst.best(rule.code), known, good))
        for rule in rules
        if rule.code in worst.heaps
    ]


def _clear(one: Inspected, finding: Finding) -> tuple[Any, ...]:
    """Return how plainly a session shows a fault: alone, with evidence, in a readable length."""
    others = sum(other.points < 0 or other.fatal for other in one.findings) - 1
    size = len(one.session.messages)
    talked = bool(one.session.human)
    return (talked, _SHORT <= size <= _LONG, bool(finding.evidence), -others, -size)


def _good(case: Case) -> tuple[Any, ...]:
    size = len(case.one.session.messages)
    return (case.has_order, case.merits, _SHORT <= size <= _LONG, -size)


def _alike(bad: Sequence[Case], known: Sequence[Case], most: int) -> tuple[Case, ...]:
    """Return the good sessions most like the bad ones, best first among those as much alike."""
    wanted = frozenset(act for case in bad for act in case.asked)
    near = [(_overlap(wanted, case.asked), _good(case), -at) for at, case in enumerate(known)]
    ranked = sorted((one for one in near if one[0] > 0 or not wanted), reverse=True)
    return tuple(known[-place] for *_, place in ranked[:most])


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def lessons_json(
    found: Sequence[Lesson], names: Mapping[str, str], acts: Mapping[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return lessons as JSON values without personal data: buyers unnamed, texts masked.

    Args:
        names: account -> what people call it; shown, and masked in the texts.
        acts: act -> its Chinese and English name.
    """
    return [
        {
            "rule": lesson.rule.code,
            "zh": lesson.rule.zh,
            "en": lesson.rule.en,
            "group": lesson.rule.group,
            "severity": lesson.rule.severity,
            "points": lesson.rule.cost,
            "fatal": lesson.rule.kills,
            "bad": [_case(case, names, acts) for case in lesson.bad],
            "good": [_case(case, names, acts) for case in lesson.good],
        }
        for lesson in found
    ]


def _case(
    case: Case, names: Mapping[str, str], acts: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    session = case.one.session
    hidden = {case.one.dialogue_id, *names.values()} - {""}
    shown = case.finding.evidence if case.finding else ()
    marked = {one.message_id for one in shown}
    return {
        "agent": names.get(session.agent_id or "", session.agent_id),
        "score": case.one.score,
        "has_order": case.has_order,
        "reason_zh": case.finding.reason_zh if case.finding else "",
        "reason_en": case.finding.reason_en if case.finding else "",
        "merits_zh": [one.reason_zh for one in case.one.findings if one.points > 0],
        "merits_en": [one.reason_en for one in case.one.findings if one.points > 0],
        "asked": [
            {"act": act, "zh": acts[act][0], "en": acts[act][1]}
            for act in sorted(case.asked & acts.keys())
        ],
        "messages": _messages(session, marked, hidden),
    }


def _messages(session: Session, marked: Collection[str], hidden: set[str]) -> list[dict[str, Any]]:
    """Return the messages with the seconds since the first and whether they are evidence."""
    start = session.messages[0].at
    return [
        {
            "role": message.role,
            "after": None if start is None or message.at is None else round(message.at - start),
            "text": unnamed(message.text, hidden),
            "is_evidence": message.message_id in marked,
        }
        for message in session.messages
    ]
