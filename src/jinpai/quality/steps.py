"""The steps from sessions to findings and scores, in order.

Reads ``sessions``, ``roster`` and ``marked_messages`` of the stages before, and canonical tables.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from jinpai.engine.base import Engine
from jinpai.engine.plan import Apply, Step, sql_step

if TYPE_CHECKING:  # its patterns take a tenth of a second to load
    from jinpai.quality.inspector import Inspector

__all__ = ["RESULTS", "line_steps", "put_missing", "quality_steps"]

RESULTS = ("findings", "session_scores", "session_products")


def quality_steps(inspector: Inspector | None = None) -> list[Step]:
    """Return the steps that make the relations of ``RESULTS``; by default by the shipped book."""
    from jinpai.quality.inspector import INSPECTED, Inspector
    from jinpai.quality.lines import ORDER, PARTS

    apply = Apply(inspector or Inspector(), INSPECTED, PARTS, ORDER)
    return [
        *line_steps(),
        Step("inspected", "select * from session_lines", apply=apply),
        _step("findings", keep=False),
        _step("session_scores", keep=False),
        _step("session_products", keep=False),
    ]


def line_steps() -> list[Step]:
    """Return the steps that make ``session_lines``."""
    return [_step("inspected_sessions"), _step("session_lines", keep=False)]


def put_missing(engine: Engine, names: Collection[str]) -> None:
    """Make the ``RESULTS`` that are not among the names, with no row: a run of old had none."""
    if set(names) >= set(RESULTS):
        return
    from jinpai.quality.inspector import INSPECTED

    engine.put("inspected", INSPECTED.empty_table())
    for name in RESULTS:
        if name not in names:
            engine.make(_step(name, keep=False))


def _step(name: str, *, keep: bool = True) -> Step:
    return sql_step("jinpai.quality", name, keep=keep)
