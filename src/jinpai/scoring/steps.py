"""The bands of one indicator as a function of the value: which band decides where.

On whole numbers for counts, within the domain of the metric.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from jinpai.metrics.definition import Metric
from jinpai.scoring.intervals import Cut, Interval, Span, joined

__all__ = ["Piece", "Steps", "domain_of"]

WHOLE_LINE = Span((-math.inf, 0), (math.inf, 0))


@dataclass(frozen=True)
class Piece:
    """A stretch of values decided by one band; ``band`` is its place, ``score`` what it gives."""

    span: Span
    band: int
    score: Fraction


def domain_of(metric: Metric | None) -> Span:
    """Return the values a metric can have; the whole line for an unknown one."""
    if metric is None:
        return WHOLE_LINE
    low, high = (end if math.isinf(end) else Fraction(str(end)) for end in metric.domain)
    span = Span((low, 0), (high, 0 if math.isinf(high) else 1))
    return span.on_integers() if metric.is_count else span


class Steps:
    """What bands say about each value of a domain.

    Attributes:
        spans: each band's values within the domain; empty where it has none.
        pieces: in value order, who decides: the highest score, the first band among equals.
    """

    def __init__(
        self, bands: Sequence[tuple[Interval, Fraction]], domain: Span, *, whole: bool = False
    ) -> None:
        self.domain = domain
        self.spans = [self._span(interval, whole) for interval in settled(bands)]
        self.scores = [score for _, score in bands]
        self.pieces = self._pieces()

    def _span(self, interval: Interval, whole: bool) -> Span:
        span = interval.span.on_integers() if whole else interval.span
        return span.clip(self.domain)

    def _pieces(self) -> list[Piece]:
        cuts: set[Cut] = set()
        for span in self.spans:
            if not span.is_empty:
                cuts |= {span.low, span.high}
        ordered = sorted(cuts)
        pieces: list[Piece] = []
        for low, high in pairwise(ordered):
            band = self._decides(low, high)
            if band is None:
                continue
            last = pieces[-1] if pieces else None
            if last and last.band == band and last.span.high == low:
                pieces[-1] = Piece(Span(last.span.low, high), band, last.score)
            else:
                pieces.append(Piece(Span(low, high), band, self.scores[band]))
        return pieces

    def _decides(self, low: Cut, high: Cut) -> int | None:
        holding = [
            at for at, span in enumerate(self.spans) if span.low <= low and high <= span.high
        ]
        return max(holding, key=lambda at: (self.scores[at], -at), default=None)

    def uncovered(self) -> list[Span]:
        """Return the stretches of the domain without a band, in value order."""
        found, at = [], self.domain.low
        for span in joined(self.spans):
            found.append(Span(at, span.low))
            at = span.high
        return [span for span in (*found, Span(at, self.domain.high)) if not span.is_empty]

    def overlaps(self) -> list[tuple[int, int, Span]]:
        """Return the pairs of bands that hold at once, and where."""
        return [
            (other, at, both)
            for at, span in enumerate(self.spans)
            for other in range(at)
            if not (both := span.clip(self.spans[other])).is_empty
        ]

    def unreachable(self) -> list[int]:
        """Return the places of the bands that decide nowhere."""
        deciding = {piece.band for piece in self.pieces}
        return [at for at in range(len(self.spans)) if at not in deciding]


def settled(bands: Sequence[tuple[Interval, Fraction]]) -> list[Interval]:
    """Return the intervals; an end without a bracket is read so that it meets its neighbour.

    Between two ends without brackets the value belongs to the upper band; ends that meet nobody
    count as closed.
    """
    written = [interval for interval, _ in bands]
    lows = {one.low: one.closed_low for one in written}
    highs = {one.high: one.closed_high for one in written if one.has_right}
    return [
        Interval(
            one.low,
            one.high,
            one.closed_low if one.has_left else not highs.get(one.low, False),
            one.closed_high if one.has_right else not lows.get(one.high, False),
            text=one.text,
        )
        for one in written
    ]
