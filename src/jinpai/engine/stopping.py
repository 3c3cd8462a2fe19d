"""Stopping long work from another thread: what its databases are at is interrupted.

    with stoppable() as stopper:        # in the thread that works
        ...                             # databases opened here are noted
    stopper.stop()                      # in another thread, again and again until it has ended

The work ends with whatever error an interrupted statement raises. It has to bear that anyway: it
could as well have been killed.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import duckdb

__all__ = ["Stopper", "noted", "stoppable"]


class Stopper:
    """Interrupts the databases of one piece of work.

    Attributes:
        was_asked: whether `stop` was called.
    """

    def __init__(self) -> None:
        self.was_asked = False
        self._open = weakref.WeakSet[duckdb.DuckDBPyConnection]()
        self._lock = threading.Lock()

    def note(self, con: duckdb.DuckDBPyConnection) -> None:
        """Know of a database as long as somebody holds it."""
        with self._lock:
            self._open.add(con)

    def stop(self) -> None:
        """Interrupt what is at work now; what begins after it needs another call."""
        self.was_asked = True
        with self._lock:
            there = list(self._open)
        for con in there:
            with suppress(duckdb.Error):  # closed meanwhile
                con.interrupt()


_HERE: ContextVar[Stopper | None] = ContextVar("stopper", default=None)


@contextmanager
def stoppable() -> Iterator[Stopper]:
    """Note the databases that this thread opens within, so that others can stop them."""
    stopper = Stopper()
    token = _HERE.set(stopper)
    try:
        yield stopper
    finally:
        _HERE.reset(token)


def noted(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a database that was just opened; the work that opened it can be stopped in it."""
    stopper = _HERE.get()
    if stopper is not None:
        stopper.note(con)
    return con
