"""Judging: rules on a session, findings with their evidence, and the session's score."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from jinpai.quality.acts.patterns import Role
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.checks import CHECKS, NEVER, Hit
from jinpai.quality.rule import Condition, Rule
from jinpai.quality.sequence import Pattern, compile_sequence
from jinpai.quality.session import Message, Session

__all__ = ["SHOWN", "Evidence", "Finding", "Judge", "reasons", "score", "sequence_of", "shown"]

SHOWN = 10  # messages of a finding's evidence


@dataclass(frozen=True)
class Evidence:
    """A message that shows a finding, and which characters of it (0, 0: all of it)."""

    message_id: str
    start: int
    end: int
    at: float | None


@dataclass(frozen=True)
class Finding:
    """What a rule found in a session.

    Attributes:
        version: of the rule; part of the finding's identity.
        points: negative for a fault, positive for a merit.
    """

    rule: str
    version: str
    session_id: str
    agent_id: str | None
    points: float
    fatal: bool
    reason_zh: str
    reason_en: str
    evidence: tuple[Evidence, ...]
    order_id: str | None = None


def score(findings: Sequence[Finding]) -> float:
    """Return a session's score: 100 + merits − faults, not below 0; 0 with a fatal fault."""
    if any(finding.fatal for finding in findings):
        return 0.0
    return max(0.0, 100.0 + sum(finding.points for finding in findings))


class Judge:
    """Applies rules to sessions whose messages have their acts."""

    def __init__(self, rules: Sequence[Rule], scanner: Scanner) -> None:
        self.rules, self._scanner = tuple(rules), scanner
        self._acts = frozenset(act.name for act in scanner.acts)

        self._by_code = {rule.code: rule for rule in self.rules}
        meanings = scanner.meanings()
        self._versions = {rule.code: _version(rule, meanings) for rule in self.rules}
        self._of_words = {
            rule.code for rule in self.rules if rule.group != "timing" or rule.act_names(self._acts)
        }

    def rule(self, code: str) -> Rule:
        """Return a rule by its code; raises KeyError."""
        return self._by_code[code]

    def version(self, code: str) -> str:
        """Return the identity of what a rule finds: of what it says, and of its acts' patterns."""
        return self._versions[code]

    def needs_words(self, code: str) -> bool:
        """Whether a rule asks what was said, and not only when."""
        return code in self._of_words

    def findings(self, session: Session) -> list[Finding]:
        """Return what the rules find, in their order.

        A session without a human message or without one of the buyer is judged by the timing
        rules alone, one whose words are not known by those that ask for none.
        """
        talked = bool(session.human) and bool(session.buyer)
        found = []
        for rule in self.rules:
            either = session.agent_role not in ("presale", "aftersale")
            if not (either or session.agent_role in rule.roles):
                continue
            if not talked and rule.group != "timing":
                continue
            if session.is_wordless and self.needs_words(rule.code):
                continue
            hit = _holds(rule.when, session, rule.settings, self._acts)
            if hit is not None:
                found.append(self._finding(rule, session, hit))
        return found

    def _finding(self, rule: Rule, session: Session, hit: Hit) -> Finding:
        figures = {**rule.settings, **hit.figures, "order": hit.order_id or ""}
        zh, en = reasons(rule, {name: shown(value) for name, value in figures.items()})
        return Finding(
            rule=rule.code,
            version=self.version(rule.code),
            session_id=session.session_id,
            agent_id=session.agent_id,
            points=rule.cost,
            fatal=rule.kills,
            reason_zh=zh,
            reason_en=en,
            evidence=tuple(self._evidence(message, hit.acts) for message in hit.messages[:SHOWN]),
            order_id=hit.order_id,
        )

    def _evidence(self, message: Message, acts: Collection[str]) -> Evidence:
        for name in acts:
            role, _, code = name.partition(".")
            if name in message.acts:
                for span in self._scanner.spans(cast(Role, role), message.text, code):
                    return Evidence(message.message_id, span.start, span.end, message.at)
        return Evidence(message.message_id, 0, len(message.text), message.at)


def _version(rule: Rule, meanings: Mapping[str, str]) -> str:
    """Return a hash of the rule's own version and of how its acts are recognised."""
    parts = [rule.version, *(meanings[name] for name in sorted(rule.act_names(meanings)))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def shown(value: Any) -> str:
    """Return a figure as reasons write it."""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def reasons(rule: Rule, figures: Mapping[str, str]) -> tuple[str, str]:
    """Return a rule's reason in Chinese and English with the figures of a finding."""
    zh, en = rule.reason_zh, rule.reason_en
    if figures.get("wait") == NEVER:  # no sentence about how long it took is true
        zh = rule.unanswered_zh if "{wait}" in zh else zh
        en = rule.unanswered_en if "{wait}" in en else en
    return _filled(zh, figures), _filled(en, figures)


def _filled(sentence: str, figures: Mapping[str, str]) -> str:
    for name, value in figures.items():
        sentence = sentence.replace(f"{{{name}}}", value)
    return sentence


@lru_cache(maxsize=1024)
def sequence_of(text: str, acts: frozenset[str]) -> Pattern:
    """Return a sequence compiled, once."""
    return compile_sequence(text, acts)


def _holds(
    condition: Condition, session: Session, settings: Mapping[str, float], acts: frozenset[str]
) -> Hit | None:
    """Return what shows that a condition holds, or None."""
    if condition.check:
        return CHECKS[condition.check](session, settings)
    if condition.act:
        return _act(condition, session)
    if condition.sequence:
        compiled = sequence_of(condition.sequence, acts)
        place = compiled.find(session.messages)
        if place is None:
            return None
        return Hit(session.messages[slice(*place)], compiled.acts)
    if condition.not_ is not None:
        held = _holds(condition.not_, session, settings, acts)
        return Hit() if held is None else None
    hits = [_holds(part, session, settings, acts) for part in condition.all or condition.any]
    held_ones = [hit for hit in hits if hit is not None]
    if not held_ones or (condition.all and len(held_ones) < len(hits)):
        return None
    return _joined(held_ones)


def _joined(hits: Sequence[Hit]) -> Hit:
    messages = dict.fromkeys(message for hit in hits for message in hit.messages)
    figures = {name: value for hit in hits for name, value in hit.figures.items()}
    acts = tuple(dict.fromkeys(name for hit in hits for name in hit.acts))
    order = next((hit.order_id for hit in hits if hit.order_id), None)
    return Hit(tuple(messages), acts, figures, order)


def _act(condition: Condition, session: Session) -> Hit | None:
    role = condition.act.partition(".")[0]
    among: Sequence[Message] = session.of(role)
    if condition.first:
        among = among[: condition.first]
    if condition.last:
        among = among[-condition.last :]
    if condition.after:
        among = _behind(condition, session, among)
    found = tuple(message for message in among if condition.act in message.acts)
    if len(found) < condition.count:
        return None
    return Hit(found, (condition.act,), {"count": len(found)})


def _behind(condition: Condition, session: Session, among: Sequence[Message]) -> Sequence[Message]:
    """Return those from the first message with the act ``after`` on, itself included."""
    places = {id(message): place for place, message in enumerate(session.messages)}
    first = next((m for m in session.messages if condition.after in m.acts), None)
    if first is None:
        return ()
    later = [message for message in among if places[id(message)] >= places[id(first)]]
    if condition.within is None:
        return later
    return [
        message
        for message in later
        if message.at is None or first.at is None or message.at - first.at <= condition.within
    ]
