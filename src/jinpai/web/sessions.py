"""All sessions of a shop judged again, for trying rules and choosing cases: one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jinpai.errors import Conflict
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.rule_diff import day_of
from jinpai.reports.model import Period
from jinpai.web.contexts import Page
from jinpai.workspace import Workspace

__all__ = ["alone", "last_month", "sessions_of"]

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def alone() -> Iterator[None]:
    """Do what takes the memory of a run; raises Conflict while somebody else does."""
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise Conflict(
            "Something else is being worked out; try again when it is done.",
            zh="另一项试算正在进行，请等它完成后再试。",
        )
    try:
        yield
    finally:
        _ONE_AT_A_TIME.release()


def last_month(page: Page) -> Period:
    """Return the last whole month that is loaded, without one the last thirty days."""
    for preset in page.filters.presets():
        if preset.key == "period_last_month" and preset.period.first.day == 1:
            return preset.period
    loaded = page.filters.loaded
    days = min((loaded.last - loaded.first).days, 29)
    return Period(loaded.last.fromordinal(loaded.last.toordinal() - days), loaded.last)


def sessions_of(page: Page, judge: Judge, scanner: Scanner, period: Period) -> Iterator[Inspected]:
    """Yield the sessions of the shop that began in a period, judged; in an engine of its own."""
    workspace, shop_id = Workspace(page.reader.root), page.filters.shop_id

    def zone_of(shop: str) -> str:
        return workspace.config.shop(shop).timezone

    for one in workspace.inspect(judge, scanner, shop_id=shop_id):
        if period.first <= day_of(one, zone_of) <= period.last:
            yield one
