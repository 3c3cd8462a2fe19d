"""Which readers exist, and which of them takes which file."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import cast

from jinpai.errors import UnknownFormat, UnknownName, nearest
from jinpai.sources.base import Recognition, Source
from jinpai.sources.files import SourceFile, normalise_header
from jinpai.sources.grids import Grid

__all__ = ["SOURCES", "Claim", "Recognised", "recognise", "source"]

# In order: of equal claims the earlier reader wins. Each is jinpai.sources.<name> with a SOURCE.
SOURCES: tuple[str, ...] = ("canonical", "taobao", "qianniu", "chatwoot", "zendesk", "whatsapp")


@dataclass
class Claim:
    """The files one reader won, in the order given, with the recognition of each.

    ``files[i].layout`` is ``recognitions[i].layout``.
    """

    source: Source
    files: list[SourceFile] = field(default_factory=list)
    recognitions: list[Recognition] = field(default_factory=list)


@dataclass
class Recognised:
    """What came of a recognition: claims in order of the readers, and the files nobody took."""

    claims: list[Claim]
    unrecognised: list[SourceFile]


@cache
def source(name: str) -> Source:
    """Return the reader of that name, imported on first use (UnknownName offers the nearest)."""
    if name not in SOURCES:
        raise UnknownName("source", name, SOURCES)
    module = importlib.import_module(f"jinpai.sources.{name}")
    return cast(Source, module.SOURCE)


def recognise(
    files: Sequence[SourceFile],
    force: str | Source | None = None,
    known_columns: Sequence[str] = (),
) -> Recognised:
    """Give each file to the reader with the strongest claim.

    Args:
        files: from ``open_paths``.
        force: only this reader is asked (a name, or a reader such as a loaded mapping).
        known_columns: names to look for near misses when nobody takes a file.

    Raises:
        UnknownName: no reader is called ``force``.
        UnknownFormat: a file named by the user, or every file found, is taken by no reader.
    """
    readers = _readers(force)
    claims = [Claim(reader) for reader in readers]
    unrecognised = []
    for file in files:
        best = _best(file, readers)
        if best is None:
            unrecognised.append(file)
            continue
        at, recognition = best
        claims[at].files.append(dataclasses.replace(file, layout=recognition.layout))
        claims[at].recognitions.append(recognition)
    made = [claim for claim in claims if claim.files]
    _refuse(made, unrecognised, readers, known_columns)
    return Recognised(made, unrecognised)


def _readers(force: str | Source | None) -> list[Source]:
    if force is None:
        return [source(name) for name in SOURCES]
    return [source(force) if isinstance(force, str) else force]


def _best(file: SourceFile, readers: Sequence[Source]) -> tuple[int, Recognition] | None:
    found = [(at, reader.recognise(file)) for at, reader in enumerate(readers)]
    claims = [(at, claim) for at, claim in found if claim is not None and claim.confidence > 0]
    return max(claims, key=lambda pair: (pair[1].confidence, -pair[0]), default=None)


def _refuse(
    made: Sequence[Claim],
    unrecognised: Sequence[SourceFile],
    readers: Sequence[Source],
    known_columns: Sequence[str],
) -> None:
    """Raise when a file the user named, or all that was found, is unknown."""
    refused = [file for file in unrecognised if file.given or not made]
    if refused:
        asked = ", ".join(reader.name for reader in readers)
        raise UnknownFormat(
            f"no reader recognises this {refused[0].kind} file (asked: {asked}).",
            file=refused[0].name,
            hint=f"{_seen(refused[0], known_columns)}Describe it in a mapping file (--mapping FILE;"
            " see docs/mapping.md).",
            zh=f"没有读取器认识这个 {refused[0].kind} 文件（试过：{asked.replace(', ', '、')}）。"
            f"{_seen_zh(refused[0], known_columns)}"
            "可用映射文件描述它（--mapping 文件；见 docs/mapping.md）。",
        )
    if not made:
        raise UnknownFormat(
            "there is no file to read.",
            hint="Give a file, folder or .zip.",
            zh="没有可读取的文件。请给出文件、文件夹或 .zip。",
        )


def _seen(file: SourceFile, known_columns: Sequence[str]) -> str:
    """Say which columns the file has, and which of them nearly hit a known name."""
    names, near = _columns_of(file, known_columns)
    text = f"Its columns: {', '.join(name[:40] for name in names[:8])}. " if names else ""
    return text + (f"'{near[0]}' is near '{near[1]}'. " if near else "")


def _seen_zh(file: SourceFile, known_columns: Sequence[str]) -> str:
    names, near = _columns_of(file, known_columns)
    text = f"它的列：{'、'.join(name[:40] for name in names[:8])}。" if names else ""
    return text + (f"“{near[0]}”与“{near[1]}”相近。" if near else "")


def _columns_of(
    file: SourceFile, known_columns: Sequence[str]
) -> tuple[list[str], tuple[str, str] | None]:
    """Return the file's columns, none where it has no two, and the first near hit."""
    grids: Sequence[Grid] = file.grids(10)
    row = max((row for grid in grids for row in grid.rows), key=_filled, default=())
    names = [normalise_header(cell) for cell in row if cell]
    if len(names) < 2:
        return [], None
    pairs = ((name, nearest(name, known_columns)) for name in names if name not in known_columns)
    return names, next(((name, hit) for name, hit in pairs if hit), None)


def _filled(row: tuple[str | None, ...]) -> int:
    return sum(cell is not None for cell in row)
