"""The commands ``simulate`` and ``demo``: a made-up shop to try things out on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from jinpai.cli.console import note, print_json, progress, show
from jinpai.cli.options import As, as_json
from jinpai.cli.words import both, say

__all__ = ["add_simulate"]


def add_simulate(app: typer.Typer) -> None:
    """Put the commands on the application."""
    app.command(
        help=both(
            "Write a made-up shop with known truth, to try things out.",
            "生成一家真相已知的模拟店铺，供试用与检验。",
        ),
        epilog=both(
            "jinpai simulate exports --agents 10 --days 30 --buyers 1800 --source taobao",
            "jinpai simulate exports --agents 10 --days 30 --buyers 1800 --source taobao",
        ),
    )(simulate)
    app.command(
        help=both(
            "Simulate a month of a ten-agent shop, import it, run it and show the team's table.",
            "模拟一家十名客服的店铺一个月的数据，导入、计算并显示团队表。",
        ),
        epilog=both("jinpai demo", "jinpai demo"),
    )(demo)


def simulate(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", show_default=False, help=both("Folder to write to", "输出文件夹")
        ),
    ],
    agents: Annotated[int, typer.Option(metavar="N", help=both("Agents", "客服人数"))] = 10,
    days: Annotated[int, typer.Option(metavar="N", help=both("Days", "天数"))] = 30,
    buyers: Annotated[int, typer.Option(metavar="N", help=both("Buyers", "买家人数"))] = 1800,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help=both("The same seed gives the same files", "同一种子生成同样的文件")
        ),
    ] = 1,
    source: Annotated[
        Literal["canonical", "taobao"],
        typer.Option(
            help=both(
                "Canonical CSV, or the files Taobao exports", "标准 CSV，或淘宝导出的原始文件"
            )
        ),
    ] = "canonical",
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default=False, help=both("Write the truth here", "真相写入此文件")
        ),
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="DAY", help=both("First day", "起始日"))
    ] = "2026-03-01",
    planted: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help=both(
                "Sessions to add of every planted fault and merit",
                "每种预埋问题与亮点各增加多少个会话",
            ),
        ),
    ] = 0,
    format_: As = "table",
) -> None:
    """Simulate a shop."""
    from jinpai import simulate as simulator
    from jinpai.cli.runs import show_counts

    made = simulator.simulate(
        out,
        agents=agents,
        days=days,
        buyers=buyers,
        seed=seed,
        source=source,
        truth=truth,
        start=start,
        planted=planted,
    )
    if as_json(format_):
        files = {str(path): rows for path, rows in made.files.items()}
        print_json({"out": str(out), "rows": made.rows, "files": files})
        return
    show(show_counts(made.rows))
    note(
        say(f"{len(made.files)} files in {out}.", f"{out} 中共 {len(made.files)} 个文件。"), "green"
    )


def demo(
    folder: Annotated[
        Path,
        typer.Argument(metavar="[DIR]", help=both("Folder of the demo", "演示文件夹")),
    ] = Path("demo-shop"),
    format_: As = "table",
) -> None:
    """Show Jinpai on a whole shop."""
    from jinpai.cli.demos import demo_json, show_demo
    from jinpai.demo import make_demo

    with progress(say("Demo", "演示"), total=1.0) as advance:
        made = make_demo(folder, on_step=lambda name, share: advance(share, name))
    if as_json(format_):
        print_json(demo_json(made))
    else:
        show_demo(made)
