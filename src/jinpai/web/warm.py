"""Asking what the first pages show before anybody does: at the start, and after each run."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from jinpai.errors import JinpaiError
from jinpai.web.agents import agents_for
from jinpai.web.filters import read_filters
from jinpai.web.reading import NotRun, Reader

__all__ = ["Warmer", "warm"]

_LOG = logging.getLogger("jinpai.web")
_EVERY = 5.0
# What the pages draw: days of the overview, of the team, of each agent.
_QUESTIONS = (
    (("sales_amount", "silent_amount", "inquiry_conversion_rate"), ("day",)),
    (("sales_amount",), ("agent", "day")),
    (("sales_amount", "avg_response_seconds"), ("agent", "day")),
)


def warm(reader: Reader, shop_id: str) -> None:
    """Ask what overview, team and agent pages show of a shop's latest four weeks."""
    filters = read_filters(reader, {"shop": shop_id})
    rule = filters.rule
    reader.roster(shop_id)  # every page names people: nobody waits for it behind figures
    for period in (filters.period, filters.before(), filters.weeks_before()):
        if period is not None:
            reader.ask(first=period.first, last=period.last, judge_rule=rule, shop_id=shop_id)
    agents_for(reader, filters)
    first, last = filters.period.first, filters.period.last
    for codes, by in _QUESTIONS:
        reader.ask(codes, by=by, first=first, last=last, judge_rule=rule, shop_id=shop_id)


class Warmer:
    """A thread that warms a reader whenever another run is in force.

    Args:
        shops: how many shops at most, the workspace's own first; the rest is asked when needed.
    """

    def __init__(self, reader: Reader, shops: int = 20) -> None:
        self._reader, self._shops = reader, shops
        self._stop = threading.Event()
        self._done = ""
        self._thread = threading.Thread(target=self._watch, name="jinpai-warm", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the question at hand."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            with suppress(NotRun):
                self._once()
            self._stop.wait(_EVERY)

    def _once(self) -> None:
        key = self._reader.run_key
        if key == self._done:
            return
        own = self._reader.default_shop()
        others = [one.shop_id for one in self._reader.shops() if one.shop_id != own]
        for shop_id in (own, *others)[: self._shops]:
            if self._stop.is_set():
                return
            self._try(f"shop {shop_id}", partial(warm, self._reader, shop_id))
        self._try("conversations", self._reader.sort_talks)
        self._done = key

    def _try(self, what: str, ask: Callable[[], None]) -> None:
        """Nobody waits for it: what fails is asked again by the page that needs it."""
        try:
            ask()
        except (JinpaiError, OSError):
            _LOG.warning("%s could not be read in advance", what, exc_info=True)
