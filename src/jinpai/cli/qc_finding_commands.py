"""Findings on the command line: those of the last run, and one with its conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from jinpai.cli.console import note, print_json, progress, show
from jinpai.cli.options import As, First, Last, Shop, Workspace, as_json
from jinpai.cli.qc_options import OnlyRules
from jinpai.cli.words import both, say

__all__ = ["add_findings"]

Limit = Annotated[
    int,
    typer.Option(metavar="N", min=1, help=both("How many to list", "最多列出多少条")),
]


def list_(
    workspace: Workspace,
    rule: OnlyRules = None,
    agent: Annotated[
        str | None,
        typer.Option(
            metavar="A",
            show_default=False,
            help=both("Only this account, by id or name", "只看这个客服（账号或姓名）"),
        ),
    ] = None,
    faults: Annotated[
        bool, typer.Option("--faults", help=both("Leave out merits", "不列亮点"))
    ] = False,
    shop: Shop = None,
    first: First = None,
    last: Last = None,
    limit: Limit = 50,
    format_: As = "table",
) -> None:
    """List findings."""
    from jinpai.cli.qc_tables import findings_table
    from jinpai.workspace import Workspace as Opened

    opened = Opened(workspace)
    codes = [code.strip() for code in (rule or "").split(",") if code.strip()]
    with progress(say("Reading findings", "读取质检结果")):
        account = _account(opened, shop, agent)
        found, count = opened.findings(
            rules=codes, agent=account, first=first, last=last, shop_id=shop,
            faults=faults, limit=limit,
        )  # fmt: skip
    if as_json(format_):
        print_json({"count": count, "findings": found})
        return
    show(findings_table(found))
    if count > len(found):
        note(
            say(
                f"{len(found)} of {count:,} findings, the costliest first; --limit shows more.",
                f"共 {count:,} 条，按扣分列出前 {len(found)} 条；用 --limit 查看更多。",
            ),
            "dim",
        )
    if found:
        name = found[0]["finding_id"]
        note(
            say(
                f"Open one: jinpai qc show {workspace} {name}",
                f"查看某一条：jinpai qc show {workspace} {name}",
            ),
            "dim",
        )


def show_(
    workspace: Workspace,
    finding: Annotated[
        str,
        typer.Argument(
            metavar="FINDING",
            show_default=False,
            help=both("Its id, or the id's first characters", "编号，或编号的前几位"),
        ),
    ],
    unmask: Annotated[
        bool,
        typer.Option("--unmask", help=both("Show buyers' mobile numbers", "显示买家的手机号")),
    ] = False,
    format_: As = "table",
) -> None:
    """Show a finding."""
    from jinpai.workspace import Workspace as Opened

    opened = Opened(workspace)
    with progress(say("Reading the conversation", "读取对话")):
        found = opened.finding(finding, unmask=unmask)
    if as_json(format_):
        print_json(found)
    else:
        _shown(opened, found)


def _shown(opened: Any, found: Mapping[str, Any]) -> None:
    from jinpai.cli.evidence_tables import View
    from jinpai.cli.qc_tables import finding_facts, marked_talk

    view = View(opened, found["shop_id"])
    show(finding_facts(found, view), marked_talk(found, view))


def _account(opened: Any, shop: str | None, agent: str | None) -> str | None:
    if not agent:
        return agent
    from jinpai.cli.figures import Names

    return str(Names(opened, shop).agent_id(agent))


def add_findings(app: typer.Typer) -> None:
    """Add the commands to ``qc``."""
    app.command(
        "list",
        help=both(
            "The findings of the last run, the costliest first.",
            "列出最近一次计算的质检结果，扣分多的在前。",
        ),
        epilog=both(
            "jinpai qc list my-shop --faults --from 2026-03-01 --to 2026-03-07\n"
            "jinpai qc list my-shop --rule ignored,slow_answer --agent NAME --format json",
            "jinpai qc list my-shop --faults --from 2026-03-01 --to 2026-03-07\n"
            "jinpai qc list my-shop --rule ignored,slow_answer --agent 姓名 --format json",
        ),
    )(list_)
    app.command(
        "show",
        help=both(
            "One finding: why, and the conversation with what shows it marked.",
            "查看一条质检结果：原因，以及标出证据的对话。",
        ),
        epilog=both("jinpai qc show my-shop 7e7c480268d4", "jinpai qc show my-shop 7e7c480268d4"),
    )(show_)
