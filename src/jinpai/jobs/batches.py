"""Files that were uploaded, until they are imported: a folder of the workspace for each batch.

    WORKSPACE/uploads/<16 hex digits>/00001        what was sent
    WORKSPACE/uploads/<16 hex digits>/00001.json   what it was called, and its size

No path is made of a name that somebody sent. A file counts once its ``.json`` is there, so one that
was cut short is not there.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinpai.errors import UnknownName, UsageError
from jinpai.toml_file import write_whole

__all__ = [
    "Batch",
    "TooLarge",
    "Uploaded",
    "batch_of",
    "new_batch",
    "shown_name",
    "sweep",
    "waiting",
]

FOLDER = "uploads"
MOST_FILES = 5000
_KEPT = 7 * 86400.0
_ID = re.compile("[0-9a-f]{16}")
_LONGEST, _DEEPEST = 120, 8


class TooLarge(UsageError):
    """A file is larger than one may send."""

    def __init__(self, name: str, most: int) -> None:
        size = f"{most // 1_000_000:,} MB"
        super().__init__(
            f"{name} is larger than {size}; split it, or raise [jobs] upload_mb in jinpai.toml.",
            zh=f"{name} 超过 {size}；请拆分，或在 jinpai.toml 的 [jobs] 中调大 upload_mb。",
        )


@dataclass(frozen=True)
class Uploaded:
    """A file of a batch: where it lies, what its owner calls it, bytes."""

    number: int
    path: Path
    name: str
    size: int


@dataclass(frozen=True)
class Batch:
    """Some files that belong together."""

    folder: Path

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    def files(self) -> list[Uploaded]:
        """Return the files that are there as a whole, in the order they came."""
        return list(self._files())

    def _files(self) -> Iterator[Uploaded]:
        for facts in sorted(self.folder.glob("*.json")):
            told = json.loads(facts.read_text("utf-8"))
            yield Uploaded(int(facts.stem), facts.with_suffix(""), told["name"], told["size"])

    async def add(self, name: str, parts: AsyncIterator[bytes], most: int) -> Uploaded:
        """Write a file as it comes; raises TooLarge when it is longer than ``most`` bytes."""
        number, known = self._next(), {one.name for one in self._files()}
        shown = _unlike(shown_name(name), known)
        path, size = self.folder / f"{number:05}", 0
        try:
            with path.open("xb") as out:
                async for part in parts:
                    size += len(part)
                    if size > most:
                        raise TooLarge(shown, most)
                    out.write(part)
            facts = json.dumps({"name": shown, "size": size}, ensure_ascii=False)
            write_whole(path.with_suffix(".json"), facts)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Uploaded(number, path, shown, size)

    def remove(self, number: int) -> None:
        """Leave a file out; raises UnknownName."""
        facts = self.folder / f"{number:05}.json"
        if not facts.is_file():
            raise UnknownName("file", str(number), ())
        facts.unlink()
        facts.with_suffix("").unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next(self) -> int:
        numbers = [int(one.stem) for one in self.folder.iterdir() if one.stem.isdigit()]
        number = max(numbers, default=0) + 1
        if number > MOST_FILES:
            raise UsageError(
                f"A batch holds {MOST_FILES:,} files; pack them into a .zip.",
                zh=f"一批最多 {MOST_FILES:,} 个文件；请打包成 .zip。",
            )
        return number


def new_batch(root: Path) -> Batch:
    """Make an empty batch."""
    batch = Batch(root / FOLDER / secrets.token_hex(8))
    batch.folder.mkdir(parents=True, mode=0o700)
    return batch


def batch_of(root: Path, batch_id: str) -> Batch:
    """Return a batch; raises UnknownName."""
    folder = root / FOLDER / batch_id
    if not _ID.fullmatch(batch_id) or not folder.is_dir():
        raise UnknownName("batch", batch_id[:32], ())
    return Batch(folder)


def waiting(root: Path) -> list[Batch]:
    """Return the batches that have files, the newest first."""
    folder = root / FOLDER
    known = [Batch(one) for one in folder.iterdir()] if folder.is_dir() else []
    there = [one for one in known if _ID.fullmatch(one.id) and one.files()]
    return sorted(there, key=lambda one: one.folder.stat().st_mtime, reverse=True)


def sweep(root: Path, in_use: set[str]) -> None:
    """Delete batches that nobody touched for a week and no job needs."""
    folder, now = root / FOLDER, time.time()
    for one in folder.iterdir() if folder.is_dir() else ():
        if one.name not in in_use and now - one.stat().st_mtime > _KEPT:
            shutil.rmtree(one, ignore_errors=True)


def shown_name(name: str) -> str:
    """Return a name as people see it: one line, no way up or out, not too long.

    >>> shown_name("..\\\\a/./C:/b\\x00\\u202e.csv"), shown_name("")
    ('a/C:/b.csv', '?')
    """
    plain = "".join(one for one in name if unicodedata.category(one)[0] != "C")
    parts = [part.strip() for part in re.split(r"[/\\]", plain)]
    kept = [part[-_LONGEST:] for part in parts if part not in ("", ".", "..")]
    return "/".join(kept[-_DEEPEST:]) or "?"


def _unlike(name: str, known: set[str]) -> str:
    """Return the name, or one that is not there yet."""
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    made, number = name, 1
    while made in known:
        number += 1
        made = f"{stem} ({number}){dot}{ending}"
    return made
