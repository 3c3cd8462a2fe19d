"""What is in force: the manifests of a lake, and the lock that admits one writer at a time.

A manifest is one small JSON file ``lake/_state/<n>.json`` that names the version of every Delta
table. Readers use the latest manifest and nothing newer, so several tables change at once: the
moment the file gets its name. It is written under a temporary name, synced, then linked under its
number, which fails when that number exists already.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jinpai.errors import WorkspaceError

__all__ = ["Manifest", "exclusive", "latest", "manifests", "publish"]


@dataclass(frozen=True)
class Manifest:
    """One state of the lake.

    Attributes:
        id: number of the state; 0 is the empty lake and has no file.
        versions: table name -> version of its Delta table, canonical and derived tables alike.
        rejects: names of the files under ``rejects/`` that are in force, oldest first.
        run: meta of the last good run, None before the first.
        derived: names of the tables that belong to that run.
        at: when it was published, ISO text in UTC.
        what: what made it (``import``, ``run``, ``repair``).
    """

    id: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    rejects: tuple[str, ...] = ()
    run: dict[str, Any] | None = None
    derived: tuple[str, ...] = ()
    at: str = ""
    what: str = ""


def manifests(folder: Path) -> list[int]:
    """Return the numbers of all published manifests, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit())


def latest(folder: Path) -> Manifest:
    """Return the manifest in force (the empty one when none was published)."""
    numbers = manifests(folder)
    return read(folder, numbers[-1]) if numbers else Manifest()


def read(folder: Path, number: int) -> Manifest:
    """Return one manifest; raises WorkspaceError when it is missing or not one of ours."""
    path = folder / f"{number}.json"
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        made["rejects"], made["derived"] = tuple(made["rejects"]), tuple(made["derived"])
        return Manifest(**made)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"{path}: the manifest cannot be read ({error}). Restore it from a backup, or move it"
            " away to fall back to the state before it."
        ) from error


def publish(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in force, all at once; raises WorkspaceError when its number is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{manifest.id}-{uuid.uuid4().hex}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, ensure_ascii=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, folder / f"{manifest.id}.json")
    except FileExistsError:
        raise WorkspaceError(
            f"{folder}: state {manifest.id} was published by another writer. Run the command again."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the writer's lock; waits for another writer. The system frees it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
