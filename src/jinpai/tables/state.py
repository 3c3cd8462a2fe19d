"""What is in force: the manifests of a lake, and the lock that admits one writer at a time.

A manifest is one small JSON file ``lake/_state/<n>.json`` that names the version of every Delta
table. Readers use the latest manifest and nothing newer, so several tables change at once: the
moment the file gets its name. It is written under a temporary name, synced, then linked under its
number, which fails when that number exists already; in an object store (see `mounts`) it is created
under its number or not at all.
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
from jinpai.tables.lease import check_lease, leased
from jinpai.tables.mounts import mounted

__all__ = [
    "Manifest",
    "exclusive",
    "latest",
    "manifests",
    "pin",
    "pins",
    "publish",
    "read",
    "unpin",
]

_LEASES, _PINS = "leases", "locks"


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
        ran: number of the state by which that run was published; a repair moves the versions of
            its tables, never this.
    """

    id: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    rejects: tuple[str, ...] = ()
    run: dict[str, Any] | None = None
    derived: tuple[str, ...] = ()
    at: str = ""
    what: str = ""
    ran: int = 0


def manifests(folder: Path) -> list[int]:
    """Return the numbers of all published manifests, ascending."""
    if here := mounted(folder):
        paths = [one.path for one in here.walk(folder) if one.path.parent == folder.absolute()]
    else:
        paths = list(folder.glob("*.json")) if folder.is_dir() else []
    return sorted(int(path.stem) for path in paths if path.stem.isdigit())


def latest(folder: Path) -> Manifest:
    """Return the manifest in force (the empty one when none was published)."""
    numbers = manifests(folder)
    return read(folder, numbers[-1]) if numbers else Manifest()


def read(folder: Path, number: int) -> Manifest:
    """Return one manifest; raises WorkspaceError when it is missing or not one of ours."""
    path = folder / f"{number}.json"
    try:
        made = json.loads(_contents(path))
        made["rejects"], made["derived"] = tuple(made["rejects"]), tuple(made["derived"])
        return Manifest(**made)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WorkspaceError(
            f"{path}: the manifest cannot be read ({error}). Restore it from a backup, or move it"
            " away to fall back to the state before it."
        ) from error


def _contents(path: Path) -> bytes:
    here = mounted(path)
    found = here.read(path) if here else path.read_bytes()
    if found is None:
        raise FileNotFoundError("there is no such object")
    return found


def publish(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in force, all at once; raises WorkspaceError when its number is taken."""
    made = json.dumps(asdict(manifest), ensure_ascii=False, default=str).encode()
    if here := mounted(folder):
        check_lease(here, folder / _LEASES)
    if not _create(folder / f"{manifest.id}.json", made):
        raise WorkspaceError(
            f"{folder}: state {manifest.id} was published by another writer. Run the command"
            " again.",
            zh=f"{folder}：第 {manifest.id} 号状态已由另一写入者发布。请重新运行该命令。",
        )


def _create(path: Path, contents: bytes) -> bool:
    """Write a file that must not exist yet, all at once; False when it does."""
    if here := mounted(path):
        return here.create(path, contents)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}-{uuid.uuid4().hex}.tmp")
    with open(temporary, "wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync_folder(path.parent)
    return True


def pin(folder: Path, number: int, name: str) -> None:
    """Keep a state's files for ever, under a name that is used for this state alone.

    Raises WorkspaceError when the state does not exist, or the name keeps another one.
    """
    read(folder, number)
    path = folder / _PINS / f"{name}.json"
    made = json.dumps({"manifest": number, "name": name}, ensure_ascii=False).encode()
    if not _create(path, made) and pins(folder)[name] != number:
        raise WorkspaceError(
            f"{path}: the name '{name}' keeps state {pins(folder)[name]}; choose another name.",
            zh=f"{path}：名称“{name}”已用于第 {pins(folder)[name]} 号状态；请换一个名称。",
        )


def unpin(folder: Path, name: str) -> None:
    """Let go of a state that was kept for ever; nothing happens where the name keeps none."""
    path = folder / _PINS / f"{name}.json"
    if here := mounted(path):
        here.delete([path])
    path.unlink(missing_ok=True)


def pins(folder: Path) -> dict[str, int]:
    """Return name -> number of the states that are kept for ever."""
    inner = folder / _PINS
    if here := mounted(inner):
        paths = [one.path for one in here.walk(inner)]
    else:
        paths = sorted(inner.glob("*.json")) if inner.is_dir() else []
    return {path.stem: int(json.loads(_contents(path))["manifest"]) for path in paths}


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the writer's lock; waits for another writer. The system frees it when a process dies.

    Yields whether it was taken from a writer who may only be asleep, far away.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if here := mounted(path):
            with leased(here, path.parent / _LEASES) as taken:
                yield taken
        else:
            yield False
    finally:
        os.close(handle)
