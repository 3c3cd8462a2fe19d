"""The command ``store``: back up, restore and upgrade what people did in a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import ACTOR, As, Workspace, as_json
from jinpai.cli.words import both, say

__all__ = ["store_app"]

store_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "The store: accounts, reviews, appeals and the log of every change (SQLite in the"
        " workspace, or PostgreSQL).",
        "数据库：账号、复核、申诉与全部变动记录（工作区内的 SQLite，或 PostgreSQL）。",
    ),
    epilog=both(
        "jinpai store backup my-shop --out store.jsonl.gz\n"
        "jinpai store restore my-shop store.jsonl.gz --force",
        "jinpai store backup my-shop --out store.jsonl.gz\n"
        "jinpai store restore my-shop store.jsonl.gz --force",
    ),
)


@store_app.command(
    help=both(
        "Write the whole store to one file, as it is at one moment; the server may go on. The"
        " same file restores into SQLite and PostgreSQL.",
        "把整个数据库按同一时刻的内容写入一个文件，服务无需停止；可恢复到 SQLite 或 PostgreSQL。",
    ),
    epilog=both(
        "jinpai store backup my-shop --out store.jsonl.gz",
        "jinpai store backup my-shop --out store.jsonl.gz",
    ),
)
def backup(
    workspace: Workspace,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help=both("Write to this file", "写入该文件")),
    ],
    format_: As = "table",
) -> None:
    """Back up."""
    from jinpai.health import BACKED_UP
    from jinpai.store import log_event, open_store
    from jinpai.store.dump import backup

    with progress(say("Backing up", "备份")), open_store(workspace) as store:
        counts = backup(store, out)
        told = {"rows": sum(counts.values())}
        with store.write() as session:
            log_event(session, actor=ACTOR, kind=BACKED_UP, subject="store", after=told)
    if as_json(format_):
        print_json({"file": str(out), "rows": counts})
        return
    _show_counts(counts)
    note(
        say(
            f"Backup in {out}. It holds names and password hashes: keep it safe.",
            f"备份已写入 {out}。其中有姓名与密码散列，请妥善保管。",
        ),
        "green",
    )


@store_app.command(
    help=both(
        "Put a backup in the place of the store, all or nothing. Stop 'jinpai serve' first.",
        "用备份替换数据库，要么全部生效，要么毫无改动。请先停止 jinpai serve。",
    ),
    epilog=both(
        "jinpai store restore my-shop store.jsonl.gz --force",
        "jinpai store restore my-shop store.jsonl.gz --force",
    ),
)
def restore(
    workspace: Workspace,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help=both("Backup of 'jinpai store backup'", "jinpai store backup 的备份"),
        ),
    ],
    force: Annotated[
        bool,
        typer.Option("--force", help=both("Even if the store is not empty", "即使数据库不是空的")),
    ] = False,
    format_: As = "table",
) -> None:
    """Restore."""
    from jinpai.store import open_store
    from jinpai.store.dump import restore

    with progress(say("Restoring", "恢复")), open_store(workspace) as store:
        counts = restore(store, file, force=force)
    if as_json(format_):
        print_json({"file": str(file), "rows": counts})
        return
    _show_counts(counts)
    note(say(f"{file} is in place.", f"已恢复 {file}。"), "green")


@store_app.command(
    help=both(
        "Bring the store to this version; every other command does so too.",
        "把数据库升级到本版本；其他命令也会自动升级。",
    ),
    epilog=both("jinpai store upgrade my-shop", "jinpai store upgrade my-shop"),
)
def upgrade(workspace: Workspace, format_: As = "table") -> None:
    """Upgrade."""
    from jinpai.store.database import Store, store_url
    from jinpai.store.upgrade import head
    from jinpai.workspace_config import load_config

    with (
        progress(say("Upgrading", "升级")),
        Store(store_url(load_config(workspace))) as store,
    ):
        done = store.upgrade()
    if as_json(format_):
        print_json({"version": head(), "migrations": done})
        return
    steps = ", ".join(done)
    note(
        say(
            f"The store has version {head()}. " + (f"Ran: {steps}." if done else "Nothing to do."),
            f"数据库版本为 {head()}。" + (f"已执行：{steps}。" if done else "无需升级。"),
        ),
        "green",
    )


def _show_counts(counts: dict[str, int]) -> None:
    heads = say("Table,Rows", "表,行数").split(",")
    show(plain_table(heads, [(name, f"{count:,}") for name, count in counts.items()], right=(1,)))
