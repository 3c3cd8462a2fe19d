"""Who is on duty when: shifts, breaks, rest days, and how many chats an agent has open."""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import datetime, timedelta

from jinpai.simulate.model import Agent

__all__ = ["Roster"]

Interval = tuple[datetime, datetime]

# (from, to) in minutes of the day: two sittings with a break between.
SHIFTS = (((510, 720), (765, 1020)), ((900, 1110), (1150, 1439)))
ALONE = ((540, 760), (800, 1380))
FAR = timedelta(days=400)


class Roster:
    """The duty intervals of every agent over the simulated days."""

    def __init__(self, rng: random.Random, agents: list[Agent], start: datetime, days: int) -> None:
        self.agents = agents
        self._rng = rng
        self._open: dict[str, list[datetime]] = {agent.agent_id: [] for agent in agents}
        self.online: dict[str, list[Interval]] = {
            agent.agent_id: self._sittings(agent, start, days) for agent in agents
        }

    def _sittings(self, agent: Agent, start: datetime, days: int) -> list[Interval]:
        alone = sum(other.role == agent.role for other in self.agents) == 1
        found: list[Interval] = []
        for number in range(days):
            if not alone and (number + agent.rest) % 7 == 0:
                continue
            shift = ALONE if alone else SHIFTS[(agent.shift + number // 7) % 2]
            day = start + timedelta(days=number)
            found += [self._sitting(day, begin, end) for begin, end in shift]
        return found

    def _sitting(self, day: datetime, begin: int, end: int) -> Interval:
        early = timedelta(seconds=self._rng.randrange(-300, 240))
        late = timedelta(seconds=self._rng.randrange(0, 59))
        return day + timedelta(minutes=begin) + early, day + timedelta(minutes=end) + late

    def is_on(self, agent: Agent, at: datetime) -> bool:
        """Whether the agent is online at that time."""
        sittings = self.online[agent.agent_id]
        place = bisect_right(sittings, (at, datetime.max)) - 1
        return place >= 0 and at <= sittings[place][1]

    def next_on(self, agent: Agent, at: datetime) -> datetime:
        """Return ``at`` if the agent is online, else when he next comes online."""
        if self.is_on(agent, at):
            return at
        sittings = self.online[agent.agent_id]
        place = bisect_right(sittings, (at, datetime.max))
        return sittings[place][0] if place < len(sittings) else at + FAR

    def load(self, agent: Agent, at: datetime) -> int:
        """Number of chats the agent has open at that time."""
        still = [end for end in self._open[agent.agent_id] if end > at]
        self._open[agent.agent_id] = still
        return len(still)

    def occupy(self, agent: Agent, until: datetime) -> None:
        """Note a chat of the agent that lasts until then."""
        self._open[agent.agent_id].append(until)

    def pick(self, role: str, at: datetime, *, but: Agent | None = None) -> Agent:
        """Return the least busy agent of the role, else of the other, else who comes on next.

        Never ``but``, unless there is nobody else.
        """
        others = [agent for agent in self.agents if agent is not but] or self.agents
        able = [agent for agent in others if agent.role == role] or others
        for group in (able, others):
            on = [agent for agent in group if self.is_on(agent, at)]
            if on:
                return min(on, key=lambda agent: (self.load(agent, at), self._rng.random()))
        return min(able, key=lambda agent: (self.next_on(agent, at), self._rng.random()))
