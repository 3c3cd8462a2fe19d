"""What a reader must know about the data: filters, rejects, figures that are not final."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from jinpai.reports.model import Report
from jinpai.reports.words import Words

__all__ = ["NotesView"]


class NotesView:
    """The notes of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words

    def filters(self) -> list[dict[str, Any]]:
        """Return what each filter took out, and from whom."""
        w, groups = self._w, defaultdict[str, list[tuple[str | None, int]]](list)
        for reason, agent, receptions, _ in self._r.notes.filters:
            groups[reason].append((agent, receptions))
        return [
            {
                "reason": w(f"filter_{reason}"),
                "receptions": sum(count for _, count in found),
                "whom": w("comma").join(
                    f"{agent or w('unassigned')} {w.count(count)}" for agent, count in found
                ),
            }
            for reason, found in groups.items()
        ]

    def immature(self) -> list[tuple[str, str]]:
        """Return the figures that are not final, by the day that makes them so."""
        groups = defaultdict[Any, list[str]](list)
        for code, day in self._r.notes.immature.items():
            groups[day].append(self._w.name(code))
        return [(self._w.day(day), self._w("comma").join(groups[day])) for day in sorted(groups)]
