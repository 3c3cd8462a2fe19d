"""One writer at a time in an object store, where there is no lock a system would free.

A lease is a numbered object that its holder writes anew every few seconds. Who wants to write waits
until the newest lease is given back, or has not changed for so long that its holder must be dead,
and creates the next number: the store lets one creator win. Clocks are never compared. A holder who
was only asleep finds on publishing that the number of its state is taken (see `lake`).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinpai.errors import WorkspaceError
from jinpai.tables.mounts import Mount

__all__ = ["check_lease", "leased"]

BEAT = 5.0  # seconds between signs of life
DEAD = 40.0  # seconds without one
_PAUSE = 0.25


@contextmanager
def leased(mount: Mount, folder: Path) -> Iterator[bool]:
    """Hold the lease; waits for another holder. Yields whether it was taken from a dead one."""
    number, taken = _acquire(mount, folder)
    path, stop = folder / f"{number}.json", threading.Event()
    beating = threading.Thread(target=_beat, args=(mount, path, stop), daemon=True)
    beating.start()
    mount.held = number
    try:
        yield taken
    finally:
        mount.held = None
        stop.set()
        beating.join()
        mount.write(path, _lease(free=True))
        mount.delete(folder / f"{old}.json" for old in _numbers(mount, folder) if old < number)


def check_lease(mount: Mount, folder: Path) -> None:
    """Raise WorkspaceError when somebody took the lease from this process."""
    if mount.held is not None and max(_numbers(mount, folder), default=0) > mount.held:
        raise WorkspaceError(
            f"{mount.url}: another writer took over, since this one gave no sign of life for"
            f" {DEAD:.0f} s. Nothing was published; run the command again.",
            zh=f"{mount.url}：本进程超过 {DEAD:.0f} 秒没有响应，已被另一写入者接管。"
            "没有任何改动生效；请重新运行该命令。",
        )


def _acquire(mount: Mount, folder: Path) -> tuple[int, bool]:
    """Return the number of a new lease, and whether the one before it was not given back."""
    seen, since = b"", time.monotonic()
    while True:
        last = max(_numbers(mount, folder), default=0)
        found = (mount.read(folder / f"{last}.json") if last else None) or _lease(free=True)
        if found != seen:
            seen, since = found, time.monotonic()
        free = bool(json.loads(found)["free"])
        dead = not free and time.monotonic() - since > DEAD
        if (free or dead) and mount.create(folder / f"{last + 1}.json", _lease()):
            return last + 1, dead
        time.sleep(_PAUSE)


def _beat(mount: Mount, path: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        try:
            mount.write(path, _lease())
        except WorkspaceError:
            continue  # the next beat may come through; if none does, another writer takes over


def _lease(free: bool = False) -> bytes:
    """A lease never equals the one before it."""
    return json.dumps({"free": free, "beat": uuid.uuid4().hex}).encode()


def _numbers(mount: Mount, folder: Path) -> list[int]:
    return sorted(int(one.path.stem) for one in mount.walk(folder) if one.path.stem.isdigit())
