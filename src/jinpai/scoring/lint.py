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
from jinpai.scoring.document import Document, place, read_document
from jinpai.scoring.grade_words import GRADE_NAMES
from jinpai.scoring.intervals import Interval, Span
from jinpai.scoring.plan import Indicator, Plan, load_plan
from jinpai.scoring.policy import GRADES, Policy, load_policy
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


def lint(source: Plan | Policy | str | Path) -> list[LintRow]:
    """Return every defect of a plan (a path, a text of more lines, or a plan), in its order.

    A grade policy is looked over as well, for all that concerns its bands.
    Raises InputError when it is neither.
    """
    if isinstance(source, Plan | Policy):
        found: Plan | Policy = source
    else:
        found = load_policy(source) if _is_policy(source) else load_plan(source)
    return list(_policy(found) if isinstance(found, Policy) else _plan(found))


def _is_policy(source: str | Path) -> bool:
    data = read_document(source, {}, "KPI plan").data
    return "metrics" in data and "indicators" not in data


def _row(
    document: Document, code: str, path: _Place, text: words.Both, metric: str = ""
) -> LintRow:
    return LintRow(code, place(path), *text, metric, document.line(path))


def _plan(plan: Plan) -> Iterator[LintRow]:
    yield from _indicators(plan, plan.indicators, ("indicators",))
    for at, variant in enumerate(plan.variants):
        yield from _indicators(plan, variant.indicators, ("variants", at, "indicators"))
    yield from _variants(plan)


def _indicators(plan: Plan, indicators: Sequence[Indicator], path: _Place) -> Iterator[LintRow]:
    total = sum((one.weight for one in indicators), Fraction(0))
    if total != 100:
        yield _row(plan.document, "weights", path, words.weights(total))
    for at, indicator in enumerate(indicators):
        bands = [_Band(b.interval, b.score, (n, "interval")) for n, b in enumerate(indicator.bands)]
        yield from _Look(plan.document, indicator.metric, bands, (*path, at)).rows()


def _policy(policy: Policy) -> Iterator[LintRow]:
    for at, standard in enumerate(policy.metrics):
        bands = [
            _Band(getattr(standard.bands, name), Fraction(number), (name,))
            for number, name in enumerate(GRADES)
        ]
        look = _Look(policy.document, standard.metric, bands, ("metrics", at), _grade_label)
        yield from look.rows()


def _grade_label(number: Fraction) -> words.Both:
    return GRADE_NAMES[GRADES[int(number)]]


@dataclass(frozen=True)
class _Band:
    """A band, what it gives, and where its interval is written within the bands."""

    interval: Interval
    score: Fraction
    place: _Place


class _Look:
    """One indicator looked at from every side."""

    def __init__(
        self,
        document: Document,
        code: str,
        bands: Sequence[_Band],
        path: _Place,
        label: words.Label = words.plain_label,
    ) -> None:
        self._document, self._code, self._path = document, code, path
        self._bands = bands
        self._metric = _metric(code)
        whole = self._metric is not None and self._metric.is_count
        written = [(band.interval, band.score) for band in bands]
        self._steps = Steps(written, domain_of(self._metric), whole=whole)
        self._form = words.Form(code, self._metric, label)

    def rows(self) -> Iterator[LintRow]:
        yield from self._name()
        yield from self._coverage()
        yield from self._overlaps()
        yield from self._unreachable()
        yield from self._shape()

    def _say(self, code: str, text: words.Both, *more: str | int) -> LintRow:
        return _row(self._document, code, (*self._path, *more), text, self._code)

    def _name(self) -> Iterator[LintRow]:
        metric = self._metric
        if metric is None:
            codes = [one.code for one in registry().metrics if not one.shop_only]
            error = UnknownName("metric", self._code, codes)
            yield self._say("unknown_metric", (str(error), error.text_zh), "metric")
        elif metric.shop_only or metric.classes:
            yield self._say("unknown_metric", self._form.shop_only(), "metric")
        elif metric.rate:
            rate = registry().metric(metric.rate)
            yield self._say("count_where_rate", self._form.count(rate), "metric")

    def _coverage(self) -> Iterator[LintRow]:
        for band in self._bands:
            if not (band.interval.has_left and band.interval.has_right):
                text = self._form.brackets(str(band.interval))
                yield self._say("open_end", text, "bands", *band.place)
        domain = self._steps.domain
        for span in self._steps.uncovered():
            ends = (span.low == domain.low, span.high == domain.high)
            if not any(ends):
                yield self._say("gap", self._form.gap(span), "bands")
            elif self._metric is not None:
                yield self._say("open_end", self._form.open_end(span), "bands")

    def _overlaps(self) -> Iterator[LintRow]:
        for one, other, span in self._steps.overlaps():
            scores = (self._bands[one].score, self._bands[other].score)
            where = self._bands[other].place[0]
            yield self._say("overlap", self._form.overlap(span, scores), "bands", where)

    def _unreachable(self) -> Iterator[LintRow]:
        for at in self._steps.unreachable():
            interval = self._bands[at].interval
            outside = interval.span.clip(self._steps.domain).is_empty
            covered = not self._steps.spans[at].is_empty
            why = "covered" if covered else "empty" if interval.span.is_empty else "never"
            if why == "never" and outside:
                why = "outside"
            text = self._form.unreachable(str(interval), why, self._steps.domain)
            yield self._say("unreachable_band", text, "bands", self._bands[at].place[0])

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
                yield self._say("cliff", text, "bands", self._bands[lower.band].place[0])


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
                yield _row(plan.document, "variant_overlap", ("variants", at), text)
