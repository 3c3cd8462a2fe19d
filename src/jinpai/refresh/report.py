"""What a run did, for its caller and for the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from jinpai.line import ShopRun
from jinpai.refresh.changes import Change
from jinpai.refresh.plan import Reason

__all__ = ["RunReport"]


@dataclass(frozen=True)
class RunReport:
    """What a run made.

    Attributes:
        shops: all shops in force, also those that needed nothing.
        rows: derived table -> rows in force.
        seconds: step -> seconds.
        checks: balance check -> broken rows (all 0, or the run would have failed).
        mode: ``full``, ``partial`` or ``nothing``.
        why: what was computed for which reasons.
        changes: rows of the canonical tables found to differ.
        touched: how many buyers, orders and accounts were computed again; empty in a full run.
        changed: derived table -> facts of its change: rows added and removed, first and last day
            of them, buckets written anew; ``{}`` where it was made wholly.
    """

    shops: tuple[ShopRun, ...]
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    mode: str = "full"
    why: tuple[Reason, ...] = ()
    changes: tuple[Change, ...] = ()
    touched: dict[str, int] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_meta(self, snapshot_id: int, versions: Mapping[str, int], code: str) -> dict[str, Any]:
        """Return what the manifest keeps of the run."""
        return {
            "snapshot": snapshot_id,
            "versions": dict(versions),
            "code": code,
            "mode": self.mode,
            "why": [asdict(reason) for reason in self.why],
            "changes": [asdict(change) for change in self.changes],
            "touched": self.touched,
            "changed": self.changed,
            "shops": [shop.to_json() for shop in self.shops],
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            "checks": self.checks,
        }
