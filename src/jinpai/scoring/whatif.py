"""What if: a changed plan beside the original, and which single changes move the ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from jinpai.metrics.definition import registry
from jinpai.scoring.changes import Change, changed_plan
from jinpai.scoring.intervals import Interval, number_text
from jinpai.scoring.lint_words import value_text
from jinpai.scoring.numbers import as_json, cents
from jinpai.scoring.plan import Indicator, Plan
from jinpai.scoring.score import Scored, Sheet

__all__ = [
    "Edge",
    "Effect",
    "Trial",
    "beside",
    "effect",
    "in_force",
    "moved_edge",
    "shared_edges",
    "single_changes",
    "tornado_json",
]

_WEIGHT_STEP = 5
_EDGE_STEP = Fraction(1, 20)
Both = tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """A single change to try.

    Attributes:
        what: what is turned: the same for the values tried of one thing.
        before, after: shown values.
        plan: the changed plan; judge_rule: over the plan's, or None.
        is_asked: somebody asked for it; the others are tried unasked.
    """

    what: Both
    path: str
    before: str
    after: str
    plan: Plan
    judge_rule: str | None = None
    is_asked: bool = False


@dataclass(frozen=True)
class Effect:
    """What a change does to each agent's normalised total and rank.

    Attributes:
        changes: subject -> points; without those who have no total on one side.
        ranks: subject -> rank afterwards.
        moved: those whose rank differs.
    """

    changes: Mapping[str, Fraction]
    ranks: Mapping[str, int | None]
    moved: tuple[str, ...]

    @property
    def largest(self) -> Fraction:
        """The largest change of anybody's total, without its sign."""
        return max((abs(change) for change in self.changes.values()), default=Fraction(0))


def effect(base: Sheet, changed: Sheet) -> Effect:
    """Return what a change does."""
    after = {one.subject: one.total_normalised for one in changed.agents}
    changes = {
        one.subject: now - one.total_normalised
        for one in base.agents
        if one.total_normalised is not None and (now := after.get(one.subject)) is not None
    }
    ranks = {one.subject: one.rank for one in changed.agents}
    moved = tuple(one.subject for one in base.agents if ranks.get(one.subject) != one.rank)
    return Effect(changes, ranks, moved)


def single_changes(plan: Plan, sheet: Sheet) -> Iterator[Trial]:
    """Yield the single changes worth trying on the indicators in force.

    Each weight five points up and down; each end between two bands a twentieth up and down (at most
    half of the narrower band); the other judge rules; the other policy for missing values.
    """
    at, root = in_force(plan, sheet)
    for place, indicator in enumerate(at):
        path = f"{root}[{place}]"
        yield from _weights(plan, indicator, path)
        yield from _edges(plan, indicator, path)
    for rule in ("order", "order_first", "payment"):
        if rule != sheet.judge_rule:
            what = ("judge rule", "判定规则")
            yield Trial(what, "judge_rule", sheet.judge_rule or "", rule, plan, rule)
    other = "zero" if sheet.missing == "exclude" else "exclude"
    change = Change("missing", other)
    what = ("missing values", "缺失处理")
    yield Trial(what, "missing", sheet.missing, other, changed_plan(plan, [change]))


def in_force(plan: Plan, sheet: Sheet) -> tuple[Sequence[Indicator], str]:
    """Return the indicators of a sheet's period, and where they stand in the plan."""
    indicators, variant = plan.indicators_for(sheet.first, sheet.last)
    if variant is None:
        return indicators, "indicators"
    return indicators, f"variants[{plan.variants.index(variant)}].indicators"


def _weights(plan: Plan, indicator: Indicator, path: str) -> Iterator[Trial]:
    metric = registry().metric(indicator.metric)
    what = (f"weight of {metric.en}", f"{metric.zh}的权重")
    for step in (-_WEIGHT_STEP, _WEIGHT_STEP):
        weight = min(max(indicator.weight + step, Fraction(0)), Fraction(100))
        if weight == indicator.weight:
            continue
        change = Change(f"{path}.weight", number_text(weight))
        before = number_text(indicator.weight)
        yield Trial(what, change.path, before, change.value, changed_plan(plan, [change]))


def _edges(plan: Plan, indicator: Indicator, path: str) -> Iterator[Trial]:
    """Move each end that two bands share."""
    metric = registry().metric(indicator.metric)
    for edge in shared_edges(indicator):
        step = min(abs(edge.at) * _EDGE_STEP, edge.room / 2)
        if metric.is_count:
            step = Fraction(max(int(step), 1))
            if step >= edge.room:
                continue
        shown = value_text(metric, edge.at)
        what = (f"{metric.en}: the step at {shown}", f"{metric.zh}：{shown} 处的分档")
        for moved in (edge.at - step, edge.at + step):
            changes = moved_edge(indicator, edge, moved, path)
            after = value_text(metric, moved)
            yield Trial(what, changes[0].path, shown, after, changed_plan(plan, changes))


@dataclass(frozen=True)
class Edge:
    """An end, not 0 and not infinite, that two bands of an indicator share.

    Attributes:
        below, above: places of the two bands.
        room: how wide the narrower of them is.
    """

    at: Fraction
    below: int
    above: int
    room: Fraction


def shared_edges(indicator: Indicator) -> Iterator[Edge]:
    """Yield the ends that two bands share, the lowest first."""
    ordered = sorted(enumerate(indicator.bands), key=lambda one: one[1].interval.span)
    for (below, low), (above, high) in pairwise(ordered):
        edge = low.interval.high
        if edge == high.interval.low and not isinstance(edge, float) and edge:
            room = min(_room(low.interval), _room(high.interval))
            yield Edge(edge, below, above, room)


def moved_edge(indicator: Indicator, edge: Edge, to: Fraction, path: str) -> list[Change]:
    """Return the changes that move an end of two bands.

    Args:
        path: of the indicator in the plan.
    """
    low, high = (indicator.bands[at].interval for at in (edge.below, edge.above))
    return [
        Change(f"{path}.bands[{edge.below}].interval", _with_end(low, high=to)),
        Change(f"{path}.bands[{edge.above}].interval", _with_end(high, low=to)),
    ]


def _room(interval: Interval) -> Fraction:
    """Return how wide an interval is; half-open ones are as wide as their end is far from 0."""
    if isinstance(interval.low, float) and isinstance(interval.high, float):
        return Fraction(0)
    if isinstance(interval.low, float) or isinstance(interval.high, float):
        end = interval.high if isinstance(interval.low, float) else interval.low
        return abs(Fraction(end))
    return interval.high - interval.low


def _with_end(interval: Interval, low: Fraction | None = None, high: Fraction | None = None) -> str:
    left, right = "[" if interval.closed_low else "(", "]" if interval.closed_high else ")"
    ends = (interval.low if low is None else low, interval.high if high is None else high)
    return f"{left}{number_text(ends[0])}, {number_text(ends[1])}{right}"


def tornado_json(base: Sheet, tried: Sequence[tuple[Trial, Effect]]) -> list[dict[str, Any]]:
    """Return what each thing that was turned does: those asked for, then who moves most ranks.

    Per thing: ``fall`` and ``rise``, the largest changes of anybody's normalised total over the
    values tried; ``tried`` holds each value with everybody's change, rank, and who moved.
    """
    groups: dict[tuple[str, Both], list[tuple[Trial, Effect]]] = {}
    for trial, found in tried:
        groups.setdefault((trial.path, trial.what), []).append((trial, found))
    rows = [_group(base, path, what, group) for (path, what), group in groups.items()]
    return sorted(
        rows, key=lambda row: (not row["is_asked"], -row["most_moved"], row["fall"] - row["rise"])
    )


def _group(
    base: Sheet, path: str, what: Both, group: Sequence[tuple[Trial, Effect]]
) -> dict[str, Any]:
    changes = [change for _, found in group for change in found.changes.values()]
    return {
        "shop_id": base.shop_id,
        "path": path,
        "en": what[0],
        "zh": what[1],
        "is_asked": group[0][0].is_asked,
        "value": group[0][0].before,
        "fall": float(min([*changes, Fraction(0)])),
        "rise": float(max([*changes, Fraction(0)])),
        "most_moved": max(len(found.moved) for _, found in group),
        "moves_ranking": any(found.moved for _, found in group),
        "tried": [
            {
                "value": trial.after,
                "moved": list(found.moved),
                "agents": [
                    {
                        base.by: one.subject,
                        "change": as_json(None, found.changes.get(one.subject)),
                        "rank_before": one.rank,
                        "rank": found.ranks.get(one.subject),
                    }
                    for one in base.agents
                ],
            }
            for trial, found in group
        ],
    }


def beside(base: Sheet, changed: Sheet) -> list[dict[str, Any]]:
    """Return scores, ranks and pay of both side by side, in the order of the original."""
    then = {one.subject: one for one in base.agents}
    now = {one.subject: one for one in changed.agents}
    subjects = [*then, *(subject for subject in now if subject not in then)]
    return [_pair(base, subject, then.get(subject), now.get(subject)) for subject in subjects]


def _pair(base: Sheet, subject: str, old: Scored | None, new: Scored | None) -> dict[str, Any]:
    was, now = (one.total_normalised if one else None for one in (old, new))
    change = None if was is None or now is None else float(now - was)
    return {
        "shop_id": base.shop_id,
        base.by: subject,
        "before": _side(old),
        "after": _side(new),
        "change": change,
        "lines": _lines(old, new),
    }


def _side(one: Scored | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "total": float(one.total),
        "total_normalised": as_json(None, one.total_normalised),
        "rank": one.rank,
        "pay": cents(one.pay.total) if one.pay else None,
    }


def _lines(old: Scored | None, new: Scored | None) -> list[dict[str, Any]]:
    """Return the lines in which value, score, weight or points differ."""
    sides = [{line.metric: line for line in one.lines} if one else {} for one in (old, new)]
    found = []
    for code in dict.fromkeys([*sides[0], *sides[1]]):
        lines = [side.get(code) for side in sides]
        facts = [
            None
            if line is None
            else {
                "value": as_json(registry().metric(code), line.value.exact),
                "band": line.band,
                "score": as_json(None, line.score),
                "weight": float(line.weight),
                "points": as_json(None, line.points),
            }
            for line in lines
        ]
        if facts[0] != facts[1]:
            found.append({"metric": code, "before": facts[0], "after": facts[1]})
    return found
