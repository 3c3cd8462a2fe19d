"""The files of a lake, wherever they are: put in place, listed, deleted, proven by checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jinpai.tables.mounts import mounted

__all__ = [
    "Found",
    "digest",
    "files_under",
    "known_sums",
    "move",
    "push",
    "record_sums",
    "remove",
    "remove_folder",
]

Sums = Mapping[str, str]
"""``table/path`` -> SHA-256 of the file, in hex."""


@dataclass(frozen=True)
class Found:
    """One file of a table: absolute path, bytes, when it was written (UTC)."""

    path: Path
    size: int
    at: datetime


def move(made: Path, folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Put finished files in their places, safe on disk (or in the store); returns their sums."""
    sums = {}
    for name in names:
        with open(made / name, "rb") as file:
            os.fsync(file.fileno())
            sums[f"{folder.name}/{name}"] = hashlib.file_digest(file, "sha256").hexdigest()
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.rename(made / name, folder / name)
    push([folder / name for name in names])
    return sums


def push(paths: Sequence[Path]) -> None:
    """Copy new files to the object store, where the lake lies in one."""
    if paths and (here := mounted(paths[0])):
        here.push(paths)


def files_under(folder: Path) -> list[Found]:
    """Return the Parquet files of a table where they really are, by path."""
    if here := mounted(folder):
        found = [Found(one.path, one.size, one.at) for one in here.walk(folder)]
        return sorted(
            (one for one in found if one.path.suffix == ".parquet"), key=lambda one: one.path
        )
    made = []
    for path in sorted(folder.absolute().rglob("*.parquet")):
        status = path.stat()
        at = datetime.fromtimestamp(status.st_mtime, UTC)
        made.append(Found(path, status.st_size, at))
    return made


def remove(paths: Sequence[Path]) -> None:
    """Delete files, and the copies of them on this machine."""
    if paths and (here := mounted(paths[0])):
        here.delete(paths)
    for path in paths:
        path.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Delete a table with everything in it."""
    if here := mounted(folder):
        here.delete([one.path for one in here.walk(folder)])
    shutil.rmtree(folder, ignore_errors=True)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as it is where it really is; LookupError when it is missing."""
    sum_, parts = hashlib.sha256(), _parts(path)
    for part in parts:
        sum_.update(part)
    return sum_.hexdigest()


def _parts(path: Path) -> Iterator[bytes]:
    if here := mounted(path):
        yield from here.stream(path)
        return
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 22):
                yield part
    except FileNotFoundError as error:
        raise LookupError(path) from error


def record_sums(states: Path, number: int, sums: Sums) -> None:
    """Keep the checksums of the files a state brings; before it is published."""
    path = states / "sums" / f"{number}-{uuid.uuid4().hex[:12]}.json"
    contents = json.dumps(dict(sums), ensure_ascii=False).encode()
    if here := mounted(path):
        here.write(path, contents)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(contents)


def known_sums(states: Path) -> dict[str, str]:
    """Return the checksums of all files that any state brought."""
    folder, found = states / "sums", dict[str, str]()
    if here := mounted(folder):
        texts = [here.read(one.path) or b"{}" for one in here.walk(folder)]
    else:
        texts = [path.read_bytes() for path in folder.glob("*.json")] if folder.is_dir() else []
    for text in texts:
        found.update(json.loads(text))
    return found
