"""Inspection of dialogue files, without a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinpai.errors import InputError
from jinpai.quality.acts.patterns import load_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.example import session_of
from jinpai.quality.examples import Turn, read_objects, turns_of
from jinpai.quality.judge import Finding, Judge, score
from jinpai.quality.rule import Rule, load_rules
from jinpai.quality.session import (
    Message,
    Order,
    Product,
    Session,
    cut,
    give_orders,
    instant,
    with_acts,
)

__all__ = ["Inspected", "inspect_file", "inspected_json", "judge_of", "lint", "messages_of"]

SESSION_GAP = 600.0


@dataclass(frozen=True)
class Inspected:
    """One session of a dialogue, judged.

    Attributes:
        number: of the session in its dialogue, from 1.
    """

    dialogue_id: str
    number: int
    session: Session
    findings: tuple[Finding, ...]

    @property
    def score(self) -> float:
        """100 + merits − faults (see `judge.score`)."""
        return score(self.findings)

    @property
    def is_faulty(self) -> bool:
        """Something in it costs points."""
        return any(finding.points < 0 or finding.fatal for finding in self.findings)


def judge_of(rules: Path | None = None, acts: Path | None = None) -> tuple[Judge, Scanner]:
    """Return the shipped rules and acts with a shop's own; raises UsageError."""
    known, placeholders = load_acts(acts)
    scanner = Scanner(known, placeholders)
    return Judge(load_rules(rules, {act.name for act in known}), scanner), scanner


def inspect_file(
    path: Path, judge: Judge, scanner: Scanner, gap: float = SESSION_GAP
) -> Iterator[Inspected]:
    """Yield the sessions of a file's dialogues, judged, in its order.

    Args:
        gap: seconds without a message that end a session.
    Raises InputError with the row of a line that is no dialogue.
    """
    for row, thing in read_objects(path):
        dialogue_id = str(thing.get("dialogue_id") or f"row {row}")
        messages = with_acts(messages_of(thing, path, row), scanner)
        orders, transfers = _orders(thing, path, row), _transfers(thing, path, row)
        parts = enumerate(cut(messages, gap), 1)
        sessions = [
            _session(thing, f"{dialogue_id}#{number}", part, transfers, gap)
            for number, part in parts
        ]
        for number, session in enumerate(give_orders(sessions, orders), 1):
            yield Inspected(dialogue_id, number, session, tuple(judge.findings(session)))


def messages_of(thing: Mapping[str, Any], path: Path, row: int) -> list[Message]:
    """Return the messages of a dialogue; a turn without an id is named by its number, from 1."""
    turns = turns_of(thing, path, row)
    raw, products = thing.get("turns") or [thing], _products(thing)
    return [
        _message(number, turn, entry, products, path, row)
        for number, (turn, entry) in enumerate(zip(turns, raw, strict=True), 1)
    ]


def _message(
    number: int,
    turn: Turn,
    entry: Mapping[str, Any],
    products: Mapping[str, Product],
    path: Path,
    row: int,
) -> Message:
    at = None if turn.sent_at is None else _instant(turn.sent_at, "sent_at", path, row)
    agent = entry.get("agent_id")
    return Message(
        message_id=str(entry.get("message_id") or number),
        role=turn.role,
        text=turn.text,
        at=at,
        agent_id=None if agent is None else str(agent),
        kind=str(entry.get("kind") or "text"),
        product=products.get(str(entry.get("product_id"))),
    )


def _products(thing: Mapping[str, Any]) -> dict[str, Product]:
    """Return the products a dialogue describes, by their ids."""
    listed = thing.get("products")
    found = dict[str, Product]()
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, Mapping) and entry.get("product_id") is not None:
            name, category = str(entry["product_id"]), entry.get("category")
            known = entry.get("attributes")
            pairs = known.items() if isinstance(known, Mapping) else ()
            attributes = frozenset((str(key), str(value)) for key, value in pairs)
            found[name] = Product(name, str(category) if category else None, attributes)
    return found


def _transfers(thing: Mapping[str, Any], path: Path, row: int) -> list[float]:
    listed = thing.get("transfers")
    return [
        _instant(at, "transfers", path, row) for at in (listed if isinstance(listed, list) else ())
    ]


def _instant(text: Any, column: str, path: Path, row: int) -> float:
    try:
        return instant(str(text))
    except (ValueError, OverflowError):
        raise InputError(
            f"'{str(text)[:40]}' is no ISO time.",
            file=str(path),
            row=row,
            column=column,
            zh="不是 ISO 格式的时间。",
        ) from None


def _orders(thing: Mapping[str, Any], path: Path, row: int) -> tuple[Order, ...]:
    listed = thing.get("orders") or ()
    found = []
    for entry in listed if isinstance(listed, list) else ():
        times = {
            name: None if entry.get(name) is None else _instant(entry[name], name, path, row)
            for name in ("created_at", "paid_at", "closed_at")
        }
        if times["created_at"] is not None:
            found.append(
                Order(
                    str(entry.get("order_id") or ""),
                    times["created_at"],
                    times["paid_at"],
                    times["closed_at"],
                )
            )
    return tuple(found)


def _session(
    thing: Mapping[str, Any],
    name: str,
    messages: tuple[Message, ...],
    transfers: Sequence[float],
    gap: float,
) -> Session:
    first, last = messages[0].at, messages[-1].at
    here = (
        ()
        if first is None or last is None
        else tuple(at for at in transfers if first <= at < last + gap)
    )
    agents = [message.agent_id for message in messages if message.agent_id]
    agent, role = thing.get("agent_id"), thing.get("agent_role")
    return Session(
        session_id=name,
        messages=messages,
        agent_id=str(agent) if agent else next(iter(agents), None),
        agent_role=str(role) if role else None,
        transfers=here,
    )


def inspected_json(found: Inspected, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Return a judged session as JSON: times in seconds since 1970 UTC, spans in characters."""
    return {
        "dialogue_id": found.dialogue_id,
        "session": found.number,
        "agent_id": found.session.agent_id,
        "messages": len(found.session.messages),
        "score": found.score,
        "findings": [_finding_json(finding, rules[finding.rule]) for finding in found.findings],
    }


def _finding_json(finding: Finding, rule: Rule) -> dict[str, Any]:
    kept = asdict(finding)
    del kept["session_id"], kept["agent_id"]
    return {"zh": rule.zh, "en": rule.en, "group": rule.group, "severity": rule.severity} | kept


def lint(judge: Judge, scanner: Scanner) -> list[tuple[str, str, str]]:
    """Return (rule, code, what) of every example that does not show what it should.

    Codes: ``breaks`` the rule does not find its own example; ``keeps`` it finds the other one;
    ``example`` one of them cannot be read.
    """
    found = []
    for rule in judge.rules:
        for kind, lines in (("breaks", rule.breaks), ("keeps", rule.keeps)):
            try:
                session = session_of(lines, scanner, rule.roles[0])
            except ValueError as error:
                found.append((rule.code, "example", f"{kind}: {error}"))
                continue
            hit = Judge([rule], scanner).findings(session)
            if bool(hit) != (kind == "breaks"):
                acts = " · ".join(",".join(sorted(m.acts)) or "–" for m in session.messages)
                found.append((rule.code, kind, acts))
    return found
