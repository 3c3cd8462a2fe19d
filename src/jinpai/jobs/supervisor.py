"""Keeping a worker alive beside the server: started, started again when it dies, stopped."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["Supervisor"]

_LOG = logging.getLogger("jinpai.jobs")
_WAITS = (1.0, 2.0, 5.0, 15.0, 60.0)
_WELL = 60.0  # who lived so long died of something new
_GRACE = 20.0


class Supervisor:
    """A thread that keeps ``jinpai jobs work WORKSPACE`` running."""

    def __init__(self, root: str | Path) -> None:
        self._command = [sys.executable, "-m", "jinpai", "jobs", "work", str(root)]
        # Told, not asked: who asks late for its parent may already have lost it.
        self._command += ["--parent", str(os.getpid())]
        self._stop = threading.Event()
        self._worker: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="jinpai-worker", daemon=True)

    @property
    def pid(self) -> int | None:
        """The worker's process, None where there is none right now."""
        return None if self._worker is None else self._worker.pid

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the worker to stop: its job goes back into the queue."""
        self._stop.set()
        worker = self._worker
        if worker is not None:
            worker.terminate()
            with suppress(subprocess.TimeoutExpired):  # it ends by itself after its step
                worker.wait(_GRACE)
        self._thread.join(1)

    def _keep(self) -> None:
        deaths = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self._worker = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603
            code = self._worker.wait()
            if self._stop.is_set():
                return
            deaths = 0 if time.monotonic() - began > _WELL else deaths + 1
            _LOG.warning("the worker ended with code %s; starting it again", code)
            self._stop.wait(_WAITS[min(deaths, len(_WAITS) - 1)])
