"""Open what a user gives us: folders, archives, workbooks, text in any encoding, safely.

(Contract; bodies are being written.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FileKind = Literal["text", "json", "jsonl", "xml", "xlsx", "xls", "parquet"]


@dataclass
class Grid:
    """One sheet or delimited text as text cells: numbers in shortest exact form, dates ISO, blanks None."""

    sheet: str
    rows: list[tuple[str | None, ...]]
    first_row: int = 1  # file row number of rows[0]


@dataclass
class Header:
    """Where a header was found: ``row`` index into Grid.rows, ``names`` normalised column names."""

    row: int
    names: list[str]


@dataclass
class SourceFile:
    """One readable file: given by path, found in a folder, or unpacked from an archive."""

    path: Path                 # readable local file
    name: str                  # shown to people, "orders.zip/a.csv"
    kind: FileKind             # by content (magic bytes), never by name
    layout: str = ""           # set by the registry from the winning Recognition
    encoding: str | None = None
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def basename(self) -> str: ...
    def head_text(self, characters: int = 20_000) -> str:
        """Decoded start of a text file ('' for binary kinds). BOM, then strict UTF-8, then GB18030; UTF-16 too."""
        ...
    def text(self) -> str:
        """Whole decoded text (raises UnreadableFile / HostileFile)."""
        ...
    def lines(self) -> Iterator[tuple[int, str]]:
        """(line number, line without line end), decoded, size-limited."""
        ...
    def json(self) -> Any:
        """Parsed JSON; big integers stay exact."""
        ...
    def grids(self, head: int | None = None) -> Sequence[Grid]:
        """Sheets of a workbook, or the one grid of a delimited text. ``head``: only the first rows."""
        ...


def normalise_header(text: str | None) -> str:
    """Trim, drop BOM and line breaks and full-width blanks, unify （） to ()."""
    ...


def find_header(grid: Grid, wanted: Iterable[str], *, least: int = 2, within: int = 10) -> Header | None:
    """First row of the first ``within`` that holds at least ``least`` of the wanted (normalised) names."""
    ...


def records(grid: Grid, header: Header) -> Iterator[tuple[int, dict[str, str | None]]]:
    """(file row number, normalised name -> cleaned cell). Wholly empty rows are left out.
    Cleaning: strips ="…", leading apostrophe, tabs; '', '-', '--', 'null' become None."""
    ...


def open_paths(paths: Sequence[Path]) -> list[SourceFile]:
    """Every file under the given files, folders and .zip archives (also nested in folders), sorted.
    Raises HostileFile (zip bomb, path traversal, symlink escape), UnreadableFile (empty, encrypted…)."""
    ...
