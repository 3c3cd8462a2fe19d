"""The people of a period as the reports know them, kept per run; and the load over the week."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinpai.metrics.query import MetricRow
from jinpai.reporting import Asking, agents_of
from jinpai.reports.extras import Extra, read_extra
from jinpai.reports.model import Agents, AgentSheet, Period
from jinpai.reports.waits import Waits, merged
from jinpai.web.contexts import Page
from jinpai.web.filters import Filters
from jinpai.web.reading import Reader

__all__ = ["Week", "agents_for", "agents_in", "others_waits", "week_of", "weeks_for"]


def agents_in(page: Page) -> Agents:
    """Return a sheet per agent of the period that is looked at, best seller first in each team."""
    return agents_for(page.reader, page.filters)


def agents_for(reader: Reader, filters: Filters) -> Agents:
    """Return the same of a workspace's shop and period."""
    period, before = filters.period, filters.before()

    def read() -> Agents:
        ask = Asking(reader, filters.shop_id, filters.rule)
        with reader.derived(filters.shop_id) as (engine, _, snapshot):
            extra: Extra = read_extra(
                engine, snapshot, reader.config, filters.shop_id, period, filters.rule
            )
        return agents_of(ask, period, before, extra)

    question = ("agents", filters.shop_id, filters.rule, period, before)
    made: Agents = reader.kept(question, read)
    return made


def others_waits(agents: Agents, sheet: AgentSheet) -> Waits:
    """Return the waits of the others of an agent's team."""
    mates = [one for one in agents.sheets if one.team == sheet.team and one != sheet]
    return merged(one.waits for one in mates)


@dataclass(frozen=True)
class Week:
    """Load and waits by weekday and hour of the shop's clock.

    Attributes:
        sessions: (weekday, hour) -> unfiltered conversations that began; Monday is 0.
        waits: (weekday, hour) -> mean wait in seconds of rounds that opened and were answered
            within their session.
        days: weekday -> how many such days the period has.
    """

    sessions: dict[tuple[int, int], int]
    waits: dict[tuple[int, int], float]
    days: dict[int, int]


def week_of(page: Page, agent: str) -> Week:
    """Return an agent's week over the period that is looked at."""
    found = weeks_for(page.reader, page.filters).get(agent)
    return found or Week({}, {}, _weekdays(page.filters.period))


def weeks_for(reader: Reader, filters: Filters) -> dict[str | None, Week]:
    """Return the week of every agent of a shop over a period; those without anything have none."""

    def read() -> dict[str | None, Week]:
        sql = files("jinpai.web").joinpath("week.sql").read_text("utf-8")
        values: dict[str, Any] = {
            "shop_id": filters.shop_id,
            "first": filters.period.first,
            "last": filters.period.last,
            "zone": filters.shop.timezone,
        }
        with reader.derived(filters.shop_id) as (engine, _, _):
            rows = engine.fetch("week", sql, values).to_pylist()
        weekdays = _weekdays(filters.period)
        made = defaultdict[str | None, Week](lambda: Week({}, {}, weekdays))
        for row in rows:
            week, cell = made[row["agent_id"]], (row["weekday"], row["hour"])
            if row["sessions"]:
                week.sessions[cell] = row["sessions"]
            if row["wait_us"] is not None:
                week.waits[cell] = row["wait_us"] / 1_000_000
        return dict(made)

    made: dict[str | None, Week] = reader.kept(("weeks", filters.shop_id, filters.period), read)
    return made


def _weekdays(period: Period) -> dict[int, int]:
    whole, rest = divmod((period.last - period.first).days + 1, 7)
    first = period.first.weekday()
    return {day: whole + ((day - first) % 7 < rest) for day in range(7)}


def value_of(row: MetricRow | None) -> float | None:
    """Return a figure's value as a number."""
    return None if row is None or row.value is None else float(row.value)
