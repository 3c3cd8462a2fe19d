"""Options that several commands share, each explained once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from jinpai.cli.words import both
from jinpai.errors import UsageError

__all__ = [
    "ACTOR",
    "As",
    "First",
    "Format",
    "Last",
    "Login",
    "Memory",
    "Rule",
    "Shop",
    "Threads",
    "Workspace",
    "as_json",
    "checked_memory",
]

ACTOR = "command line"  # who did it, in the event log
Format = Literal["table", "json"]
JudgeRule = Literal["order", "order_first", "payment"]

Workspace = Annotated[
    Path,
    typer.Argument(
        metavar="WORKSPACE",
        show_default=False,
        help=both("Folder of the workspace", "工作区文件夹"),
    ),
]
Login = Annotated[
    str, typer.Argument(metavar="LOGIN", show_default=False, help=both("Login", "登录名"))
]
As = Annotated[
    Format,
    typer.Option(
        "--format",
        help=both(
            "table for people, json for programs (on stdout; everything else on stderr)",
            "table 供人阅读，json 供程序读取（只在标准输出，其余在标准错误）",
        ),
    ),
]
Shop = Annotated[
    str | None,
    typer.Option(
        "--shop", metavar="ID", show_default=False, help=both("Only this shop", "只看这一家店铺")
    ),
]
First = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DAY",
        show_default=False,
        help=both(
            "First day, YYYY-MM-DD; the first one loaded", "起始日 YYYY-MM-DD；默认首个有数据的日子"
        ),
    ),
]
Last = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DAY",
        show_default=False,
        help=both(
            "Last day, included; the last one loaded", "截止日（含）；默认最后一个有数据的日子"
        ),
    ),
]
Rule = Annotated[
    JudgeRule | None,
    typer.Option(
        "--judge-rule",
        show_default=False,
        help=both("Whom a sale is credited to; the shop's setting", "绩效判定规则；默认取店铺设置"),
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads", metavar="N", min=1, show_default=False, help=both("Cores to use", "使用的核数")
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="SIZE",
        show_default=False,
        help=both(
            "Memory to use, such as 4GB; beyond it work spills to disk",
            "内存上限，如 4GB；超出部分写入磁盘",
        ),
    ),
]


def as_json(format_: str) -> bool:
    """Tell whether a program reads the output."""
    return format_ == "json"


def checked_memory(text: str | None) -> str | None:
    """Return a size of memory as the engine takes it; raises UsageError."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,3})? ?([KMGT]i?B)", text.strip(), re.IGNORECASE):
        raise UsageError(
            f"--memory: '{text}' is no size; write 4GB or 800MB.",
            zh=f"--memory：“{text}”不是内存大小；请写成 4GB 或 800MB。",
        )
    return text.strip()
