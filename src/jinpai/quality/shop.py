"""Inspection of sessions as the last run made them, by rules to try: nothing is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinpai.conversations.inputs import RunShop, run_relations, settings_in_use
from jinpai.conversations.steps import marking_steps
from jinpai.engine.duckdb import DuckEngine
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.lines import ORDER, sessions_in
from jinpai.quality.steps import line_steps

__all__ = ["inspect_shops"]


def inspect_shops(
    engine: DuckEngine, shops: Sequence[RunShop], judge: Judge, scanner: Scanner
) -> Iterator[Inspected]:
    """Yield the unfiltered sessions of shops, judged, buyer by buyer in order of time.

    ``engine`` holds the run's relations and the canonical tables it read. A session's
    ``dialogue_id`` is its buyer, its number counts the buyer's sessions.
    """
    for name, table in run_relations(shops).items():
        engine.put(name, table)
    for step in (*marking_steps(settings_in_use(shops)), *line_steps()):
        engine.make(step)
    lines = engine.stream(f"select * from session_lines order by {', '.join(ORDER)}")
    for sessions in sessions_in(lines, scanner):
        for number, (place, session) in enumerate(sessions, 1):
            yield Inspected(place.buyer_id, number, session, tuple(judge.findings(session)))
