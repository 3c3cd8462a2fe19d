"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jinpai.cli.console import note, print_json, progress
from jinpai.cli.options import As, First, Last, Rule, Shop, Workspace, as_json
from jinpai.cli.words import both, language, say
from jinpai.hints import shell_word

__all__ = ["report"]


def report(
    workspace: Workspace,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("FILE.html, or FILE.xlsx for a spreadsheet", "文件名.html；表格用 .xlsx"),
        ),
    ],
    first: First = None,
    last: Last = None,
    lang: Annotated[
        Literal["zh", "en"] | None,
        typer.Option(
            show_default=False,
            help=both("Language of the report; that of the locale", "报告的语言；默认随系统语言"),
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="PLAN",
            show_default=False,
            help=both(
                "KPI plan to score by (jinpai plan example)", "绩效方案（见 jinpai plan example）"
            ),
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("Grade policy to grade by", "等级标准文件"),
        ),
    ] = None,
    judge_rule: Rule = None,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Write a report."""
    from jinpai.reporting import write_report
    from jinpai.workspace import Workspace as Opened

    with progress(say("Report", "报告"), total=1.0) as advance:
        made = write_report(
            Opened(workspace),
            out,
            first=first,
            last=last,
            language=lang or language(),
            judge_rule=judge_rule,
            shop_id=shop,
            plan=plan,
            policy=policy,
            on_step=lambda name, share: advance(share, name),
        )
    if as_json(format_):
        print_json(_summary(made, out))
        return
    if made.notes.is_stale:
        note(
            say(
                "Data or settings changed since the last run; refresh with: "
                f"jinpai run {shell_word(workspace)}",
                f"上次计算之后数据或设置有改动；请重新计算：jinpai run {shell_word(workspace)}",
            )
        )
    agents, days = len(made.agents.sheets), len(made.days)
    if not agents:
        note(
            say(
                "Nobody received or sold anything in this period.",
                "本期没有任何客服接待或成交的数据。",
            )
        )
    note(
        say(
            f"{out}: {days} days, {agents} agents. Open it in a browser."
            if out.suffix.lower() != ".xlsx"
            else f"{out}: {days} days, {agents} agents.",
            f"{out}：{days} 天，{agents} 名客服。"
            + ("" if out.suffix.lower() == ".xlsx" else "用浏览器打开即可。"),
        ),
        "green",
    )


def _summary(made: Any, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "shop_id": made.shop_id,
        "first": made.period.first.isoformat(),
        "last": made.period.last.isoformat(),
        "judge_rule": made.judge_rule,
        "settings_id": made.settings_id,
        "as_of": made.as_of,
        "agents": [sheet.agent_id for sheet in made.agents.sheets],
        "is_stale": made.notes.is_stale,
    }
