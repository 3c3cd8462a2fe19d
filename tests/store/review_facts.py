"""Findings made up for tests of reviews: the facts a case keeps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def facts(finding_id: str, agent: str | None = "shop:Bo", **other: Any) -> dict[str, Any]:
    """Return the facts of a fault of 2 points found in a session of 2 March 2026."""
    return {
        "finding_id": finding_id,
        "shop_id": "s1",
        "session_id": f"s1/{agent or ''}/buyer/1",
        "agent_id": agent,
        "buyer_id": "buyer",
        "day": date(2026, 3, 2),
        "started_at": FIRST,
        "ended_at": FIRST,
        "rule": "stiff_refusal",
        "rule_version": "1f",
        "points": -2.0,
        "is_merit": False,
        "is_fatal": False,
        "is_shadow": False,
        "order_id": None,
        "reason_zh": "生硬拒绝",
        "reason_en": "Refused stiffly",
        "evidence": [{"message_id": "m1", "start": 0, "end": 2, "at_us": 1}],
    } | other
