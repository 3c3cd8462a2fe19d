"""What the columns must come to: each session judged on its own, its rows written one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from jinpai.quality.finding import finding_id
from jinpai.quality.inspector import Inspector
from jinpai.quality.judge import Finding, score
from jinpai.quality.lines import Place, sessions_in
from jinpai.quality.session import Session

Row = dict[str, Any]


def rows_one_by_one(inspector: Inspector, batches: Iterable[pa.RecordBatch]) -> list[Row]:
    """Return the rows of `INSPECTED`, without the columns a row has no value in."""
    return [
        row
        for sessions in sessions_in(batches, inspector.book.scanner)
        for place, session in sessions
        for row in _rows(inspector, place, session)
    ]


def _rows(inspector: Inspector, place: Place, session: Session) -> list[dict[str, Any]]:
    found = inspector.book.judge.findings(session)
    named = {name: getattr(place, name) for name in _NAMES} | {"session_id": session.session_id}
    listed = [named | _finding_row(inspector, place, one) for one in found]
    counted = [
        one
        for one, row in zip(found, listed, strict=True)
        if not (row["is_shadow"] or row["is_overruled"])
    ]
    products = [named | {"product_id": product} for product in place.product_ids]
    of_session = _session_row(session, counted)
    judged = {"is_judged": of_session["is_judged"]}
    return [named | of_session, *(row | judged for row in (*products, *listed))]


def _finding_row(inspector: Inspector, place: Place, found: Finding) -> dict[str, Any]:
    rule = inspector.book.judge.rule(found.rule)
    messages = [one.message_id for one in found.evidence]
    name = finding_id(
        place.shop_id, found.session_id, found.rule, found.version, messages, found.order_id
    )
    return {
        "finding_id": name,
        "rule": found.rule,
        "rule_version": found.version,
        "rule_group": rule.group,
        "severity": rule.severity,
        "points": found.points,
        "is_merit": rule.is_merit,
        "is_fatal": found.fatal,
        "is_shadow": rule.shadow,
        "is_overruled": name in inspector.overruled,
        "order_id": found.order_id,
        "reason_zh": found.reason_zh,
        "reason_en": found.reason_en,
        "evidence": [
            {
                "message_id": one.message_id,
                "start": one.start,
                "end": one.end,
                "at_us": None if one.at is None else round(one.at * 1e6),
            }
            for one in found.evidence
        ],
    }


_NAMES = ("shop_id", "agent_key", "buyer_id", "day", "session_no", "start_us", "end_us")


def _session_row(session: Session, counted: Sequence[Finding]) -> dict[str, Any]:
    return {
        "is_judged": bool(session.human) and bool(session.buyer),
        "score": score(counted),
        "faults": sum(one.points < 0 or one.fatal for one in counted),
        "merits": sum(one.points > 0 for one in counted),
        "is_fatal": any(one.fatal for one in counted),
    }
