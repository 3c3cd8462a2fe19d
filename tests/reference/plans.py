"""Plans (section 5) a second time: bands over the points and stretches between all their ends.

A plan is the plain document YAML gives; numbers are Fractions. An axis is cut at every end of
every band and of the domain, so that each band holds either all of a stretch or none of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

__all__ = ["Line", "Measure", "Total", "lint", "parse_interval", "score", "variant_of"]

Number = Fraction | float  # the float is an infinite one
Document = Mapping[str, Any]
FAR = 10**9
CLIFF = 40


@dataclass(frozen=True)
class Measure:
    """What a linter must know of a metric: its values, and the rate of the same thing."""

    low: Number
    high: Number
    whole: bool = False
    direction: str = "none"
    rate: str = ""


@dataclass(frozen=True)
class Interval:
    """An interval with explicit ends; its ends are closed, open, or (None) not said."""

    low: Number
    high: Number
    low_in: bool | None
    high_in: bool | None

    def holds(self, value: Fraction) -> bool:
        """Tell whether a value lies in it."""
        above = value > self.low or (value == self.low and bool(self.low_in))
        return above and (value < self.high or (value == self.high and bool(self.high_in)))


@dataclass(frozen=True)
class Line:
    """An indicator of a score sheet; ``present`` says whether its weight counts."""

    metric: str
    value: Fraction | None
    score: Fraction | None
    weight: Fraction
    points: Fraction
    present: bool


@dataclass(frozen=True)
class Total:
    """The lines, their sum, and the sum as if the present weights were 100."""

    lines: tuple[Line, ...]
    total: Fraction
    normalised: Fraction | None


def number(text: str) -> Number:
    """Return a number, a percentage or an infinite one.

    >>> number("12.5%")
    Fraction(1, 8)
    """
    text = text.strip()
    if text.lstrip("+-") in ("inf", "∞"):
        return -math.inf if text.startswith("-") else math.inf
    return Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)


def parse_interval(text: str) -> Interval:
    """Return an interval as a plan writes it, such as ``[0.38, 0.41)``."""
    text = text.strip()
    low_in = {"[": True, "(": False}.get(text[0])
    high_in = {"]": True, ")": False}.get(text[-1])
    inner = text[low_in is not None : len(text) - (high_in is not None)]
    low, high = inner.split(",")
    return Interval(number(low), number(high), low_in, high_in)


def _stretches(bands: list[Interval], measure: Measure) -> list[Fraction]:
    """Return one value of every point and stretch of the domain between ends, upwards."""
    ends = {end for band in bands for end in (band.low, band.high)} | {measure.low, measure.high}
    points = sorted({Fraction(e) for e in ends if not math.isinf(e)} | {Fraction(0)})
    found = [points[0] - FAR]
    for here, there in pairwise([*points, points[-1] + 2 * FAR]):
        found += [here, (here + there) / 2]
    if measure.whole:
        found = _whole(points)
    return [value for value in found if measure.low <= value <= measure.high]


def _whole(points: list[Fraction]) -> list[Fraction]:
    """Return an integer of every point and stretch that has one."""
    found = [Fraction(math.ceil(points[0]) - FAR)]
    for here, there in pairwise([*points, points[-1] + 2 * FAR]):
        found += [here] if here.denominator == 1 else []
        between = Fraction(math.floor(here) + 1)
        found += [between] if between < there else []
    return found


def _best(bands: list[Interval], scores: list[Fraction], value: Fraction) -> int | None:
    """Return the band that scores a value: the highest that holds it, else None."""
    holding = [n for n, band in enumerate(bands) if band.holds(value)]
    return max(holding, key=lambda n: scores[n], default=None)


def _bands_of(indicator: Document) -> tuple[list[Interval], list[Fraction]]:
    bands = [parse_interval(str(band["interval"])) for band in indicator["bands"]]
    return bands, [Fraction(str(band["score"])) for band in indicator["bands"]]


def _holes(held: list[int | None]) -> list[str]:
    """Return open_end for either side of the axis that no band holds, gap for each hole inside."""
    if not any(one is not None for one in held):
        return ["open_end"]
    found = ["open_end" for at in (0, -1) if held[at] is None]
    inside = False
    for before, after in pairwise(held):
        if before is not None and after is None:
            inside = True
        if inside and before is None and after is not None:
            found.append("gap")
            inside = False
    return found


def _pairs(bands: list[Interval], values: list[Fraction]) -> int:
    """Return how many pairs of bands share a value."""
    return sum(
        any(one.holds(value) and other.holds(value) for value in values)
        for n, one in enumerate(bands)
        for other in bands[n + 1 :]
    )


def _indicator(indicator: Document, measure: Measure) -> list[str]:
    """Return the codes of the defects of one indicator's bands, each as often as it occurs."""
    bands, scores = _bands_of(indicator)
    if any(band.low_in is None or band.high_in is None for band in bands):
        return ["open_end"]
    values = _stretches(bands, measure)
    held = [_best(bands, scores, value) for value in values]
    found = _holes(held) + ["overlap"] * _pairs(bands, values)
    found += ["unreachable_band" for n in range(len(bands)) if n not in held]
    steps = [
        scores[after] - scores[before]
        for before, after in pairwise([one for one in held if one is not None])
        if before != after
    ]
    found += ["cliff" for step in steps if abs(step) >= CLIFF]
    wrong = {"higher": -1, "lower": 1, "none": 0}[measure.direction]
    if any(step * wrong > 0 for step in steps):
        found.append("direction")
    return found


def lint(plan: Document, measures: Mapping[str, Measure]) -> list[tuple[str, str]]:
    """Return the (code, metric) of every defect, sorted; metric is empty for the whole plan."""
    found: list[tuple[str, str]] = []
    variants = plan.get("variants") or []
    for indicators in [plan["indicators"], *(variant["indicators"] for variant in variants)]:
        if sum(Fraction(str(one["weight"])) for one in indicators) != 100:
            found.append(("weights", ""))
        for one in indicators:
            measure = measures.get(one["metric"])
            if measure is None:
                found.append(("unknown_metric", one["metric"]))
                continue
            if measure.rate:
                found.append(("count_where_rate", one["metric"]))
            found += [(code, one["metric"]) for code in _indicator(one, measure)]
    for n, one in enumerate(variants):
        for other in variants[n + 1 :]:
            if one["from"] <= other["to"] and other["from"] <= one["to"]:
                found.append(("variant_overlap", ""))
    return sorted(found)


def variant_of(plan: Document, first: date, last: date) -> list[Document] | None:
    """Return the indicators in force for a period; None when it must be split."""
    for variant in plan.get("variants") or []:
        if variant["from"] <= first and last <= variant["to"]:
            return list(variant["indicators"])
        if variant["from"] <= last and first <= variant["to"]:
            return None
    return list(plan["indicators"])


def score(
    indicators: Sequence[Document], values: Mapping[str, Fraction | None], *, missing: str
) -> Total:
    """Return the score sheet of somebody's values under the policy ``exclude`` or ``zero``."""
    lines = []
    for indicator in indicators:
        bands, scores = _bands_of(indicator)
        value, weight = values.get(indicator["metric"]), Fraction(str(indicator["weight"]))
        best = None if value is None else _best(bands, scores, value)
        got = None if best is None else scores[best]
        points = Fraction(0) if got is None else got * weight / 100
        present = got is not None or missing == "zero"
        lines.append(Line(indicator["metric"], value, got, weight, points, present))
    total = sum((line.points for line in lines), Fraction(0))
    weights = sum((line.weight for line in lines if line.present), Fraction(0))
    return Total(tuple(lines), total, 100 * total / weights if weights else None)
