"""The demo's outcome, as JSON and for people."""

from __future__ import annotations

from typing import Any

from jinpai.cli.console import cell, note, out, show
from jinpai.cli.export import metrics_json
from jinpai.cli.figures import Names, figure_text, pivot, say_provisional
from jinpai.cli.imports import import_json
from jinpai.cli.runs import run_json
from jinpai.cli.words import say
from jinpai.demo import SHOP_METRICS, TEAM_METRICS, Demo
from jinpai.hints import shell_word
from jinpai.metrics.definition import registry

__all__ = ["demo_json", "show_demo"]


def demo_json(made: Demo) -> dict[str, Any]:
    """Return what the demo made."""
    return {
        "workspace": str(made.workspace.root),
        "import": {key: import_json(made.imported)[key] for key in ("tables", "total", "seconds")},
        "run": run_json(made.run),
        "agents": metrics_json(made.agents),
        "shop": metrics_json(made.team),
        "seconds": round(made.seconds, 3),
    }


def show_demo(made: Demo) -> None:
    """Show the team's table, the shop's totals and where to go next."""
    names = Names(made.workspace)
    total = made.imported.report.total
    note(_what(made, total.rows_in), "dim")
    totals = {row.metric: row for row in made.team.rows}
    by_sales = {row.grain["agent_id"]: row.value for row in made.agents.rows
                if row.metric == "sales_amount"}  # fmt: skip
    rows = sorted(made.agents.rows, key=lambda row: -float(by_sales[row.grain["agent_id"]] or 0))
    footer = [totals[code] for code in TEAM_METRICS]
    table, _ = pivot(rows, names, chosen=True, footer=footer)
    show(table)
    facts = {
        code: figure_text(registry().metric(code), totals[code].value) for code in SHOP_METRICS
    }
    amount = totals["shop_sales_amount"].value
    share = float(totals["silent_amount"].value or 0) / float(amount) if amount else 0.0
    out().print(
        cell(
            say(
                f"Shop: {facts['shop_sales_amount']} in {facts['shop_sales_orders']} orders,"
                f" of them {facts['silent_amount']} ({share:.1%},"
                f" {facts['silent_orders']} orders) silent: credited to nobody.",
                f"全店：{facts['shop_sales_amount']}，{facts['shop_sales_orders']} 笔；其中静默"
                f" {facts['silent_amount']}（占 {share:.1%}，{facts['silent_orders']} 笔）："
                "没有客服归属。",
            )
        )
    )
    _show_next(made)
    say_provisional(made.agents.rows)


def _what(made: Demo, rows: int) -> str:
    files, root = len(made.simulated.files), made.workspace.root
    return say(
        f"A made-up shop in Taobao's formats: {files} files ({root}/exports), {rows:,} rows"
        f" imported and run in {made.seconds:.0f} s; {len(made.run.checks)} checks of the books"
        " hold.",
        f"模拟店铺，淘宝导出格式：{files} 个文件（{root}/exports），导入 {rows:,} 行并计算，"
        f"共 {made.seconds:.0f} 秒；{len(made.run.checks)} 项账目核对无误。",
    )


def _show_next(made: Demo) -> None:
    """Commands to copy; never wrapped, so that they can be."""
    root, (agent, day, order) = shell_word(str(made.workspace.root)), made.example
    name = shell_word(Names(made.workspace).of("agent_id", made.run.shops[0].shop_id, agent))
    explained = f"jinpai explain {root} metric avg_response_seconds --agent {name} --day {day}"
    lines = (
        (f"jinpai metrics {root} --by agent,week", say("the same by week", "按周查看")),
        (f"jinpai explain {root} order {order}", say("whose order, and why", "订单归谁，为什么")),
        (explained, say("the rounds behind a figure", "数字背后的每一轮对话")),
        (
            f"jinpai report {root} --out report.html",
            say("one page for the owner: open it in a browser", "给掌柜的一页报告，用浏览器打开"),
        ),
        (
            f"jinpai metrics {root} --by agent,day --format xlsx --out demo.xlsx",
            say("everything, for a spreadsheet", "全部指标，存为表格"),
        ),
    )
    console = out()
    console.print()
    console.print(cell(say("Where to go next", "接下来"), style="bold"))
    for command, why in lines:
        console.print(cell(f"  {command}", style="cyan"), soft_wrap=True)
        console.print(cell(f"      {why}", style="dim"), soft_wrap=True)
