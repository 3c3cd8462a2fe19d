"""Decided findings as labelled dialogues: what reviewers know, for training and back-testing.

One JSON object a line, in the form of `quality.examples`: a session, with what became of each rule
that found something in it, at the dialogue and at the messages that showed it::

    {"dialogue_id": "…", "turns": [{"role", "text", "sent_at", "labels": {"rulings": {RULE: …}}}],
     "labels": {"rulings": {RULE: "right" | "wrong" | "partly"}}}

so that ``turn.rulings.no_soothing=right`` and ``dialogue.rulings.no_soothing`` are LABELs for
``jinpai qc train``. Mobile numbers are masked; sessions are named by a hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO

import pyarrow as pa
from sqlalchemy import select

from jinpai.engine.duckdb import DuckEngine
from jinpai.line import ShopRun
from jinpai.metrics.texts import json_cell, masked
from jinpai.refresh.as_read import as_read
from jinpai.review.agreement import final_verdict
from jinpai.review.unfound import asked_rule, fault_codes
from jinpai.store import Store
from jinpai.store.reviews import Case

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Written", "write_labels"]

_TURNS = """
select
    w.place,
    m.message_id,
    m.sent_at,
    m.text,
    case
        when m.sender <> 'agent' then m.sender
        when coalesce(m.is_auto, false) or a.shop_id is not null then 'robot'
        else 'agent'
    end as role
from wanted_sessions as w
inner join messages as m
    on m.shop_id = w.shop_id
    and m.buyer_id = w.buyer_id
    and coalesce(m.agent_id, '') = w.agent_key
    and us(m.sent_at) >= w.start_us
    and us(m.sent_at) <= w.end_us
left join auto_texts as a
    on a.shop_id = m.shop_id
    and (m.text = a.text or (a.is_prefix and starts_with(m.text, a.text)))
where m.sender <> 'system' and m.text is not null
qualify row_number() over (partition by w.place, m.message_id) = 1
order by w.place, m.sent_at, m.seq nulls last, m.message_id
"""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        missing: sessions left out, since the last run's messages have nothing of them.
    """

    sessions: int
    labels: int
    missing: int


def write_labels(workspace: Workspace, store: Store, out: TextIO) -> Written:
    """Write every session with a decided finding, the earliest first; returns how many.

    Raises UsageError before the first run.
    """
    sessions = _decided(store)
    labels = written = 0
    with workspace.derived() as (engine, shops, snapshot):
        as_read(snapshot).register(engine.con, ("messages",))
        for number, turns in _turns(engine, shops, sessions):
            cases = sessions[number]
            out.write(json.dumps(_dialogue(cases, turns), ensure_ascii=False) + "\n")
            written, labels = written + 1, labels + len(cases)
    return Written(written, labels, len(sessions) - written)


def _decided(store: Store) -> list[list[Case]]:
    """Return the decided cases, session by session."""
    states = ("settled", "upheld", "rejected")
    order = (Case.started_at, Case.session_id, Case.finding_id)
    with store.read() as session:
        cases = session.scalars(select(Case).where(Case.state.in_(states)).order_by(*order)).all()
    return [list(part) for _, part in groupby(cases, key=lambda case: case.session_id)]


def _turns(
    engine: DuckEngine, shops: Sequence[ShopRun], sessions: Sequence[Sequence[Case]]
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the place of each session that has messages, and its messages."""
    wanted = [
        {
            "place": place,
            "shop_id": case.shop_id,
            "buyer_id": case.buyer_id,
            "agent_key": case.agent_id or "",
            "start_us": _us(case.started_at),
            "end_us": _us(case.ended_at),
        }
        for place, (case, *_) in enumerate(sessions)
    ]
    schema = pa.schema(
        [
            ("place", pa.int64()),
            *((name, pa.string()) for name in ("shop_id", "buyer_id", "agent_key")),
            *((name, pa.int64()) for name in ("start_us", "end_us")),
        ]
    )
    engine.put("wanted_sessions", pa.Table.from_pylist(wanted, schema))
    engine.put("auto_texts", _auto_texts(shops))
    rows = engine.fetch("labelled turns", _TURNS).to_pylist()
    for place, part in groupby(rows, key=lambda row: int(row["place"])):
        yield place, list(part)


def _us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _auto_texts(shops: Sequence[ShopRun]) -> pa.Table:
    rows = [
        {"shop_id": shop.shop_id, "text": text, "is_prefix": name == "auto_reply_prefixes"}
        for shop in shops
        for name in ("auto_reply_texts", "auto_reply_prefixes")
        for text in shop.settings[name]
    ]
    fields = [("shop_id", pa.string()), ("text", pa.string()), ("is_prefix", pa.bool_())]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def _dialogue(cases: Sequence[Case], turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown: dict[str, dict[str, str]] = {}
    verdicts = dict[str, str]()
    for case in cases:
        for one in case.evidence:
            _put(shown.setdefault(str(one["message_id"]), {}), case.rule, _final(case))
        for rule, final in _said_of(case):
            _put(verdicts, rule, final)
    name = hashlib.sha256(cases[0].session_id.encode()).hexdigest()[:16]
    return {
        "dialogue_id": name,
        "turns": [_turn(turn, shown) for turn in turns],
        "labels": {"rulings": verdicts},
    }


def _said_of(case: Case) -> list[tuple[str, str]]:
    """Return what a case says of which rules; a drawn session speaks of rules that found nothing.

    Nothing missing: the rule asked about, or every rule of faults, is not there (``wrong``).
    Something missing: the rule asked about is there; of any rule it is for the report to say.
    """
    final, asked = _final(case), asked_rule(case.rule, case.rule_version)
    if asked is None:
        return [(case.rule, final)]
    if final == "right":
        return [(code, "wrong") for code in ([asked] if asked else fault_codes())]
    return [(asked, "right" if final == "wrong" else final)] if asked else []


def _final(case: Case) -> str:
    return final_verdict(case.state, case.verdict) or "right"


def _put(verdicts: dict[str, str], rule: str, final: str) -> None:
    """Add what a case came to; of several of one rule, what speaks most for it."""
    known = verdicts.get(rule, final)
    verdicts[rule] = min(final, known, key=("right", "partly", "wrong").index)


def _turn(turn: Mapping[str, Any], shown: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    said = {
        "role": turn["role"],
        "text": masked(turn["text"]),
        "sent_at": json_cell(turn["sent_at"]),
    }
    found = shown.get(turn["message_id"])
    return said | {"labels": {"rulings": dict(found)}} if found else said
