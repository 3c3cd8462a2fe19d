"""What is wrong with a KPI plan: every defect with its place and a plain sentence.

gap                no band for some values between bands
overlap            two bands hold for the same value
weights            the weights do not add up to 100
unreachable_band   a band is empty, covered by others, or outside what the metric can be
unknown_metric     no such metric, or none that an agent has
direction          scores fall where the metric gets better
count_where_rate   a count is scored where a rate of the same thing exists
cliff              40 points or more between neighbouring bands
open_end           the lowest or highest values have no band, or brackets are missing
variant_overlap    two variants hold on the same day
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinpai.errors import UnknownName
from jinpai.metrics.definition import Metric, registry
from jinpai.scoring import lint_words as words
from jinpai.scoring.document import place
from jinpai.scoring.intervals import Span
from jinpai.scoring.plan import Indicator, Plan, load_plan
from jinpai.scoring.steps import Piece, Steps, domain_of

__all__ = ["CODES", "LintRow", "lint"]

CODES = (
    "gap", "overlap", "weights", "unreachable_band", "unknown_metric", "direction",
    "count_where_rate", "cliff", "open_end", "variant_overlap",
)  # fmt: skip
_CLIFF = 40
_Place = tuple[str | int, ...]


@dataclass(frozen=True)
class LintRow:
    """One defect.

    Attributes:
        code: one of CODES.
        path: where, such as ``indicators[1].bands[4]``; ``line`` of the file.
        metric: the indicator's code, empty where it is about the whole plan.
    """

    code: str
    path: str
    message_en: str
    message_zh: str
    metric: str = ""
    line: int | None = None

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return code, path and message, the message in one language and in both."""
        message = self.message_zh if language == "zh" else self.message_en
        return {
            "code": self.code,
            "path": self.path,
            "message": message,
            "metric": self.metric or None,
            "line": self.line,
            "message_en": self.message_en,
            "message_zh": self.message_zh,
        }


def lint(source: Plan | str | Path) -> list[LintRow]:
    """Return every defect of a plan (a path, a text of more lines, or a plan), in its order.

    Raises InputError when it is no plan at all.
    """
    plan = source if isinstance(source, Plan) else load_plan(source)
    rows = list(_indicators(plan, plan.indicators, ("indicators",)))
    for at, variant in enumerate(plan.variants):
        rows += _indicators(plan, variant.indicators, ("variants", at, "indicators"))
    return rows + list(_variants(plan))


def _row(plan: Plan, code: str, path: _Place, text: words.Both, metric: str = "") -> LintRow:
    return LintRow(code, place(path), *text, metric, plan.document.line(path))


def _indicators(plan: Plan, indicators: Sequence[Indicator], path: _Place) -> Iterator[LintRow]:
    total = sum((one.weight for one in indicators), Fraction(0))
    if total != 100:
        yield _row(plan, "weights", path, words.weights(total))
    for at, indicator in enumerate(indicators):
        yield from _Look(plan, indicator, (*path, at)).rows()


class _Look:
    """One indicator looked at from every side."""

    def __init__(self, plan: Plan, indicator: Indicator, path: _Place) -> None:
        self._plan, self._indicator, self._path = plan, indicator, path
        self._metric = _metric(indicator.metric)
        self._bands = [(band.interval, band.score) for band in indicator.bands]
        whole = self._metric is not None and self._metric.is_count
        self._steps = Steps(self._bands, domain_of(self._metric), whole=whole)
        self._form = words.Form(indicator.metric, self._metric)

    def rows(self) -> Iterator[LintRow]:
        yield from self._name()
        yield from self._coverage()
        yield from self._overlaps()
        yield from self._unreachable()
        yield from self._shape()

    def _say(self, code: str, text: words.Both, *more: str | int) -> LintRow:
        return _row(self._plan, code, (*self._path, *more), text, self._indicator.metric)

    def _name(self) -> Iterator[LintRow]:
        metric = self._metric
        if metric is None:
            codes = [one.code for one in registry().metrics if not one.shop_only]
            error = UnknownName("metric", self._indicator.metric, codes)
            yield self._say("unknown_metric", (str(error), error.text_zh), "metric")
        elif metric.shop_only:
            yield self._say("unknown_metric", self._form.shop_only(), "metric")
        elif metric.rate:
            rate = registry().metric(metric.rate)
            yield self._say("count_where_rate", self._form.count(rate), "metric")

    def _coverage(self) -> Iterator[LintRow]:
        for at, (interval, _) in enumerate(self._bands):
            if not (interval.has_left and interval.has_right):
                text = self._form.brackets(str(interval))
                yield self._say("open_end", text, "bands", at, "interval")
        domain = self._steps.domain
        for span in self._steps.uncovered():
            ends = (span.low == domain.low, span.high == domain.high)
            if not any(ends):
                yield self._say("gap", self._form.gap(span), "bands")
            elif self._metric is not None:
                yield self._say("open_end", self._form.open_end(span), "bands")

    def _overlaps(self) -> Iterator[LintRow]:
        for one, other, span in self._steps.overlaps():
            scores = (self._bands[one][1], self._bands[other][1])
            yield self._say("overlap", self._form.overlap(span, scores), "bands", other)

    def _unreachable(self) -> Iterator[LintRow]:
        for at in self._steps.unreachable():
            interval = self._bands[at][0]
            outside = interval.span.clip(self._steps.domain).is_empty
            covered = not self._steps.spans[at].is_empty
            why = "covered" if covered else "empty" if interval.span.is_empty else "never"
            if why == "never" and outside:
                why = "outside"
            text = self._form.unreachable(str(interval), why, self._steps.domain)
            yield self._say("unreachable_band", text, "bands", at)

    def _shape(self) -> Iterator[LintRow]:
        direction = self._metric.direction if self._metric else "none"
        wrong = [
            (left, right)
            for left, right in pairwise(self._steps.pieces)
            if (right.score < left.score and direction == "higher")
            or (right.score > left.score and direction == "lower")
        ]
        if wrong:
            yield self._say("direction", self._form.direction(*_scores(*wrong[0])), "bands")
        for left, right in pairwise(self._steps.pieces):
            if abs(left.score - right.score) >= _CLIFF:
                lower = left if left.score < right.score else right
                text = self._form.cliff(_edge(left, right), *_scores(left, right))
                yield self._say("cliff", text, "bands", lower.band)


def _scores(left: Piece, right: Piece) -> tuple[Fraction, Fraction]:
    return left.score, right.score


def _edge(left: Piece, right: Piece) -> Span:
    """Return where the step is: a point, or the gap between."""
    return Span(left.span.high, right.span.low)


def _metric(code: str) -> Metric | None:
    try:
        return registry().metric(code)
    except UnknownName:
        return None


def _variants(plan: Plan) -> Iterator[LintRow]:
    for at, variant in enumerate(plan.variants):
        for other in plan.variants[:at]:
            first, last = max(variant.first, other.first), min(variant.last, other.last)
            if first <= last:
                text = words.variant_overlap(other.title, variant.title, first, last)
                yield _row(plan, "variant_overlap", ("variants", at), text)
