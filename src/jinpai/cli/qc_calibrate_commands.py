"""The commands of ``qc calibrate``: sessions in which reviewers rule unseen by each other."""

from __future__ import annotations

from typing import Annotated

import typer

from jinpai.cli.console import note, print_json, progress, show
from jinpai.cli.options import As, First, Last, Shop, Workspace, as_json
from jinpai.cli.qc_review_options import (
    Agent,
    Comment,
    Finding,
    N,
    Per,
    Reviewer,
    Rule,
    Ruling,
    Seed,
    Share,
    Viewer,
    What,
    asked_draw,
)
from jinpai.cli.words import both, say

__all__ = ["calibrate_app"]

calibrate_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "Calibration: reviewers rule on the same findings, unseen by each other until all have.",
        "校准：多位复核人判断同一批结果，全部判完之前互不可见。",
    ),
    epilog=both(
        "jinpai qc calibrate open my-shop --name March --reviewers Cai,Dan --per rule --n 2\n"
        "jinpai qc calibrate show my-shop 1 --as Cai",
        "jinpai qc calibrate open my-shop --name 三月 --reviewers 小蔡,小丁 --per rule --n 2\n"
        "jinpai qc calibrate show my-shop 1 --as 小蔡",
    ),
)
Number = Annotated[
    int,
    typer.Argument(
        metavar="NUMBER", show_default=False, help=both("Number of the session", "第几号校准")
    ),
]


@calibrate_app.command(
    "open",
    help=both("Draw findings and open a session on them.", "抽取质检结果，开始一次校准。"),
    epilog=both(
        "jinpai qc calibrate open my-shop --name March --reviewers Cai,Dan --per rule --n 2",
        "jinpai qc calibrate open my-shop --name 三月 --reviewers 小蔡,小丁 --per rule --n 2",
    ),
)
def open_(
    workspace: Workspace,
    name: Annotated[str, typer.Option(metavar="TEXT", help=both("What to call it", "校准名称"))],
    reviewers: Annotated[
        str,
        typer.Option(metavar="NAME,...", help=both("Who takes part", "参加人，以逗号分隔")),
    ],
    as_: Reviewer = "jinpai",
    per: Per = "all",
    n: N = None,
    share: Share = None,
    seed: Seed = "1",
    what: What = "faults",
    rule: Rule = None,
    agent: Agent = None,
    shop: Shop = None,
    first: First = None,
    last: Last = None,
    format_: As = "table",
) -> None:
    """Open a session."""
    from jinpai.cli.qc_review_tables import cases_table
    from jinpai.review import open_desk

    asked = asked_draw(per, n, share, seed, what, first, last, shop, rule, agent)
    members = [part for part in reviewers.replace("，", ",").split(",") if part.strip()]
    with progress(say("Sampling", "抽样")), open_desk(workspace) as desk:
        found = desk.calibrate(asked, reviewers=members, name=name, by=as_)
    if as_json(format_):
        print_json(found)
        return
    show(cases_table(found["findings"]))
    number = found["calibration"]
    note(
        say(
            f"Session {number} is open. Next, for each reviewer: jinpai qc calibrate rule"
            f" {workspace} {number} FINDING right|wrong|partly --as NAME",
            f"第 {number} 号校准已开始。接下来每位复核人：jinpai qc calibrate rule"
            f" {workspace} {number} 编号 right|wrong|partly --as 名字",
        ),
        "green",
    )


@calibrate_app.command(
    help=both("Rule on a finding of a session.", "在一次校准中判断一条结果。"),
    epilog=both(
        "jinpai qc calibrate rule my-shop 1 826ee8a6d3a1f7a199f41a3d partly --as Cai",
        "jinpai qc calibrate rule my-shop 1 826ee8a6d3a1f7a199f41a3d partly --as 小蔡",
    ),
)
def rule(
    workspace: Workspace,
    number: Number,
    finding: Finding,
    verdict: Ruling,
    as_: Reviewer,
    comment: Comment = "",
    format_: As = "table",
) -> None:
    """Rule in a session."""
    from jinpai.cli.qc_review_tables import show_calibration
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        found = desk.rule_calibration(number, finding, verdict, reviewer=as_, comment=comment)
    if as_json(format_):
        print_json(found)
    else:
        show_calibration(found)


@calibrate_app.command(
    "show",
    help=both(
        "Show a session, or list them all. Rulings of others show once all have ruled.",
        "查看一次校准，或列出全部。全部判完之后才能看到他人的判断。",
    ),
    epilog=both(
        "jinpai qc calibrate show my-shop\njinpai qc calibrate show my-shop 1 --as Cai",
        "jinpai qc calibrate show my-shop\njinpai qc calibrate show my-shop 1 --as 小蔡",
    ),
)
def show_(
    workspace: Workspace,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="NUMBER", show_default=False, help=both("Number of the session", "第几号校准")
        ),
    ] = None,
    as_: Viewer = None,
    format_: As = "table",
) -> None:
    """Show sessions."""
    from jinpai.cli.qc_review_tables import calibrations_table, show_calibration
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        if number is None:
            listed = desk.calibrations()
            if as_json(format_):
                print_json(listed)
            else:
                show(calibrations_table(listed))
            return
        found = desk.calibration(number, viewer=as_)
    if as_json(format_):
        print_json(found)
    else:
        show_calibration(found)
