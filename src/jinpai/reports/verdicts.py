"""KPI scores with their arithmetic, and grades with their reasons."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from jinpai.metrics.definition import registry
from jinpai.reports.model import Report
from jinpai.reports.words import NONE, Words
from jinpai.scoring.grade import Graded
from jinpai.scoring.score import Line, Scored

__all__ = ["Verdicts", "names_of"]


def names_of(report: Report) -> dict[str, str]:
    """Return agent_id -> name."""
    return {sheet.agent_id: sheet.name for sheet in report.agents.sheets}


class Verdicts:
    """The scores and grades of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words
        self._names = names_of(report)
        self._place = 1 if words.language == "zh" else 0

    def scores(self) -> dict[str, Any] | None:
        """Return the score sheet; nothing where the report was asked without a plan."""
        sheet = self._r.scores
        if sheet is None:
            return None
        agents = [self._scored(one) for one in sheet.agents]
        return {
            "plan": sheet.plan,
            "variant": sheet.variant,
            "notes": [note[self._place] for note in sheet.notes],
            "agents": agents,
            "has_pay": any(one["pay"] for one in agents),
            "has_previous": any(one["change"] != NONE for one in agents),
            "rule": self._w(f"rule_{sheet.judge_rule}") if sheet.judge_rule else "",
        }

    def _scored(self, one: Scored) -> dict[str, Any]:
        weakest = one.weakest_first[0] if one.weakest_first else None
        before = one.previous.total_normalised if one.previous else None
        change = None
        if before is not None and one.total_normalised is not None:
            change = one.total_normalised - before
        return {
            "name": self._names.get(one.subject, one.subject),
            "rank": NONE if one.rank is None else str(one.rank),
            "total": self._points(one.total),
            "normalised": self._points(one.total_normalised),
            "change": self._signed(change),
            "tone": "" if not change else "better" if change > 0 else "worse",
            "pay": "" if one.pay is None else self._w.amount(Fraction(one.pay.total, 100)),
            "weakest": "" if weakest is None else self._weakest(weakest),
            "lines": [self._line(line, line is weakest) for line in one.lines],
        }

    def _weakest(self, line: Line) -> str:
        return self._w("weakest", metric=self._w.name(line.metric), score=self._points(line.score))

    def _line(self, line: Line, is_weakest: bool) -> dict[str, Any]:
        w = self._w
        flags = [w(f"flag_{flag}") for flag in line.flags]
        return {
            "metric": w.name(line.metric),
            "value": w.in_unit(registry().metric(line.metric), line.value.exact),
            "n": "" if line.value.n is None else w.count(int(line.value.n)),
            "band": line.band or NONE,
            "score": self._points(line.score),
            "weight": f"{self._points(line.weight)}%",
            "points": self._points(line.points),
            "flags": w("comma").join(flags),
            "is_weakest": is_weakest,
        }

    @staticmethod
    def _points(number: Fraction | None) -> str:
        """Scores and points: up to two decimals, none that say nothing."""
        if number is None:
            return NONE
        return f"{float(number):,.2f}".rstrip("0").rstrip(".")

    def _signed(self, number: Fraction | None) -> str:
        if number is None:
            return NONE
        sign = "−" if number < 0 else "+" if number > 0 else ""
        return sign + self._points(abs(number))

    def grades(self) -> dict[str, Any] | None:
        """Return the grades; nothing where the report was asked without a policy."""
        found = self._r.grades
        if found is None:
            return None
        return {
            "policy": found.policy,
            "notes": [note[self._place] for note in found.notes],
            "agents": [self._graded(one) for one in found.graded],
        }

    def _graded(self, one: Graded) -> dict[str, Any]:
        reasons = one.reasons_zh if self._place else one.reasons_en
        return {
            "name": self._names.get(one.subject, one.subject),
            "grade": self._w(f"grade_{one.grade or 'none'}"),
            "code": one.grade or "none",
            "computed": self._w(f"grade_{one.computed or 'none'}"),
            "is_provisional": one.status == "provisional",
            "reasons": list(reasons),
        }
