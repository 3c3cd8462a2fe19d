"""docs/metrics.md, made from the registry.

``python -m jinpai.metrics.reference_page > docs/metrics.md``
"""

from __future__ import annotations

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
    "seconds": "seconds 秒",
    "hours": "hours 小时",
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
        ("maturity", _maturity(metric)),
        ("grains", _grains(metric)),
    ]
    if metric.seed:
        rows.append(("asked for in", ", ".join(str(item) for item in metric.seed)))
    return [*rows, ("source", metric.source)]


def _counted(known: Registry, name: str) -> str:
    measure = known.measures[name]
    text = f"`{measure.fact}.sql`: {_aggregate(measure)}"
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


def _maturity(metric: Metric) -> str:
    if metric.maturity == "sales":
        return "judge rule `order`: `payment_days`; else 1 day"
    if not metric.maturity:
        return "0 days"
    parts = (f"{part} day" if isinstance(part, int) else f"`{part}`" for part in metric.maturity)
    return " + ".join(parts)


def _grains(metric: Metric) -> str:
    if metric.shop_only:
        return "shop 全店"
    return "shop, team, agent" + (", product" if metric.product else "")


if __name__ == "__main__":
    sys.stdout.write(page(registry()))
