"""What-if sliders: weights and band edges moved by hand, ranks and bands shown at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.errors import JinpaiError
from jinpai.metrics.definition import Metric, registry
from jinpai.scoring.changes import Change, changed_plan
from jinpai.scoring.intervals import NotANumber, number_text, read_number
from jinpai.scoring.lint_words import value_text
from jinpai.scoring.plan import Indicator, Plan, load_plan
from jinpai.scoring.score import Scored, Sheet
from jinpai.scoring.whatif import in_force, moved_edge, shared_edges
from jinpai.web.charts import Chart
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.verdict import plans_of, points_text
from jinpai.web.views.plan_editor import ranks_table

__all__ = ["router"]

router = APIRouter()
_STEPS = 100


@dataclass(frozen=True)
class _Slider:
    """Something to move.

    Attributes:
        name: in the form. label: of what; value, low, high, step: where it stands and may go.
        scale, suffix: how a value is shown: times, and with what behind it.
    """

    name: str
    label: str
    value: Fraction
    low: Fraction
    high: Fraction
    step: Fraction
    scale: int = 1
    suffix: str = ""


@router.get("/kpi/plans/{plan}/sliders", name="plan_sliders")
def plan_sliders(page: PageOf, plan: str) -> Response:
    """Show a plan's weights and band edges to move, and what the query moves would do."""
    file = next((one for one in plans_of(page) if one.stem == plan), None)
    if file is None:
        raise NotFound
    read = load_plan(file)
    before = _sheet(page, read, file)
    indicators, root = in_force(read, before)
    changes = list({one.path: one for one in _changes(page.query, indicators, root)}.values())
    after, fault = before, ""
    try:
        tried = changed_plan(read, changes)
        after = _sheet(page, tried, file, tuple(map(str, changes)))
    except JinpaiError as error:
        tried, fault = read, page.w.pick(error.text_zh, str(error))
    moves = [_group(page, place, one) for place, one in enumerate(indicators)]
    now, _ = in_force(tried, after)
    shown = {"plan": plan, "fault": fault, "moves": moves, **_trial(page, now, changes)}
    charts = {f"at_{one.metric}": _drawn(page, one, after.agents) for one in now}
    tables = [ranks_table(page, before.agents, after.agents)]
    template = "sliders_trial.html.j2" if _is_part(page) else "sliders.html.j2"
    return page.show(View(template, page.w("sliders_title", plan=plan), tables, charts, shown))


def _trial(
    page: Page, indicators: Sequence[Indicator], changes: Sequence[Change]
) -> dict[str, Any]:
    """What is told of a trial beside ranks and charts."""
    w, period = page.w, page.filters.period
    weights = sum((one.weight for one in indicators), Fraction(0))
    return {
        "span": w.span(period.first, period.last),
        "changes": [f"{one.path} = {one.value}" for one in changes],
        "weights": w("sliders_weights", n=points_text(weights)),
        "spread": [(f"at_{one.metric}", w.name(one.metric)) for one in indicators],
    }


def _is_part(page: Page) -> bool:
    headers = page.request.headers
    return headers.get("hx-target") == "trial" and "hx-boosted" not in headers


def _sheet(page: Page, plan: Plan, file: Path, tried: tuple[str, ...] = ()) -> Sheet:
    """Return the scores of the period under a plan, worked out once for the same changes."""
    filters = page.filters
    first, last, shop_id = filters.period.first, filters.period.last, filters.shop_id

    def ask() -> Sheet:
        return page.reader.score(plan, first=first, last=last, shop_id=shop_id).sheets[0]

    question = ("sliders", file.stem, file.stat().st_mtime_ns, tried, shop_id, filters.period)
    found: Sheet = page.reader.kept(question, ask)
    return found


def _changes(
    query: Mapping[str, str], indicators: Sequence[Indicator], root: str
) -> Iterator[Change]:
    """Yield what the query moves: ``w0=25`` a weight, ``e0.1=0.4`` an edge; the rest is passed."""
    for place, indicator in enumerate(indicators):
        path = f"{root}[{place}]"
        weight = _number(query.get(f"w{place}"))
        if weight is not None and weight != indicator.weight:
            yield Change(f"{path}.weight", number_text(weight))
        moving = indicator
        for at, edge in enumerate(shared_edges(indicator)):
            to = _number(query.get(f"e{place}.{at}"))
            if to is None or to == edge.at:
                continue
            made = moved_edge(moving, edge, to, path)
            yield from made
            moving = _with_bands(moving, edge.below, edge.above, to)


def _with_bands(indicator: Indicator, below: int, above: int, to: Fraction) -> Indicator:
    """Return an indicator with an edge moved, for the next edge of the same band."""
    bands = list(indicator.bands)
    ends = (
        (below, replace(bands[below].interval, high=to, text="")),
        (above, replace(bands[above].interval, low=to, text="")),
    )
    for at, moved in ends:
        bands[at] = bands[at].model_copy(update={"interval": moved})
    return indicator.model_copy(update={"bands": bands})


def _number(text: str | None) -> Fraction | None:
    try:
        return read_number(text) if text else None
    except NotANumber:
        return None


def _group(page: Page, place: int, indicator: Indicator) -> dict[str, Any]:
    """The sliders of one indicator, standing where the query has them."""
    w, metric = page.w, registry().metric(indicator.metric)
    weight = _Slider(
        f"w{place}", w("sliders_weight"), indicator.weight, Fraction(0), Fraction(100), Fraction(1),
        suffix="%",
    )  # fmt: skip
    edges = [
        _edge(page, f"e{place}.{at}", metric, edge.at, edge.room)
        for at, edge in enumerate(shared_edges(indicator))
    ]
    sliders = [_placed(page, one) for one in (weight, *edges)]
    return {"name": w.name(indicator.metric), "sliders": sliders}


def _edge(page: Page, name: str, metric: Metric, at: Fraction, room: Fraction) -> _Slider:
    """An edge may go nearly as far as its narrower band is wide, either way."""
    step = Fraction(1) if metric.is_count else _round(room * 2 / _STEPS)
    reach = max((room * 9 / 10) // step, 1) * step
    is_share = metric.unit == "ratio"
    label = page.w("sliders_edge", at=value_text(metric, at))
    scale, suffix = (100, "%") if is_share else (1, "")
    return _Slider(name, label, at, at - reach, at + reach, step, scale, suffix)


def _round(step: Fraction) -> Fraction:
    """A step that people count in: 1, 2 or 5 at some power of ten, at most the one given."""
    power = Fraction(10) ** math.floor(math.log10(step)) if step else Fraction(1)
    return max((power * n for n in (1, 2, 5) if power * n <= step), default=power)


def _placed(page: Page, one: _Slider) -> dict[str, Any]:
    asked = _number(page.query.get(one.name))
    value = one.value if asked is None else min(max(asked, one.low), one.high)
    numbers = {"value": value, "low": one.low, "high": one.high, "step": one.step}
    shown = f"{float(value * one.scale):g}{one.suffix}"
    return {
        "name": one.name,
        "label": one.label,
        "scale": one.scale,
        "suffix": one.suffix,
        "shown": shown,
        "first": _plain(one.value),
        **{name: _plain(number) for name, number in numbers.items()},
    }


def _plain(number: Fraction) -> str:
    """A number for an input: no exponent, at most ten places."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.10f}"
    return text.rstrip("0").rstrip(".")


def _drawn(page: Page, indicator: Indicator, agents: Sequence[Scored]) -> Chart:
    """The values of everybody at work over the bands."""
    metric = registry().metric(indicator.metric)
    dots = [
        [page.sight.name(one.subject), float(line.value.exact), points_text(line.score)]
        for one in agents
        for line in _lines(one, indicator.metric)
        if line.value.exact is not None
    ]
    bands = [
        {
            "low": _finite(band.interval.low),
            "high": _finite(band.interval.high),
            "score": points_text(band.score),
        }
        for band in sorted(indicator.bands, key=lambda one: one.interval.span)
    ]
    return {"kind": "bands", "unit": metric.unit, "dots": dots, "bands": bands, "height": 130}


def _lines(one: Scored, metric: str) -> list[Any]:
    return [line for line in one.lines if line.metric == metric]


def _finite(end: Fraction | float) -> float | None:
    return None if math.isinf(end) else float(end)
