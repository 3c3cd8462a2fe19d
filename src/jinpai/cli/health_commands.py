"""The command ``health``: how a workspace is doing, and what should be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from jinpai.cli.console import note, plain_table, print_json, show
from jinpai.cli.options import As, Workspace, as_json
from jinpai.cli.words import both, say

if TYPE_CHECKING:
    from jinpai.health import Health

__all__ = ["add_health"]

_STYLES = {"bad": "red", "warn": "yellow", "note": "cyan"}


def add_health(app: typer.Typer) -> None:
    """Add ``health``."""
    app.command(
        help=both(
            "How the workspace is doing – tables, last imports, jobs, store, disk – and what"
            " should be done. Ends with 1 where something must be done now.",
            "工作区的运行状况：数据表、最近导入、后台任务、数据库、磁盘，以及该做什么。"
            "有须立即处理的问题时退出码为 1。",
        ),
        epilog=both(
            "jinpai health my-shop\njinpai health my-shop --format json",
            "jinpai health my-shop\njinpai health my-shop --format json",
        ),
    )(health)


def health(workspace: Workspace, format_: As = "table") -> None:
    """Say how a workspace is doing."""
    import jinpai
    from jinpai.health import as_json as plain
    from jinpai.health import look
    from jinpai.store import open_store

    opened = jinpai.open(workspace)
    with open_store(opened.config) as store:
        found = look(opened, store)
    if as_json(format_):
        print_json(plain(found))
    else:
        _show(found, str(workspace))
    if any(one.level == "bad" for one in found.advice):
        raise typer.Exit(1)


def _show(found: Health, workspace: str) -> None:
    lake, jobs, store = found.lake, found.jobs, found.store
    never, yes, no = say("never", "从未"), say("running", "运行中"), say("not running", "未运行")
    rows = [
        (say("Last calculation (UTC)", "上次计算（UTC）"), _short(lake.ran_at) or never),
        (say("State of the tables", "数据表状态"), str(lake.state)),
        (say("Tables", "数据表"), f"{lake.bytes / 1e6:,.1f} MB · {lake.files:,}"),
        (say("Free disk", "磁盘剩余"), f"{found.disk.free / 1e9:,.1f} GB"),
        (say("Worker", "后台进程"), yes if jobs.worker else no),
        (say("Waiting jobs", "排队任务"), str(sum(one.queued for one in jobs.kinds))),
        (say("Store", "数据库"), f"{store.kind} {store.migration} · {store.bytes / 1e6:,.1f} MB"),
        (
            say("Backup of the store (UTC)", "数据库备份（UTC）"),
            (f"{store.backed_up:%Y-%m-%d %H:%M}" if store.backed_up else never),
        ),
    ]
    show(plain_table(say("What|How", "项目|情况").split("|"), rows))
    for one in found.advice:
        command = one.command.replace("WORKSPACE", workspace)
        text = f"{say(one.en, one.zh)} {say(one.en_do, one.zh_do)}"
        note(f"{text} {command}".rstrip(), _STYLES[one.level])
    if not found.advice:
        note(say("All is well.", "一切正常。"), "green")


def _short(at: str | None) -> str:
    return (at or "")[:16].replace("T", " ")
