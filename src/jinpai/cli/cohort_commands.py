"""The command ``cohorts``: who came back, month by month after the first purchase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer
from rich.cells import cell_len
from rich.table import Table

from jinpai.cli.console import note, out, plain_table, print_json, show
from jinpai.cli.explain_commands import AgentName
from jinpai.cli.options import As, First, Last, Rule, Shop, Workspace, as_json
from jinpai.cli.words import both, say

__all__ = ["add_cohorts"]

Shown = Literal["share", "buyers", "amount"]
_GAP = 2


def add_cohorts(app: typer.Typer) -> None:
    """Put the command on the application."""
    app.command(
        help=both(
            "Buyers by month of first purchase: how many came back later, and what they paid.",
            "按首次购买月份看买家：之后各月有多少人回购、付了多少钱。",
        ),
        epilog=both(
            "jinpai cohorts my-shop\n"
            "jinpai cohorts my-shop --show amount --agent NAME\n"
            "jinpai cohorts my-shop --format json",
            "jinpai cohorts my-shop\n"
            "jinpai cohorts my-shop --show amount --agent 客服\n"
            "jinpai cohorts my-shop --format json",
        ),
    )(cohorts)


def cohorts(
    workspace: Workspace,
    show_: Annotated[
        Shown,
        typer.Option(
            "--show",
            help=both(
                "What the table holds: share of the cohort, buyers, amount paid",
                "表中显示：share 占比、buyers 人数、amount 金额",
            ),
        ),
    ] = "share",
    agent: AgentName = None,
    first: First = None,
    last: Last = None,
    judge_rule: Rule = None,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Show cohorts; --from and --to are days of first purchases."""
    from jinpai.cli.figures import Names
    from jinpai.workspace import Workspace as Opened

    opened = Opened(workspace)
    names = Names(opened, shop)
    found = opened.cohorts(
        agent=names.agent_id(agent) if agent else agent,
        first=first,
        last=last,
        judge_rule=judge_rule,
        shop_id=shop,
    )
    if as_json(format_):
        print_json(_json(found))
        return
    if not found.cohorts:
        note(say("Nobody has paid yet.", "还没有买家付款。"))
    for one in found.shops:
        mine = [cohort for cohort in found.cohorts if cohort.shop_id == one.shop_id]
        if mine:
            table, left = _table(mine, show_, one.shop_id if len(found.shops) > 1 else "", names)
            show(table)
            _say(left, any(month.status == "provisional" for c in mine for month in c.months))


def _json(found: Any) -> dict[str, Any]:
    from jinpai.cli.runs import shop_json
    from jinpai.metrics.cohorts import cohort_json

    return {
        "shops": [shop_json(shop) for shop in found.shops],
        "judge_rule": found.judge_rule,
        "is_stale": found.is_stale,
        "cohorts": [cohort_json(cohort) for cohort in found.cohorts],
    }


def _table(cohorts: Sequence[Any], shown: Shown, shop: str, names: Any) -> tuple[Table, int]:
    """Return the table and how many months did not fit."""
    money = names.money(cohorts[0].shop_id)
    heads = say("First purchase,Buyers", "首购月份,人数").split(",")
    texts = [[_text(month, shown, money) for month in cohort.months] for cohort in cohorts]
    keys = [[cohort.month, f"{cohort.buyers:,}"] for cohort in cohorts]
    longest = max(len(line) for line in texts)
    room = out().width - sum(
        max(cell_len(text) for text in (head, *(key[at] for key in keys))) + _GAP
        for at, head in enumerate(heads)
    )
    fitting = 0
    while fitting < longest:
        column = [line[fitting] for line in texts if fitting < len(line)]
        room -= max(cell_len(text) for text in (*column, f"+{fitting}")) + _GAP
        if room < 0 and fitting:
            break
        fitting += 1
    rows = [
        [*key, *line[:fitting], *[""] * (fitting - len(line))]
        for key, line in zip(keys, texts, strict=True)
    ]
    heads += [f"+{number}" for number in range(fitting)]
    return plain_table(heads, rows, right=range(1, len(heads)), title=shop), longest - fitting


def _text(month: Any, shown: Shown, money: str) -> str:
    mark = "*" if month.status == "provisional" else ""
    if shown == "amount":
        return f"{money}{month.amount:,.0f}{mark}"
    return (f"{month.buyers:,}" if shown == "buyers" else f"{month.share:.0%}") + mark


def _say(left: int, is_provisional: bool) -> None:
    if left:
        note(
            say(
                f"{left} later month(s) do not fit: a wider window or --format json shows them.",
                f"还有 {left} 个更晚的月份放不下：可加宽窗口或用 --format json 查看。",
            ),
            "dim",
        )
    if is_provisional:
        note(say("* the month is not over.", "* 该月尚未结束。"), "dim")
