"""The page ``--help`` shows: usage, what the command does, its words, examples to copy.

Own rendering, since Typer's cuts Chinese sentences off that do not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table

from jinpai.cli.console import cell, out
from jinpai.cli.words import pick, say

__all__ = ["localise"]


def localise(command: Any) -> Any:
    """Put a command and those below it into the user's language, with our help page."""
    command.context_settings.setdefault("help_option_names", ["--help", "-h"])
    asks = command.get_help_option(command.context_class(command, **command.context_settings))
    asks.help = say("Show this page", "显示本说明")
    for thing in (command, *command.params):
        for name in ("help", "epilog", "short_help"):
            text = getattr(thing, name, None)
            if isinstance(text, str):
                setattr(thing, name, pick(text))
    command.format_help = lambda context, formatter: _show(command, context)
    for sub in getattr(command, "commands", {}).values():
        localise(sub)
    return command


def _show(command: Any, context: Any) -> None:
    console = out()
    params = command.get_params(context)
    given = [param for param in params if param.param_type_name == "argument"]
    options = [param for param in params if param.param_type_name == "option"]
    subs = getattr(command, "commands", {})
    words = [re.sub("[{}]", "", context.command_path), *(param.metavar for param in given)]
    words += [say("COMMAND ...", "命令 ...")] if subs else []
    usage = " ".join([*words, say("[OPTIONS]", "[选项]")])
    console.print(cell(f"{say('Usage:', '用法：')} {usage}", style="bold"))
    console.print()
    console.print(Padding(cell(command.help), (0, 0, 0, 2)))
    _section(say("Arguments", "参数"), ((param.metavar, _help(param)) for param in given))
    _section(say("Commands", "命令"), ((name, sub.help) for name, sub in subs.items()))
    _section(say("Options", "选项"), ((_name(param, context), _help(param)) for param in options))
    if command.epilog:
        console.print()
        console.print(cell(say("Examples", "示例"), style="bold"))
        for line in command.epilog.splitlines():
            console.print(cell(f"  {line}", style="cyan"), soft_wrap=True)


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if not rows:
        return
    console = out()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=min(max(cell_len(name) for name, _ in rows), 34), overflow="fold")
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(cell(name, style="cyan"), cell(text))
    console.print()
    console.print(cell(title, style="bold"))
    console.print(Padding(table, (0, 0, 0, 2)))


def _name(param: Any, context: Any) -> str:
    """Return an option's names and what it takes."""
    names = ", ".join(sorted(param.opts, key=len, reverse=True))
    takes = param.metavar or param.display_type(context).strip("<>")
    return names if _is_flag(param) else f"{names} {takes}"


def _help(param: Any) -> str:
    """Return what it is, and its default or that it must be given."""
    text = param.help or ""
    if param.required and param.param_type_name == "option":
        return f"{text} {say('(required)', '（必填）')}"
    if param.default is None or not param.show_default or _is_flag(param):
        return text
    return f"{text} {say(f'(default: {param.default})', f'（默认 {param.default}）')}"


def _is_flag(param: Any) -> bool:
    return bool(getattr(param, "is_flag", False) or getattr(param, "is_bool_flag", False))
