"""What people see: consoles, text made safe, tables, progress."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

__all__ = ["cell", "err", "note", "out", "plain_table", "print_json", "progress"]

_WIDTH = 100  # where the output is no terminal and COLUMNS says nothing
# C0 and C1 controls, and marks that reorder or hide text.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class _Console(Console):
    """A console that leaves a broken pipe to `jinpai.cli.main`."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _WIDTH
    return _Console(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)


def out() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def err() -> Console:
    """Return the console for everything else: logs, notes, warnings, errors."""
    return _console(stderr=True)


def note(text: str, style: str = "yellow") -> None:
    """Say something beside the result."""
    err().print(cell(text, style=style), soft_wrap=True)


def cell(value: Any, style: str = "") -> Text:
    """Return a value as literal text: no markup, and nothing a terminal would obey.

    >>> cell("[red]a\\x1b[2J").plain
    '[red]a\\\\x1b[2J'
    """
    text = "" if value is None else str(value)
    return Text(_UNSEEN.sub(_escaped, text), style=style)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def plain_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    title: str = "",
) -> Table:
    """Return a table of literal texts; ``right`` are the places of columns of numbers."""
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
    )
    if title:
        table.title, table.title_style = cell(title), "bold"
    for place, head in enumerate(heads):
        table.add_column(cell(head), justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return table


def print_json(value: Any) -> None:
    """Write one JSON document to stdout; only JSON, whatever the terminal is."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    json.dump(value, sys.stdout, ensure_ascii=encoding != "utf8", default=str)
    sys.stdout.write("\n")


def show(*parts: RenderableType) -> None:
    """Print to stdout."""
    console = out()
    for part in parts:
        console.print(part)
        console.print()


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on stderr while the block runs; nothing where stderr is no terminal.

    Yields a function to call with what is done so far and a word about it.
    """
    console = err()
    if not console.is_terminal:
        yield lambda done, word: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[word]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, word="")

        def advance(done: float, word: str) -> None:
            bar.update(task, completed=done, word=cell(word).plain)

        yield advance
