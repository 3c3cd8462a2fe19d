"""The command ``explain`` and its own commands, and ``decompose``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jinpai.cli.console import print_json
from jinpai.cli.options import As, First, Last, Rule, Shop, Workspace, as_json
from jinpai.cli.words import both

__all__ = ["decompose", "explain_app"]

explain_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "Open a number: the rows behind a metric, why an order is whose, what a reception was.",
        "打开一个数字：指标背后的明细、订单为何归属某人、一次接待的全貌。",
    ),
    epilog=both(
        "jinpai explain my-shop order 4512000000000064000\n"
        "jinpai explain my-shop metric reply_rate --agent NAME --day 2026-03-02\n"
        "jinpai explain my-shop reception --agent NAME --buyer NAME --day 2026-03-02",
        "jinpai explain my-shop order 4512000000000064000\n"
        "jinpai explain my-shop metric reply_rate --agent 客服 --day 2026-03-02\n"
        "jinpai explain my-shop reception --agent 客服 --buyer 买家 --day 2026-03-02",
    ),
)
_AGENT_HELP = both(
    "Account or the name of one; '' is nobody in particular", "客服账号或姓名；'' 表示未分配"
)
AgentName = Annotated[
    str | None, typer.Option("--agent", metavar="A", show_default=False, help=_AGENT_HELP)
]
Unmask = Annotated[
    bool,
    typer.Option("--unmask", help=both("Show buyers' mobile numbers", "显示买家的手机号")),
]


@explain_app.callback()
def _explain(context: typer.Context, workspace: Workspace) -> None:
    context.obj = workspace


@explain_app.command(
    help=both("The rows a figure was counted from.", "一个指标是由哪些明细算出来的。")
)
def metric(
    context: typer.Context,
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", show_default=False, help=both("Metric code", "指标代码")),
    ],
    agent: AgentName = None,
    team: Annotated[
        str | None,
        typer.Option(metavar="T", show_default=False, help=both("One team", "某个团队")),
    ] = None,
    product: Annotated[
        str | None,
        typer.Option(metavar="P", show_default=False, help=both("One product", "某个商品")),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            show_default=False,
            help=both("Of dispute_share: one stage, '' none", "投诉构成的某一环节，'' 为未填"),
        ),
    ] = None,
    cause: Annotated[
        str | None,
        typer.Option(
            metavar="C",
            show_default=False,
            help=both("Of dispute_share: one cause, '' none", "投诉构成的某一原因，'' 为未填"),
        ),
    ] = None,
    day: Annotated[
        str | None,
        typer.Option(metavar="DAY", show_default=False, help=both("One day", "某一天")),
    ] = None,
    first: First = None,
    last: Last = None,
    judge_rule: Rule = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help=both(
                "Rows to show; 20 in a table, all in JSON", "显示的行数；表格默认 20，JSON 默认全部"
            ),
        ),
    ] = None,
    shop: Shop = None,
    unmask: Unmask = False,
    format_: As = "table",
) -> None:
    """Explain a figure."""
    from jinpai.cli.evidence_tables import ROWS_SHOWN, show_metric

    view = _view(context.obj, shop)
    found = view.workspace.explain_metric(
        code,
        agent=view.agent(agent),
        team=team,
        product=product,
        stage=stage,
        cause=cause,
        day=day,
        first=first,
        last=last,
        judge_rule=judge_rule,
        shop_id=shop,
        limit=ROWS_SHOWN if limit is None and not as_json(format_) else limit,
        unmask=unmask,
    )
    if as_json(format_):
        print_json(found)
    else:
        show_metric(found, view)


@explain_app.command(
    help=both("Whose an order is, and why not somebody else's.", "订单归谁，以及为什么不归别人。")
)
def order(
    context: typer.Context,
    order_id: Annotated[
        str,
        typer.Argument(metavar="ID", show_default=False, help=both("Order id", "订单编号")),
    ],
    shop: Shop = None,
    unmask: Unmask = False,
    format_: As = "table",
) -> None:
    """Explain an order."""
    from jinpai.cli.evidence_tables import show_order

    view = _view(context.obj, shop)
    found = view.workspace.explain_order(order_id, shop_id=shop, unmask=unmask)
    if as_json(format_):
        print_json(found)
    else:
        show_order(found, view)


@explain_app.command(
    help=both(
        "One agent, one buyer, one day: what was said, its kind, rounds and orders.",
        "某客服某天接待某买家的全貌：聊天、类型、轮次与订单。",
    )
)
def reception(
    context: typer.Context,
    agent: Annotated[
        str, typer.Option("--agent", metavar="A", show_default=False, help=_AGENT_HELP)
    ],
    buyer: Annotated[
        str, typer.Option(metavar="B", show_default=False, help=both("Buyer's id", "买家账号"))
    ],
    day: Annotated[str, typer.Option(metavar="DAY", show_default=False, help=both("Day", "日期"))],
    shop: Shop = None,
    unmask: Unmask = False,
    format_: As = "table",
) -> None:
    """Explain a reception."""
    from jinpai.cli.evidence_tables import show_reception

    view = _view(context.obj, shop)
    found = view.workspace.explain_reception(
        view.agent(agent) or "", buyer, day, shop_id=shop, unmask=unmask
    )
    if as_json(format_):
        print_json(found)
    else:
        show_reception(found, view)


def decompose(
    workspace: Workspace,
    agent: AgentName = None,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="B|team|previous",
            show_default=False,
            help=both(
                "Another agent, team (their mean), or previous (as many days before);"
                " default team, of the whole shop previous",
                "与谁比：另一客服、team 团队平均、previous 之前同样天数；"
                "默认 team，全店默认 previous",
            ),
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    judge_rule: Rule = None,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Split a difference in sales."""
    from jinpai.cli.evidence_tables import show_decomposed

    view = _view(workspace, shop)
    versus = with_ or ("team" if agent else "previous")
    found = view.workspace.decompose(
        agent=view.agent(agent),
        versus=versus if versus in ("team", "previous") else view.agent(versus) or "",
        first=first,
        last=last,
        judge_rule=judge_rule,
        shop_id=shop,
    )
    if as_json(format_):
        print_json(found)
    else:
        show_decomposed(found, view)


def _view(root: Any, shop: str | None) -> Any:
    from jinpai.cli.evidence_tables import View
    from jinpai.workspace import Workspace as Opened

    return View(Opened(root), shop)
