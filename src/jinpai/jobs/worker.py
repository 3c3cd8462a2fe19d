"""The worker: one process per workspace that does its jobs one after the other, dry runs beside.

Somebody waits for a dry run, so it does not wait for a calculation: two threads take messages, the
database begins one job of each kind at a time, and who ends one goes on with the next of its kind.

It holds ``WORKSPACE/jobs.lock`` as long as it lives; the system frees it when it dies, so who gets
the lock knows that no other worker lives and that a job marked running was cut short. Beside the
jobs it sends messages for rows that wait without one, asks for the nightly run, watches a folder,
and sweeps what nobody needs.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from huey.consumer import Consumer

from jinpai.engine.stopping import Stopper, stoppable
from jinpai.errors import JinpaiError
from jinpai.jobs.batches import sweep
from jinpai.jobs.queue import Queue, messages_of
from jinpai.jobs.watch import Watcher
from jinpai.jobs.work import do, sweep_reports, tidy
from jinpai.jobs.yielding import yield_to_all
from jinpai.store import Store, open_store
from jinpai.store.jobs import (
    ACTIVE,
    BESIDE,
    Ended,
    Job,
    add_job,
    claim,
    finish,
    interrupt_running,
    job_of,
    jobs_of,
    put_back,
    queued_ids,
    tell,
)
from jinpai.workspace_config import load_config

__all__ = ["Cancelled", "Worker", "is_working"]

_LOG = logging.getLogger("jinpai.jobs")
_LOCK = "jobs.lock"
_TELL_EVERY = 0.3
_POLL, _MINUTE = 1.0, 60.0
_LANES = 2  # dry runs and trials, all others
NIGHTLY = "nightly"
_UNEXPECTED = (
    "内部出错，详情见服务器日志。",
    "Something went wrong; the server's log says what.",
)
_LATE = timedelta(hours=6)  # a worker that was not there at night runs until then


class Cancelled(Exception):
    """Somebody cancelled the job."""


class Stopped(BaseException):
    """The worker has to stop; the job goes back into the queue."""


class Worker:
    """Does the jobs of a workspace (see `run` and `drain`)."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.store: Store = open_store(load_config(self.root))
        self._stop = threading.Event()
        self._watcher: tuple[Path, Watcher] | None = None

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def stop(self) -> None:
        """Stop the job at work within seconds; it goes back into the queue."""
        self._stop.set()

    def run(self, *, parent: int | None = None) -> None:
        """Work until stopped by `stop` or a signal, or until the process ``parent`` is gone.

        Waits while another worker is at work.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        with self._lock(parent) as is_mine:
            if not is_mine:
                return
            self._begin()
            config = load_config(self.root)
            huey, _ = messages_of(config, self.store.url, self.work)
            consumer = _Consumer(
                huey, workers=_LANES, periodic=False, initial_delay=0.1, max_delay=_POLL
            )
            consumer.start()
            due = time.monotonic()
            while not self._stop.wait(_POLL) and (parent is None or os.getppid() == parent):
                consumer.check_worker_health()
                if time.monotonic() >= due:
                    due += _MINUTE
                    self._chores()
            self._stop.set()
            consumer.stop(graceful=True)
            if self._watcher is not None:
                self._watcher[1].stop()

    def drain(self) -> int:
        """Do all jobs that wait, in this thread, and return how many there were."""
        done = 0
        with self._lock(None):
            self._begin()
            while True:
                with self.store.read() as session:
                    waiting = queued_ids(session)
                if not waiting:
                    return done
                done += self._work(waiting[0])

    def work(self, job_id: int) -> None:
        """Do one job, and those of its lane that wait after it; never raises for their sake.

        Does nothing where it waits no more, or another of its lane is at work: who does that one
        comes to this one.
        """
        with self.store.read() as session:
            job = session.get(Job, job_id)
            looks = job is not None and job.kind in BESIDE
        following: int | None = job_id
        while following is not None and self._work(following) and not self._stop.is_set():
            with self.store.read() as session:
                following = next(iter(queued_ids(session, looks=looks)), None)

    def _work(self, job_id: int) -> bool:
        """Do one job; False where it could not be begun."""
        with self.store.write() as session:
            if not claim(session, job_id):
                return False
            job = job_of(session, job_id)
            kind, args, is_nightly = job.kind, job.args, job.asked_by == NIGHTLY
        _LOG.info("job begun", extra={"job": job_id, "kind": kind})
        started = time.monotonic()
        if is_nightly:
            # A thread cannot take its politeness back, so it is one of its own.
            with ThreadPoolExecutor(1, initializer=yield_to_all) as apart:
                state = apart.submit(self._do, job_id, kind, args).result()
        else:
            state = self._do(job_id, kind, args)
        seconds = round(time.monotonic() - started, 3)
        _LOG.info("job ended", extra={"job": job_id, "state": state, "seconds": seconds})
        return True

    def _do(self, job_id: int, kind: str, args: dict[str, Any]) -> str:
        result: dict[str, Any] | None = None
        failure: Exception | None = None
        with stoppable() as stopper:
            try:
                with self._stopping(job_id, stopper):
                    result = do(kind, args, self.root, job_id, self._teller(job_id))
            except Stopped:
                return self._put_back(job_id)
            except Exception as error:
                failure = error
        if failure is not None and stopper.was_asked:  # that is what it failed of
            if not self._is_cancelled(job_id):
                return self._put_back(job_id)
            failure = Cancelled()
        state = self._end(job_id, result, failure, then_run=bool(args.get("then_run")))
        tidy(kind, args, self.root, failure)
        return state

    def _put_back(self, job_id: int) -> str:
        with self.store.write() as session:
            put_back(session, job_id)
        return "queued"

    def _is_cancelled(self, job_id: int) -> bool:
        with self.store.read() as session:
            return job_of(session, job_id).wants_cancel

    @contextmanager
    def _stopping(self, job_id: int, stopper: Stopper) -> Iterator[None]:
        """Stop a step that takes long when its job is cancelled, or the worker has to stop."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(_POLL):
                with suppress(JinpaiError):  # a store that is busy is asked again
                    if self._stop.is_set() or self._is_cancelled(job_id):
                        stopper.stop()

        watching = threading.Thread(target=watch, name="jinpai-stopping", daemon=True)
        watching.start()
        try:
            yield
        finally:
            is_over.set()
            watching.join()

    def _end(
        self,
        job_id: int,
        result: dict[str, Any] | None,
        failure: Exception | None,
        *,
        then_run: bool,
    ) -> str:
        """Write down what came of a job, and ask for what follows from it."""
        state: Ended = "done"
        told: tuple[str, str] | None = None
        if isinstance(failure, Cancelled):
            state = "cancelled"
        elif isinstance(failure, JinpaiError):
            state, told = "failed", (failure.text_zh, str(failure))
        elif failure is not None:
            _LOG.error("job %s failed", job_id, exc_info=failure)
            state, told = "failed", _UNEXPECTED
        with self.store.write() as session:
            finish(session, job_id, state, result=result, error=told)
            if follows := state == "done" and then_run:
                add_job(session, "run", {}, by=job_of(session, job_id).asked_by)
        if follows:
            with self._queue() as queue:
                queue.remind()
        return state

    def _teller(self, job_id: int) -> Any:
        last = 0.0

        def told(step: str, share: float | None) -> None:
            nonlocal last
            if self._stop.is_set():
                raise Stopped
            if time.monotonic() - last < _TELL_EVERY:
                return
            last = time.monotonic()
            with self.store.write() as session:
                goes_on = tell(session, job_id, step, share)
            if not goes_on:
                raise Cancelled

        return told

    def _begin(self) -> None:
        """Mark what a dead worker left, and send the messages that were lost."""
        with self.store.write() as session:
            for job_id in interrupt_running(session):
                _LOG.warning("job interrupted", extra={"job": job_id})
        with self._queue() as queue:
            queue.remind()

    def _chores(self) -> None:
        try:
            self.every_minute()
        # Such as a jinpai.toml that somebody edits right now, or messages that cannot be read.
        except (JinpaiError, OSError, sqlite3.Error):
            _LOG.exception("what is done by itself was left out this minute")

    def every_minute(self, at: datetime | None = None) -> None:
        """Send lost messages, ask for the nightly run, follow the folder to watch, sweep.

        ``at``: the moment, default now.
        """
        config = load_config(self.root)
        with self._queue() as queue:
            queue.remind()
            zone = ZoneInfo(config.shop().timezone)
            if self.is_night((at or datetime.now(zone)).astimezone(zone)):
                queue.ask("run", by=NIGHTLY)
        self._follow(config.jobs.watched(self.root))
        with self.store.read() as session:
            active = jobs_of(session, states=ACTIVE, limit=1000)
            recent = jobs_of(session, kinds=["look", "import", "trial"], limit=200)
        sweep_reports(self.root)
        sweep(self.root, {str(job.args.get("batch")) for job in (*active, *recent)})

    def is_night(self, at: datetime) -> bool:
        """Whether the nightly run of this day is due and was not asked for."""
        nightly = load_config(self.root).jobs.nightly
        if nightly is None:
            return False
        due = at.replace(hour=nightly.hour, minute=nightly.minute, second=0, microsecond=0)
        if not timedelta(0) <= at - due < _LATE:
            return False
        with self.store.read() as session:
            runs = jobs_of(session, kinds=["run"], limit=200)
        return not any(job.asked_by == NIGHTLY and job.asked_at >= due for job in runs)

    def _follow(self, folder: Path | None) -> None:
        if self._watcher is not None and self._watcher[0] != folder:
            self._watcher[1].stop()
            self._watcher = None
        if folder is not None and self._watcher is None:
            queue = Queue(load_config(self.root), self.store)
            self._watcher = (folder, Watcher(self.root, folder, queue))
            self._watcher[1].start()

    @contextmanager
    def _queue(self) -> Iterator[Queue]:
        queue = Queue(load_config(self.root), self.store)
        try:
            yield queue
        finally:
            queue.close()

    @contextmanager
    def _lock(self, parent: int | None) -> Iterator[bool]:
        """Hold the worker's lock; yields False when stopped, or orphaned, while waiting for it."""
        handle = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _taken(handle):
                if self._stop.wait(0.2) or (parent is not None and os.getppid() != parent):
                    yield False
                    return
            yield True
        finally:
            os.close(handle)


class _Consumer(Consumer):  # type: ignore[misc]
    """huey's, one thread; signals are the worker's own."""

    def _set_signal_handlers(self) -> None:
        return


def is_working(root: Path) -> bool:
    """Tell whether a worker of the workspace lives."""
    with suppress(FileNotFoundError):
        handle = os.open(root / _LOCK, os.O_RDWR)
        try:
            return not _taken(handle)
        finally:
            os.close(handle)
    return False


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
