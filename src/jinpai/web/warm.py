"""Asking what the first pages show before anybody does: at the start, and after each run."""

from __future__ import annotations

import threading
from contextlib import suppress

from jinpai.web.agents import agents_for, weeks_for
from jinpai.web.filters import read_filters
from jinpai.web.preparing import Prepared, Preparer, attempt
from jinpai.web.reading import NotRun, Reader
from jinpai.web.verdict import grades_for

__all__ = ["Warmer", "warm"]

_EVERY = 2.0
# Where asking ahead takes long, pages show the run before until it is done; but not for ever.
_LONG, _AT_MOST = 10.0, 900.0
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
    weeks_for(reader, filters)
    grades_for(reader, filters)


class Warmer:
    """A thread that has a preparer ask ahead whenever another run is published.

    Args:
        shops: how many shops at most, the workspace's own first; the rest is asked when needed.
    """

    def __init__(self, reader: Reader, shops: int = 20) -> None:
        self._reader, self._shops = reader, shops
        self._stop = threading.Event()
        self._done = ""
        self._preparer: Preparer | None = None
        self._thread = threading.Thread(target=self._watch, name="jinpai-warm", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, whatever is asked at the moment."""
        self._stop.set()
        while self._thread.is_alive():
            preparer = self._preparer
            if preparer is not None:
                preparer.kill()
            self._thread.join(0.1)

    def _watch(self) -> None:
        while not self._stop.is_set():
            with suppress(NotRun):
                attempt("the last run", self._once)
            self._stop.wait(_EVERY)

    def _once(self) -> None:
        key = self._reader.published_key()
        if key == self._done:
            return
        prepared = self._prepare()
        if self._stop.is_set():
            return
        if prepared is None or prepared.run_key == key:
            self._reader.take_over()
            self._done = key
        if prepared is not None:
            self._reader.hands_over = prepared.seconds > _LONG

    def _prepare(self) -> Prepared | None:
        """Keep what the preparer finds; returns None where it died."""
        preparer = self._preparer = Preparer(self._reader.root, warm, self._shops)
        try:
            for told in preparer.answers(_AT_MOST):
                if isinstance(told, Prepared):
                    return told
                self._reader.memory.keep(*told)
        finally:
            self._preparer = None
            preparer.close()
        return None
