"""The command ``lake``: put small files together, delete old ones, prove that all is well."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, Memory, Threads, Workspace, as_json, checked_memory
from jinpai.cli.undo_commands import add_undo
from jinpai.cli.words import both, say

if TYPE_CHECKING:
    from jinpai.tables.lake import Lake
    from jinpai.tables.upkeep import Vacuumed, Verified

__all__ = ["lake_app"]

_SHOWN = 20

lake_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "Look after the tables: put small files together, delete old ones, verify them.",
        "维护数据表：合并小文件、清理旧文件、校验完整性。",
    ),
    epilog=both(
        "jinpai lake verify my-shop\njinpai lake optimize my-shop\njinpai lake vacuum my-shop",
        "jinpai lake verify my-shop\njinpai lake optimize my-shop\njinpai lake vacuum my-shop",
    ),
)


add_undo(lake_app)


@lake_app.command(
    help=both(
        "Put the small files of every table together, by month. No row changes.",
        "按月份合并各表的小文件；数据不变。",
    ),
    epilog=both("jinpai lake optimize my-shop", "jinpai lake optimize my-shop"),
)
def optimize(
    workspace: Workspace, memory: Memory = None, threads: Threads = None, format_: As = "table"
) -> None:
    """Put small files together."""
    from jinpai.tables import upkeep

    size = checked_memory(memory) or "3GB"
    with progress(say("Putting files together", "合并文件"), total=1.0):
        done = upkeep.optimize(_lake(workspace), memory_limit=size, threads=threads or 2)
    if as_json(format_):
        print_json({"tables": [asdict(one) for one in done]})
        return
    if not done:
        note(say("No table has small files to put together.", "没有需要合并的小文件。"), "green")
        return
    heads = say("Table|Files|then|MB|then", "表|原文件数|现文件数|原 MB|现 MB").split("|")
    rows = [
        [
            one.table,
            one.files_before,
            one.files_after,
            f"{one.bytes_before / 1e6:.1f}",
            f"{one.bytes_after / 1e6:.1f}",
        ]
        for one in done
    ]
    show(plain_table(heads, rows, right=(1, 2, 3, 4)))
    note(
        say(
            f"The old files stay for older states; delete them: jinpai lake vacuum {workspace}",
            f"旧文件仍供旧状态使用；清理：jinpai lake vacuum {workspace}",
        )
    )


@lake_app.command(
    help=both(
        "Delete files that no state in use needs. The state in force, locked periods and the states"
        " of the last days stay.",
        "清理不再使用的文件。当前状态、已锁定周期的状态和最近几天的状态都会保留。",
    ),
    epilog=both(
        "jinpai lake vacuum my-shop --dry-run\njinpai lake vacuum my-shop --days 30",
        "jinpai lake vacuum my-shop --dry-run\njinpai lake vacuum my-shop --days 30",
    ),
)
def vacuum(
    workspace: Workspace,
    days: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=0,
            help=both(
                "Keep the states that were in force in the last N days", "保留最近 N 天内的状态"
            ),
        ),
    ] = 7,
    hours: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=0,
            help=both(
                "Keep files written in the last N hours, whatever they are",
                "保留最近 N 小时内写入的文件",
            ),
        ),
    ] = 24,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=both("Only show what would go", "只显示将清理的内容")),
    ] = False,
    format_: As = "table",
) -> None:
    """Delete old files."""
    from jinpai.tables import upkeep

    with progress(say("Looking for old files", "查找旧文件"), total=1.0):
        done = upkeep.vacuum(_lake(workspace), days=days, hours=hours, dry_run=dry_run)
    if as_json(format_):
        print_json({**asdict(done), "dry_run": dry_run})
    else:
        _show_vacuumed(done, dry_run)


def _show_vacuumed(done: Vacuumed, dry_run: bool) -> None:
    rows = [[file] for file in done.files[:_SHOWN]]
    if rows:
        show(plain_table([say("File", "文件")], rows))
    if len(done.files) > _SHOWN:
        note(
            say(
                f"… and {len(done.files) - _SHOWN} more.", f"……另有 {len(done.files) - _SHOWN} 个。"
            )
        )
    size = f"{done.bytes / 1e6:.1f} MB"
    if dry_run:
        text = say(
            f"{len(done.files)} files ({size}) would be deleted.",
            f"将清理 {len(done.files)} 个文件（{size}）。",
        )
    else:
        text = say(
            f"{len(done.files)} files ({size}) deleted.",
            f"已清理 {len(done.files)} 个文件（{size}）。",
        )
    note(text, "green")


@lake_app.command(
    help=both(
        "Every state of the tables: when, what made it, which tables changed, what keeps it.",
        "列出数据表的全部状态：时间、来源、改动的表、由哪些锁定保留。",
    ),
    epilog=both("jinpai lake history my-shop", "jinpai lake history my-shop"),
)
def history(workspace: Workspace, format_: As = "table") -> None:
    """List the states."""
    from jinpai.tables import upkeep

    states = upkeep.history(_lake(workspace))
    if as_json(format_):
        print_json({"states": [asdict(one) for one in states]})
        return
    words = {
        "import": say("import", "导入"),
        "run": say("run", "计算"),
        "optimize": say("optimize", "合并"),
        "forget": say("forget", "遗忘买家"),
        "repair": say("repair", "修复"),
        "undo": say("import taken back", "撤销导入"),
    }
    yes, no = say("yes", "是"), say("no", "否")
    rows = [
        [
            one.number,
            one.at,
            words.get(one.what, one.what),
            ", ".join(one.changed),
            ", ".join(one.pins),
            yes if one.is_readable else no,
        ]
        for one in states
    ]
    heads = say(
        "State|Published (UTC)|By|Tables changed|Locked as|Readable",
        "状态|发布时间（UTC）|来源|改动的表|锁定名称|可读",
    ).split("|")
    show(plain_table(heads, rows, right=(0,)))


@lake_app.command(
    help=both(
        "Read every file in force and compare it with what was written: size, checksum, rows."
        " Exit 1 if anything is wrong.",
        "读取当前状态的每个文件并核对大小、校验和与行数；有问题时退出码为 1。",
    ),
    epilog=both("jinpai lake verify my-shop", "jinpai lake verify my-shop"),
)
def verify(
    workspace: Workspace,
    state: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default=False,
            help=both("Another state than the one in force", "校验指定状态；默认当前状态"),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Prove the files."""
    from jinpai.tables import upkeep

    with progress(say("Verifying", "校验"), total=1.0):
        seen = upkeep.verify(_lake(workspace), state)
    if as_json(format_):
        print_json(asdict(seen))
    else:
        _show_verified(seen)
    if seen.faults:
        raise typer.Exit(1)


def _show_verified(seen: Verified) -> None:
    problems = {
        "missing": say("missing", "文件缺失"),
        "size": say("size differs", "大小不符"),
        "checksum": say("contents differ", "内容不符"),
        "rows": say("rows differ", "行数不符"),
        "unreadable": say("cannot be read", "无法读取"),
        "state": say("locked state lost files", "锁定状态缺少文件"),
    }
    if seen.faults:
        rows = [
            [one.table, one.file, problems[one.problem], one.expected[:16], one.found[:60]]
            for one in seen.faults
        ]
        heads = say("Table|File|Problem|Written|Found", "表|文件|问题|应为|实为").split("|")
        show(plain_table(heads, rows))
    size = f"{seen.bytes / 1e6:.1f} MB"
    text = say(
        f"State {seen.state}: {seen.files} files, {seen.rows:,} rows, {size};"
        f" {len(seen.faults)} problem(s).",
        f"第 {seen.state} 号状态：{seen.files} 个文件，{seen.rows:,} 行，{size}；"
        f"问题 {len(seen.faults)} 处。",
    )
    note(text, "red" if seen.faults else "green")
    if seen.contents:
        heads = say("Table of the last run|Rows-contents", "结果表|行数-内容").split("|")
        show(plain_table(heads, [[name, word] for name, word in seen.contents.items()]))
    if seen.unproven:
        note(
            say(
                f"{seen.unproven} files are older than checksums; their sizes and rows are right.",
                f"{seen.unproven} 个文件写入时尚无校验和；大小与行数无误。",
            )
        )
    if seen.faults:
        note(
            say(
                "Restore the files from a backup, or import their sources again.",
                "请从备份恢复这些文件，或重新导入原始文件。",
            )
        )


def _lake(workspace: object) -> Lake:
    from jinpai.workspace import Workspace as Opened

    return Opened(str(workspace)).lake
