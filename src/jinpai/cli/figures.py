"""The table of figures for people: a row per cell, a column per metric, as many as fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from jinpai.cli.console import cell, note, out, plain_table, show
from jinpai.cli.words import language, say
from jinpai.metrics.definition import Metric, registry
from jinpai.metrics.query import MetricRow
from jinpai.periods import parse_range
from jinpai.run import ShopRun
from jinpai.workspace import MetricsResult, Workspace

__all__ = [
    "GRAIN_NAMES", "Names", "figure_text", "key_text", "pivot", "say_outside", "say_provisional",
    "show_figures",
]  # fmt: skip

# What people look at first; where there is room the others follow in the registry's order.
_FIRST = (
    "sales_amount", "received_buyers", "inquiry_buyers", "inquiry_conversion_rate",
    "amount_per_buyer", "first_response_seconds", "avg_response_seconds", "reply_rate",
    "sales_orders", "sales_buyers", "within_180s_rate", "slow_receptions",
)  # fmt: skip
GRAIN_NAMES = {
    "shop_id": ("Shop", "店铺"),
    "team": ("Team", "团队"),
    "agent_id": ("Agent", "客服"),
    "product_id": ("Product", "商品"),
    "day": ("Day", "日期"),
    "week": ("Week of", "周（起始日）"),
    "month": ("Month", "月份"),
    "stage": ("Stage", "环节"),
    "cause": ("Cause", "原因"),
}
_FORMS = {
    "money": "{money}{value:,.2f}",
    "money_mean": "{money}{value:,.2f}",
    "ratio": "{value:.1%}",
    "seconds": "{value:,.1f}s",
    "hours": "{value:,.1f}h",
    "days": "{value:,.1f}d",
}
_GAP = 2
_WIDEST_KEY = 32


class Names:
    """Names of agents and products, and currencies of shops."""

    def __init__(
        self, workspace: Workspace, shop_id: str | None = None, *, products: bool = False
    ) -> None:
        self._names = dict[tuple[str, str, str], str]()
        with workspace.derived(shop_id) as (engine, shops, snapshot):
            self._shops = {shop.shop_id for shop in shops}
            sql = f"select shop_id, currency from ({snapshot.table_sql('shops')})"
            loaded_shops = engine.fetch("currencies", sql).to_pylist()
            self._add("agent_id", engine.fetch("names", "select *, agent_id as id from roster"))
            if products:
                table = snapshot.table_sql("products")
                sql = f"select shop_id, product_id as id, title as name from ({table})"
                self._add("product_id", engine.fetch("names", sql))
        # As with time zones: a loaded row first, then jinpai.toml.
        self._currency = {shop.shop_id: shop.currency for shop in workspace.config.shops.values()}
        self._currency |= {
            row["shop_id"]: row["currency"] for row in loaded_shops if row["currency"]
        }
        self._used = Counter((kind, shop, name) for (kind, shop, _), name in self._names.items())

    def _add(self, kind: str, rows: Any) -> None:
        for row in rows.to_pylist():
            if row["name"] and row["shop_id"] in self._shops:
                self._names[kind, row["shop_id"], row["id"]] = row["name"]

    def of(self, kind: str, shop_id: str, key: str) -> str:
        """Return the name of an agent or product, with its id where others have the same name."""
        name = self._names.get((kind, shop_id, key))
        if name is None or name == key:
            return key
        return name if self._used[kind, shop_id, name] == 1 else f"{name} ({key})"

    def agent_id(self, text: str) -> str:
        """Return the account meant by an id or a name that only one account has."""
        known = {key for kind, _, key in self._names if kind == "agent_id"}
        named = {
            key
            for (kind, _, key), name in self._names.items()
            if kind == "agent_id" and name == text
        }
        return named.pop() if text not in known and len(named) == 1 else text

    def money(self, shop_id: str) -> str:
        """Return the sign before a shop's amounts."""
        code = self._currency.get(shop_id, "CNY")
        return "¥" if code == "CNY" else f"{code} "


def figure_text(metric: Metric, value: Any, money: str = "¥") -> str:
    """Return a value as people write it.

    >>> metric = registry().metric("reply_rate")
    >>> figure_text(metric, 0.5), figure_text(metric, None)
    ('50.0%', '–')
    """
    if value is None:
        return "–"
    if metric.is_count:
        return f"{value:,}"
    return _FORMS.get(metric.unit, "{value:,.2f}").format(value=value, money=money)


def show_figures(workspace: Workspace, result: MetricsResult, *, chosen: bool) -> None:
    """Print the figures: the whole period one metric a line, else one cell a line."""
    from jinpai.cli.shares import is_share, show_shares

    names = Names(workspace, products="product" in result.grain)
    rows = [row for row in result.rows if not is_share(row)]
    if not result.rows:
        note(say("No figures in this range.", "此范围内没有数据。"))
    elif rows and rows[0].grain:
        table, left = pivot(rows, names, chosen=chosen, shops=len(result.shops))
        show(table)
        if left:
            _say_rest(left)
    elif rows:
        show(_list(rows, [shop.shop_id for shop in result.shops], names))
    show_shares([row for row in result.rows if is_share(row)], names, len(result.shops))
    _say_days(result.rows)
    say_provisional(result.rows)


def _say_days(rows: Sequence[MetricRow]) -> None:
    """Say which days are counted where the range does not tell."""
    spans = {(row.first, row.last) for row in rows if row.first and row.last}
    for first, last in sorted(spans) if len(spans) == 1 else ():
        which = {row.metric for row in rows if row.first}
        among = "" if which == {row.metric for row in rows} else " " + ", ".join(sorted(which))
        note(
            say(
                f"Counted from {first} to {last}{':' if among else ''}{among}.",
                f"统计期为 {first} 至 {last}{'：' if among else ''}{among.strip()}。",
            ),
            "dim",
        )


def say_outside(shops: Sequence[ShopRun], first: str | None, last: str | None) -> None:
    """Tell that nothing is loaded of the days asked for: such figures are 0 or empty."""
    start, end = parse_range(first, last)
    for shop in shops:
        loaded = date.fromisoformat(shop.first_day), date.fromisoformat(shop.last_day)
        if (start is None or start <= loaded[1]) and (end is None or end >= loaded[0]):
            continue
        note(
            say(
                f"Nothing is loaded of these days: the data of {shop.shop_id} are of {loaded[0]}"
                f" to {loaded[1]}.",
                f"所选日期没有数据：{shop.shop_id} 的数据为 {loaded[0]} 至 {loaded[1]}。",
            )
        )


def say_provisional(rows: Sequence[MetricRow]) -> None:
    """Explain the mark of provisional figures where there are any."""
    if any(row.status == "provisional" for row in rows):
        note(
            say(
                "* provisional: later orders, payments or refunds can still change it.",
                "* 暂定：后续的下单、付款或退款仍可能改变该数。",
            ),
            "dim",
        )


def _say_rest(left: int) -> None:
    note(
        say(
            f"{left} more metric(s) do not fit: a wider window, --metric CODE,... or"
            " --format csv shows them.",
            f"还有 {left} 个指标放不下：可加宽窗口，或用 --metric 代码,... 或 --format csv 查看。",
        ),
        "dim",
    )


def _text(row: MetricRow, names: Names) -> str:
    return figure_text(registry().metric(row.metric), row.value, names.money(row.shop_id))


def _title(code: str) -> str:
    metric = registry().metric(code)
    return say(metric.en, metric.zh)


def _list(rows: Sequence[MetricRow], shops: Sequence[str], names: Names) -> Table:
    heads = [say("Metric", "指标"), *(shops if len(shops) > 1 else [say("Value", "值")]), ""]
    lines = dict[str, dict[str, str]]()
    for row in rows:
        mark = "*" if row.status == "provisional" else ""
        lines.setdefault(row.metric, {})[row.shop_id] = _text(row, names) + mark
    shown = [
        [_title(code), *(values.get(shop, "") for shop in shops), cell(code, style="dim")]
        for code, values in lines.items()
    ]
    return plain_table(heads, shown, right=range(1, len(shops) + 1))


@dataclass
class _Grid:
    """Cells by line; ``all_provisional`` are the metrics whose every figure is provisional."""

    keys: list[list[Text]] = field(default_factory=list)
    cells: list[dict[str, str]] = field(default_factory=list)
    all_provisional: set[str] = field(default_factory=set)

    def widest(self, code: str) -> int:
        return max(cell_len(values.get(code, "")) for values in self.cells)


def pivot(
    rows: Sequence[MetricRow],
    names: Names,
    *,
    chosen: bool,
    shops: int = 1,
    footer: Sequence[MetricRow] = (),
) -> tuple[Table, int]:
    """Return the table, a row per cell, and how many metrics did not fit.

    Args:
        chosen: the order of the metrics is the user's.
        shops: with more than one, the shop has a column.
        footer: figures of the whole period for a last row.
    """
    kinds = [*(["shop_id"] if shops > 1 else []), *rows[0].grain]
    codes = _ordered(list(dict.fromkeys(row.metric for row in rows)), chosen)
    grid = _grid(rows, kinds, names)
    heads = [say(*GRAIN_NAMES[kind]) for kind in kinds]
    if footer:
        grid.keys.append([cell(say("All", "合计")), *(cell("") for _ in kinds[1:])])
        grid.cells.append({row.metric: _text(row, names) for row in footer})
    fitting = _fitting(codes, heads, grid)
    table = plain_table(heads, ())
    for place, column in enumerate(table.columns):
        column.width = _key_width(place, heads[place], grid)
    for code in fitting:
        head = _title(code) + ("*" if code in grid.all_provisional else "")
        width = max(grid.widest(code), _narrowest(head))
        table.add_column(cell(head), justify="right", overflow="fold", width=width)
    for at, (key, values) in enumerate(zip(grid.keys, grid.cells, strict=True)):
        ends = bool(footer) and at == len(grid.keys) - 2
        cells = [cell(values.get(code, "")) for code in fitting]
        table.add_row(*key, *cells, end_section=ends)
    return table, len(codes) - len(fitting)


def _grid(rows: Sequence[MetricRow], kinds: Sequence[str], names: Names) -> _Grid:
    lines = dict[tuple[Any, ...], dict[str, MetricRow]]()
    final = set[str]()
    for row in rows:
        lines.setdefault((row.shop_id, *row.grain.values()), {})[row.metric] = row
        if row.status == "final":
            final.add(row.metric)
    grid = _Grid(all_provisional={row.metric for row in rows} - final)
    for line in lines.values():
        first = next(iter(line.values()))
        whole = {"shop_id": first.shop_id} | first.grain
        grid.keys.append([key_text(kind, first.shop_id, whole[kind], names) for kind in kinds])
        grid.cells.append(
            {
                code: _text(row, names)
                + ("*" if row.status == "provisional" and code in final else "")
                for code, row in line.items()
            }
        )
    return grid


def _ordered(codes: list[str], chosen: bool) -> list[str]:
    if chosen:
        return codes
    return [code for code in _FIRST if code in codes] + [c for c in codes if c not in _FIRST]


def key_text(kind: str, shop_id: str, value: Any, names: Names) -> Text:
    """Return a part of a cell's key as people read it."""
    if value is None:
        return cell(say("none", "无"), style="dim")
    if kind in ("agent_id", "product_id"):
        return cell(names.of(kind, shop_id, value))
    return cell(value.isoformat() if isinstance(value, date) else value)


def _fitting(codes: Sequence[str], heads: Sequence[str], grid: _Grid) -> list[str]:
    """Return the first metrics whose columns fit beside the keys; one at least."""
    room = out().width + _GAP
    for place, head in enumerate(heads):
        room -= _key_width(place, head, grid) + _GAP
    taken = list[str]()
    for code in codes:
        room -= max(grid.widest(code), _narrowest(_title(code) + "*")) + _GAP
        if room < 0 and taken:
            break
        taken.append(code)
    return taken


def _key_width(place: int, head: str, grid: _Grid) -> int:
    return min(max(cell_len(head), *(key[place].cell_len for key in grid.keys)), _WIDEST_KEY)


def _narrowest(title: str) -> int:
    """How narrow a head may get: its longest word, or five Chinese characters and a mark."""
    if language() == "zh":
        return min(cell_len(title), 10 + title.endswith("*"))
    return max(cell_len(word) for word in title.split())
