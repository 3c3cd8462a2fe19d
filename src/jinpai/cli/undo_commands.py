"""The command ``lake undo``: take an import back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, Workspace, as_json
from jinpai.cli.words import both, say
from jinpai.hints import shell_word

if TYPE_CHECKING:
    from jinpai.tables.undo import ImportState

__all__ = ["add_undo"]


def add_undo(app: typer.Typer) -> None:
    """Add ``undo``."""
    app.command(
        help=both(
            "Take an import back: its tables get the rows of before, as a new state. Without a"
            " number, list the imports. Refused when a later import changed the same tables.",
            "撤销一次导入：相关的表恢复到导入之前，并成为新的状态。不写编号则列出各次导入。"
            "之后的导入改动过相同的表时会拒绝。",
        ),
        epilog=both(
            "jinpai lake undo my-shop\njinpai lake undo my-shop 12",
            "jinpai lake undo my-shop\njinpai lake undo my-shop 12",
        ),
    )(undo)


def undo(
    workspace: Workspace,
    state: Annotated[
        int | None,
        typer.Argument(
            metavar="STATE",
            show_default=False,
            help=both("Number of the import's state", "该次导入的状态编号"),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Take an import back, or list them."""
    from jinpai.tables import undo as taking_back
    from jinpai.workspace import Workspace as Opened

    lake = Opened(workspace).lake
    if state is None:
        _list(taking_back.imports(lake), format_)
        return
    with progress(say("Taking the import back", "撤销导入"), total=1.0):
        done = taking_back.undo(lake, state)
    if as_json(format_):
        print_json(asdict(done))
        return
    heads = say("Table|Rows fewer", "表|减少的行数").split("|")
    show(plain_table(heads, [(name, f"{n:,}") for name, n in done.rows.items()], right=(1,)))
    note(
        say(
            f"Import {state} is taken back (state {done.state})."
            f" Next: jinpai run {shell_word(workspace)}",
            f"已撤销第 {state} 号导入（现为第 {done.state} 号状态）。"
            f"下一步：jinpai run {shell_word(workspace)}",
        ),
        "green",
    )


def _list(found: list[ImportState], format_: str) -> None:
    rows = [vars(one) for one in found]
    if as_json(format_):
        print_json({"imports": rows})
        return
    kinds = {"import": say("import", "导入"), "undo": say("taken back", "撤销")}
    yes, no = say("yes", "可以"), say("no", "不可以")
    lines = [
        (
            row["number"],
            row["at"],
            kinds[row["what"]],
            say(", ", "、").join(f"{name} {n:+,}" for name, n in row["rows"].items()),
            yes if row["may_undo"] else no,
        )
        for row in rows
    ]
    heads = say("State|Published (UTC)|What|Rows|Undo", "状态|发布时间（UTC）|来源|行数变化|撤销")
    show(plain_table(heads.split("|"), lines, right=(0,)))
