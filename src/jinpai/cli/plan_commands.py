"""The command ``plan``: look a KPI plan over, and examples to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from jinpai.cli.console import note, print_json, show
from jinpai.cli.options import As, as_json
from jinpai.cli.words import both, language, say

__all__ = ["PlanFile", "plan_app"]

plan_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "KPI plans and grade policies: find their faults, start from an example.",
        "绩效方案与评级标准：查错，或从示例开始。",
    ),
    epilog=both(
        "jinpai plan example starter --out my-plan.yaml\n"
        "jinpai plan lint my-plan.yaml\n"
        "jinpai score my-shop --plan my-plan.yaml --from 2026-03-01 --to 2026-03-31",
        "jinpai plan example starter --out 方案.yaml\n"
        "jinpai plan lint 方案.yaml\n"
        "jinpai score my-shop --plan 方案.yaml --from 2026-03-01 --to 2026-03-31",
    ),
)
PlanFile = Annotated[
    Path,
    typer.Argument(
        metavar="PLAN", show_default=False, help=both("A KPI plan (YAML)", "绩效方案（YAML）")
    ),
]


@plan_app.command(
    help=both(
        "Every defect of a plan or grade policy with its place: gaps, overlaps, weights, cliffs …"
        " Exit 1 if any.",
        "逐条列出方案或评级标准的缺陷与位置：空档、重叠、权重、断崖等；有缺陷时退出码为 1。",
    ),
    epilog=both("jinpai plan lint my-plan.yaml", "jinpai plan lint 方案.yaml"),
)
def lint(plan: PlanFile, format_: As = "table") -> None:
    """Look a plan over."""
    from jinpai.cli.score_tables import lint_table
    from jinpai.scoring import lint as lint_plan

    rows = lint_plan(plan)
    if as_json(format_):
        print_json({"rows": [row.to_json(language()) for row in rows]})
    elif rows:
        show(lint_table(rows))
        note(say(f"{len(rows)} defect(s).", f"共 {len(rows)} 处缺陷。"))
    else:
        note(say("No defects.", "没有缺陷。"), "green")
    if rows:
        raise typer.Exit(1)


@plan_app.command(
    help=both(
        "Write a plan, values or a grade policy to start from: to the screen, or to a file with"
        " the JSON schema for editors beside it.",
        "输出示例方案、数值或评级标准：显示在屏幕上，或写入文件"
        "（旁附供编辑器补全的 JSON schema）。",
    ),
    epilog=both(
        "jinpai plan example starter --out my-plan.yaml\n"
        "jinpai plan example womens-wear          # a published plan, faults and all\n"
        "jinpai plan example womens-wear-values --out values.csv\n"
        "jinpai plan example gold-agent --out policy.yaml",
        "jinpai plan example starter --out 方案.yaml\n"
        "jinpai plan example womens-wear          # 一份公开过的方案，错误原样保留\n"
        "jinpai plan example womens-wear-values --out 数值.csv\n"
        "jinpai plan example gold-agent --out 评级.yaml",
    ),
)
def example(
    name: Annotated[
        Literal["starter", "womens-wear", "womens-wear-values", "gold-agent"],
        typer.Argument(
            metavar="[NAME]",
            help=both(
                "starter, womens-wear, womens-wear-values or gold-agent",
                "starter 起步方案、womens-wear 女装店原方案、womens-wear-values 其数值、"
                "gold-agent 金牌客服评级标准",
            ),
        ),
    ] = "starter",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default=False, help=both("Write to a file", "写入文件")),
    ] = None,
) -> None:
    """Show or write an example."""
    from jinpai.scoring.examples import example_text, write_example

    if out is None:
        typer.echo(example_text(name), nl=False)
        return
    for path in write_example(name, out):
        note(say(f"Written: {path}", f"已写入：{path}"), "green")


@plan_app.command(
    help=both(
        "Print the JSON schema of plans, or of grade policies, for editors and other programs.",
        "输出方案（或评级标准）的 JSON schema，供编辑器与其他程序使用。",
    ),
    epilog=both(
        "jinpai plan schema > plan.schema.json", "jinpai plan schema grades > grades.schema.json"
    ),
)
def schema(
    of: Annotated[
        Literal["plan", "grades"],
        typer.Argument(metavar="[plan|grades]", help=both("Which one", "哪一种")),
    ] = "plan",
) -> None:
    """Print a schema."""
    from jinpai.scoring.schema import schema_of

    print_json(schema_of(of))
