"""Asking ahead in a process of its own, so that no page waits for its processor or its turn."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jinpai.errors import JinpaiError
from jinpai.jobs.yielding import yield_to_all
from jinpai.web.memory import Held
from jinpai.web.reading import NotRun, Reader

__all__ = ["Prepared", "Preparer"]

_LOG = logging.getLogger("jinpai.web")
Ask = Callable[[Reader, str], None]


class Prepared:
    """The end of it: of which run, and how many processor seconds it took."""

    def __init__(self, run_key: str, seconds: float) -> None:
        self.run_key, self.seconds = run_key, seconds


class Preparer:
    """A process that asks what pages will ask of the last run, and tells the answers.

    Args:
        ask: what is asked of each shop; a function of a module.
        shops: how many shops at most, the workspace's own first.
    """

    def __init__(self, root: Path, ask: Ask, shops: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._from, to = spawn.Pipe(duplex=False)
        self._process = spawn.Process(
            target=_prepare, args=(root, ask, shops, to), name="jinpai-prepare", daemon=True
        )
        self._process.start()
        to.close()

    @property
    def pid(self) -> int | None:
        """Its process."""
        return self._process.pid

    def answers(self, seconds: float) -> Iterator[Held | Prepared]:
        """Yield answers as they come, `Prepared` last; without it where it died, or took longer."""
        end = time.monotonic() + seconds
        with suppress(EOFError, OSError):
            while self._from.poll(max(end - time.monotonic(), 0.0)):
                yield self._from.recv()

    def kill(self) -> None:
        """End it, whatever it does; its answers end with it."""
        with suppress(ValueError):  # it is over already
            self._process.kill()

    def close(self) -> None:
        """End it and give back what it took."""
        self.kill()
        self._process.join()
        self._process.close()
        self._from.close()


def _prepare(root: Path, ask: Ask, shops: int, to: Connection[Any, Any]) -> None:
    """Ask all of it; ends early when nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    yield_to_all()
    began = time.process_time()
    reader = Reader(root)
    with suppress(NotRun, BrokenPipeError):
        key, own = reader.run_key, reader.default_shop()
        others = [one.shop_id for one in reader.shops() if one.shop_id != own]
        for shop_id in (own, *others)[:shops]:
            attempt(f"shop {shop_id}", partial(ask, reader, shop_id))
            for held in reader.memory.take():
                to.send(held)
        attempt("conversations", reader.sort_talks)
        to.send(Prepared(key, time.process_time() - began))
    reader.close()


def attempt(what: str, ask: Callable[[], None]) -> None:
    """Ask something in advance; what fails is asked again by the page that needs it."""
    try:
        ask()
    except (JinpaiError, OSError):
        _LOG.warning("%s could not be read in advance", what, exc_info=True)
