"""A watched folder: what is dropped there is imported, then moved to ``done/`` or ``failed/``.

A drop is a file or a folder directly in it. It is taken once nothing of it changed for some
seconds, so that a copy at work is left alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from watchfiles import watch

from jinpai.errors import JinpaiError
from jinpai.jobs.queue import Queue
from jinpai.store.jobs import ACTIVE, jobs_of

__all__ = ["Watcher", "drops", "put_away"]

_LOG = logging.getLogger("jinpai.jobs")
DONE, FAILED = "done", "failed"
_QUIET = 3.0
_PAUSE = 60.0  # after a look that failed
_AT_WORK = (".part", ".tmp", ".crdownload", ".partial", ".download")
_TRIES = 3  # a drop whose import was killed so often is put away as failed


class Watcher:
    """Asks for an import of every drop, as long as it is there and was not asked for."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        queue: Queue,
        *,
        quiet: float = _QUIET,
        pause: float = _PAUSE,
    ) -> None:
        self._root, self._folder, self._queue = root, folder, queue
        self._quiet, self._pause = quiet, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="jinpai-watch", daemon=True)

    def start(self) -> None:
        """Begin; the folder is made where there is none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except Exception:  # whatever it was, what is dropped next must not lie unseen
                _LOG.exception("the watched folder %s could not be read", self._folder)
                self._stop.wait(self._pause)

    def _look(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.once()
        changes = watch(
            self._folder, stop_event=self._stop, rust_timeout=2000, yield_on_timeout=True
        )
        for _ in changes:
            self.once()

    def once(self) -> list[int]:
        """Ask for the drops that are quiet; returns the new jobs."""
        ready = [one for one in drops(self._folder) if self._is_quiet(one)]
        try:
            return [job for one in ready if (job := self._asked(one)) is not None]
        finally:  # one that lay open for hours could keep the worker's from opening anew
            self._queue.close()

    def _is_quiet(self, drop: Path) -> bool:
        try:
            latest = max(one.stat().st_mtime for one in (drop, *drop.rglob("*")))
        except OSError:  # it changes right now
            return False
        return time.time() - latest >= self._quiet

    def _asked(self, drop: Path) -> int | None:
        path = str(drop)
        with self._queue.store.read() as session:
            known = jobs_of(session, kinds=["import"], limit=500)
        same = [job for job in known if path in job.args.get("paths", ())]
        if any(job.state in ACTIVE for job in same):
            return None
        cut = sum(job.state == "interrupted" for job in same[:_TRIES])
        if cut == _TRIES:
            put_away(self._root, drop, RuntimeError(f"the import was killed {_TRIES} times"))
            return None
        return self._queue.ask("import", {"paths": [path]}, by="watch")


def drops(folder: Path) -> Iterator[Path]:
    """Yield what lies in a watched folder to be imported, by name."""
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        hidden = one.name.startswith((".", "~")) or one.suffix.lower() in _AT_WORK
        if not hidden and one.name not in (DONE, FAILED) and not one.is_symlink():
            yield one


def put_away(root: Path, drop: Path, error: Exception | None) -> None:
    """Move a drop that was imported, or could not be, with a note why; nothing where it is gone."""
    if not drop.exists():
        return
    place = drop.parent / (DONE if error is None else FAILED)
    place.mkdir(exist_ok=True)
    target = place / f"{time.strftime('%Y%m%d-%H%M%S')}-{drop.name}"
    while target.exists():
        target = target.with_name(f"{target.name}_")
    drop.rename(target)
    if error is not None:
        told = [str(error)]
        if isinstance(error, JinpaiError) and error.zh:
            told = [error.text_zh, *told]
        target.with_name(f"{target.name}.note.txt").write_text("\n".join(told) + "\n", "utf-8")
