"""The command ``forget``: make what is known of one buyer nobody's, and say what was done."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, Memory, Workspace, as_json, checked_memory
from jinpai.cli.words import both, say
from jinpai.errors import UsageError

if TYPE_CHECKING:
    from jinpai.forget.erase import Forgotten
    from jinpai.forget.lake import Pinned

__all__ = ["add_forget"]

_SHOWN = 10


def add_forget(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        name="forget",
        help=both(
            "Forget a buyer: what is known of them becomes nobody's in tables, reviews, rejected"
            " rows, the event log and caches; sums and times stay. Importing the same files again"
            " does not bring them back. It cannot be undone.",
            "遗忘一位买家：数据表、复核、未导入行、审计记录和缓存中与其有关的个人信息全部去除，"
            "金额与时间保留；再次导入同样的文件也不会带回。此操作不可撤销。",
        ),
        epilog=both(
            "jinpai forget my-shop tb123456 --dry-run\njinpai forget my-shop tb123456 --yes",
            "jinpai forget my-shop tb123456 --dry-run\njinpai forget my-shop tb123456 --yes",
        ),
    )(forget)


def forget(
    workspace: Workspace,
    buyer: Annotated[
        str,
        typer.Argument(
            metavar="BUYER",
            show_default=False,
            help=both("The buyer's account, as tables show it", "买家账号，与数据表中一致"),
        ),
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=both("Only say what would be done", "只说明将做什么")),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help=both("Do not ask first", "不再询问，直接执行"))
    ] = False,
    release_locks: Annotated[
        bool,
        typer.Option(
            "--release-locks",
            help=both(
                "Also delete old files that locked periods can be worked out again from; the locked"
                " sheets themselves stay",
                "同时删除已锁定周期用于重算的旧文件；锁定的成绩单本身保留",
            ),
        ),
    ] = False,
    memory: Memory = None,
    format_: As = "table",
) -> None:
    """Forget a buyer."""
    from jinpai.forget.erase import as_json as plain
    from jinpai.forget.erase import forget_buyer
    from jinpai.workspace import open_workspace

    shop = open_workspace(workspace)
    size = checked_memory(memory) or "3GB"
    if not dry_run:
        _ask(buyer, yes)
    with progress(say("Forgetting", "正在遗忘"), total=1.0) as step:
        done = forget_buyer(
            shop,
            buyer,
            dry_run=dry_run,
            release_locks=release_locks,
            actor="command line",
            memory=size,
            on_step=lambda word: step(0.0, _step(word)),
        )
    if as_json(format_):
        print_json(plain(done))
        return
    _show(done)


def _ask(buyer: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "Forgetting cannot be undone; say --yes, or look first with --dry-run.",
            zh="遗忘不可撤销；请加 --yes 确认，或先用 --dry-run 查看。",
        )
    question = say(
        f"Forget {buyer} for ever? This cannot be undone.", f"永久遗忘 {buyer}？此操作不可撤销。"
    )
    typer.confirm(question, abort=True, err=True)


def _step(word: str) -> str:
    words = {
        "find": say("looking", "查找"),
        "rewrite": say("writing tables anew", "重写数据表"),
        "run": say("making figures again", "重新计算"),
        "purge": say("deleting old files", "删除旧文件"),
        "store": say("changing the store", "更新数据库"),
        "check": say("checking", "核对"),
    }
    return words[word]


def _show(done: Forgotten) -> None:
    heads = say("Where|Rows", "位置|行数").split("|")
    places = {**done.rows, say("rejected rows", "未导入行"): done.rejects}
    places |= {say(f"store: {name}", f"数据库：{name}"): rows for name, rows in done.store.items()}
    rows = [(name, f"{count:,}") for name, count in places.items() if count]
    if rows:
        show(plain_table(heads, rows, right=(1,)))
    for text in _told(done):
        note(text)
    if done.dry_run:
        note(say("Nothing was changed.", "未作任何改动。"), "green")
    else:
        note(
            say(
                f"Forgotten. From now on the buyer is {done.name}.",
                f"已遗忘。该买家此后以 {done.name} 代替。",
            ),
            "green",
        )


def _told(done: Forgotten) -> list[str]:
    """Return what a person should know besides the counts."""
    purged, made = done.purged, []
    if purged.files:
        files, size = f"{purged.files:,}", f"{purged.bytes / 1e6:.1f} MB"
        made.append(
            say(
                f"Old files of the lake that told of the buyer: {files}, {size}.",
                f"数据湖中含该买家的旧文件：{files} 个，{size}。",
            )
        )
    if done.cases:
        made.append(
            say(
                f"Reviews that follow their finding to its new name: {done.cases:,}; what was"
                " decided goes on counting.",
                f"随质检结果改用新编号的复核：{done.cases:,} 项；已作出的决定继续有效。",
            )
        )
    if done.settings:
        made.append(say("jinpai.toml named the buyer.", "jinpai.toml 中出现过该买家。"))
    made += [_lock(one) for one in purged.kept]
    made += [
        say(
            f"Lock '{one.name}' was let go: its sheet stays, but cannot be worked out again.",
            f"锁定“{one.name}”已放开：成绩单保留，但不能再重算。",
        )
        for one in purged.released
    ]
    if done.mentions:
        made.append(
            say(
                f"{done.mentions} messages of other buyers mention the account or number; they"
                " stay as they are.",
                f"另有 {done.mentions} 条其他买家的消息提到该账号或号码，未改动。",
            )
        )
    if done.removed:
        folders = _first_of(done.removed)
        made.append(
            say(
                f"Uploads and what finished jobs kept, deleted at once: {folders}",
                f"上传文件与已结束任务的留存，立即删除：{folders}",
            )
        )
    if done.left:
        listed = _first_of(done.left)
        made.append(
            say(
                f"Files that still name the buyer, for you to delete: {listed}",
                f"仍含该买家的文件，请自行删除：{listed}",
            )
        )
    return made


def _lock(one: Pinned) -> str:
    return say(
        f"Locked period '{one.name}' keeps {one.files} old files that tell of the buyer, so that it"
        " can be worked out again, until you say --release-locks.",
        f"锁定周期“{one.name}”为可重算而保留 {one.files} 个含该买家的旧文件，"
        "直到使用 --release-locks。",
    )


def _first_of(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
