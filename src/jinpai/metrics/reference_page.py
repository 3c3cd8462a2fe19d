"""docs/metrics.md, made from the registry.

``python -m jinpai.metrics.reference_page > docs/metrics.md``
"""

from __future__ import annotations

import math
import sys

from jinpai.metrics.definition import Measure, Metric, Registry, registry

__all__ = ["page"]

_UNITS = {
    "people": "people 人",
    "count": "count 次",
    "orders": "orders 笔",
    "items": "items 件",
    "money": "money, to the cent 元",
    "money_mean": "money, a mean 元",
    "ratio": "share, shown as percent 百分比",
    "factor": "ratio of two counts 比值",
    "relative": "against the shop's own figure 与全店之比",
    "mean": "mean 均值",
    "score": "score 分",
    "seconds": "seconds 秒",
    "hours": "hours 小时",
    "days": "days 天",
}
_BETTER = {
    "higher": "higher is better 越高越好",
    "lower": "lower is better 越低越好",
    "none": "– 无",
}
_HEAD = """# Metrics 指标

Made from the registry by `python -m jinpai.metrics.reference_page > docs/metrics.md`; do not edit.
The words are explained in [definitions.md](definitions.md), the choices in
[DECISIONS.md](DECISIONS.md), the settings in [settings.md](settings.md). Ask for a metric with
`jinpai metrics WORKSPACE --metric CODE --by agent,day`; open one with
`jinpai explain WORKSPACE metric CODE`.

Every figure comes with its numerator, its denominator and a status: `final` once as_of has reached
the end of the cell's last day plus the *maturity* below, `provisional` until then. A ratio over
nothing is null. Every metric is counted by day, week, month or over the whole period. *Counted on*
names the file in `src/jinpai/metrics/facts/` that holds the rows and, after it, which rows and what
of them. *Asked for in* is the number of the request it answers ([definitions](definitions.md)).

**Periods.** Without `--from` and `--to` a figure counts all days loaded; metrics with a *default
period* count the 28 days that end with the day of as_of instead, and say so (`first`, `last` in
JSON). `--trailing 28` makes every cell the 28 days that end with its last day, so that
`jinpai metrics WORKSPACE --metric refund_rate --trailing 28 --by day` is the daily trend of the
28-day refund rate. `dsr_service` looks at 180 days whatever the cell. Loyalty metrics measure a
cell against itself and what came before it: `--by month` compares months, `--trailing 90 --by day`
is their trend over 90 days.

**Shares of complaints.** `jinpai metrics WORKSPACE --metric dispute_share` has a row per stage and
one per cause, the largest share first, each with the share of it and all before it (`cumulative`);
`--by stage` or `--by cause` asks for one of them. Complaints without a stage or cause are a class
of their own (null). It is left out when no metric is named, unless `--by` has one of the two.

**Cohorts.** `jinpai cohorts WORKSPACE` is the table of months of first purchase by months since,
with the buyers who came back and what they paid ([loyalty.md](loyalty.md)).
"""


def page(known: Registry) -> str:
    """Return the page: a table of contents, then one table per metric."""
    lines = [_HEAD, "| code | 名称 | name | unit |", "|---|---|---|---|"]
    lines += [
        f"| [`{m.code}`](#{m.code}) | {m.zh} | {m.en} | {_UNITS[m.unit]} |" for m in known.metrics
    ]
    for metric in known.metrics:
        lines += ["", f"## {metric.code}", "", f"**{metric.zh}** · **{metric.en}**", ""]
        lines += ["| | |", "|---|---|"]
        lines += [f"| {name} | {text} |" for name, text in _facts(known, metric)]
    return "\n".join(lines) + "\n"


def _facts(known: Registry, metric: Metric) -> list[tuple[str, str]]:
    rows = [("定义", metric.text_zh), ("definition", metric.text_en), ("unit", _UNITS[metric.unit])]
    rows += [
        (role, _counted(known, name))
        for role, name in (
            ("value, counted on", metric.measure),
            ("minus", metric.minus),
            ("numerator, counted on", metric.numerator),
            ("denominator, counted on", metric.denominator),
        )
        if name
    ]
    if metric.against:
        shop = " ÷ ".join(_counted(known, name) for name in metric.against)
        rows.append(("divided by the shop's", shop))
    rows += [
        ("direction", _BETTER[metric.direction]),
        ("domain", _domain(metric)),
        ("maturity", _maturity(metric)),
        ("grains", _grains(metric)),
    ]
    if metric.default_days:
        rows.append(("default period", f"the {metric.default_days} days ending with as_of"))
    if metric.rate:
        rows.append(("its rate", f"[`{metric.rate}`](#{metric.rate})"))
    if metric.seed:
        rows.append(("asked for in", ", ".join(str(item) for item in metric.seed)))
    return [*rows, ("source", metric.source)]


def _counted(known: Registry, name: str) -> str:
    measure = known.measures[name]
    text = f"`{measure.fact}.sql`: {_aggregate(measure)}"
    if known.facts[measure.fact].trailing_days:
        text += f" of the last {known.facts[measure.fact].trailing_days} days"
    if measure.where != "true":
        text += f" where `{measure.where}`"
    if measure.by_product:
        text += f"; by product {_counted(known, measure.by_product)}"
    return text


def _aggregate(measure: Measure) -> str:
    if measure.count:
        return "rows"
    if measure.distinct:
        return f"distinct `{', '.join(measure.distinct)}`"
    if measure.max:
        return f"largest `{measure.max}`"
    once = f", once per `{', '.join(measure.once_per)}`" if measure.once_per else ""
    return f"sum of `{measure.sum}`{once}"


def _domain(metric: Metric) -> str:
    low, high = metric.domain
    return f"[{low:g}, {high:g}]" if math.isfinite(high) else f"[{low:g}, ∞)"


def _maturity(metric: Metric) -> str:
    text = "0 days"
    if metric.maturity == "sales":
        text = "judge rule `order`: `payment_days`; else 1 day"
    elif metric.maturity:
        parts = (
            f"{part} day" if isinstance(part, int) else f"`{part}`" for part in metric.maturity
        )
        text = " + ".join(parts)
    if metric.needs_history:
        text += "; provisional too where orders are not loaded for as many days before the cell"
    return text


def _grains(metric: Metric) -> str:
    if metric.shop_only:
        return "shop 全店"
    parts = ["shop", "team", "agent", *(["product"] if metric.product else []), *metric.classes]
    return ", ".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page(registry()))
