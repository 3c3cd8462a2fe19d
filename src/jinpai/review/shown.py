"""Reviews as JSON objects: times ISO in UTC, days ISO."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jinpai.metrics.texts import json_cells
from jinpai.store.calibrating import Progress
from jinpai.store.calibrations import CalibrationRuling
from jinpai.store.events import Event
from jinpai.store.reviews import Appeal, Case, Ruling

__all__ = ["appeal_json", "calibration_json", "case_json", "event_json", "ruling_json"]

_CASE = (
    "finding_id",
    "state",
    "verdict",
    "wanted",
    "shop_id",
    "agent_id",
    "buyer_id",
    "session_id",
    "day",
    "started_at",
    "rule",
    "rule_version",
    "points",
    "is_merit",
    "is_fatal",
    "is_shadow",
    "order_id",
    "reason_zh",
    "reason_en",
    "evidence",
    "opened_at",
    "settled_at",
)


def case_json(case: Case, appeal_until: datetime | None) -> dict[str, Any]:
    """Return a case; ``appeal_until`` null: its time has not begun."""
    facts = {name: getattr(case, name) for name in _CASE}
    return json_cells(facts | {"appeal_until": appeal_until})


def ruling_json(ruling: Ruling | CalibrationRuling) -> dict[str, Any]:
    """Return who ruled what, when and why."""
    names = ("reviewer", "verdict", "comment", "at")
    return json_cells({name: getattr(ruling, name) for name in names})


def appeal_json(appeal: Appeal) -> dict[str, Any]:
    """Return an appeal; outcome null while it waits."""
    names = ("agent", "reason", "at", "due_at", "outcome", "decided_by", "comment", "decided_at")
    return json_cells({name: getattr(appeal, name) for name in names})


def event_json(event: Event) -> dict[str, Any]:
    """Return an event."""
    names = ("id", "at", "actor", "kind", "subject", "before", "after")
    return json_cells({name: getattr(event, name) for name in names})


def calibration_json(found: Progress) -> dict[str, Any]:
    """Return how far a calibration session is."""
    made = found.calibration
    names = ("name", "state", "opened_by", "opened_at", "revealed_at")
    facts = json_cells({name: getattr(made, name) for name in names})
    return {"calibration": made.id} | facts | {"size": len(found.findings), "ruled": found.ruled}
