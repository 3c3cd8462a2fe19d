"""The steps from sessions to findings and scores, in order.

Reads ``sessions``, ``roster`` and ``marked_messages`` of the stages before, and canonical tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinpai.engine.plan import Apply, Step, sql_step

if TYPE_CHECKING:  # its patterns take a tenth of a second to load
    from jinpai.quality.inspector import Inspector

__all__ = ["RESULTS", "quality_steps"]

RESULTS = ("findings", "session_scores")


def quality_steps(inspector: Inspector | None = None) -> list[Step]:
    """Return the steps that make the relations of ``RESULTS``; by default by the shipped book."""
    from jinpai.quality.inspector import INSPECTED, Inspector
    from jinpai.quality.lines import ORDER, PARTS

    apply = Apply(inspector or Inspector(), INSPECTED, PARTS, ORDER)
    return [
        _step("inspected_sessions"),
        _step("session_lines", keep=False),
        Step("inspected", "select * from session_lines", apply=apply),
        _step("findings", keep=False),
        _step("session_scores", keep=False),
    ]


def _step(name: str, *, keep: bool = True) -> Step:
    return sql_step("jinpai.quality", name, keep=keep)
