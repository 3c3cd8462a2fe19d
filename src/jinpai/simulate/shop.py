"""Let the simulated shop live: visits, orders, payments, refunds and reviews in order of time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from jinpai.simulate import visits
from jinpai.simulate.aftermath import Aftermath
from jinpai.simulate.model import Agent, Buyer, Product, Row, World
from jinpai.simulate.people import draw_agents, draw_buyers, draw_products
from jinpai.simulate.roster import Roster
from jinpai.simulate.talk import Stage

__all__ = ["Shop", "live"]

# Visits by hour of the day: hardly any at night, a peak in the evening.
HOURS = (3, 1, 1, 0.5, 0.5, 0.5, 1, 2, 4, 7, 9, 8, 6, 7, 8, 8, 8, 7, 7, 9, 14, 16, 13, 7)
SILENT_SHARE = 0.16
PEAK, EVE = 3.0, 1.4  # visits of a campaign day and of the day before, as factors
FIRST_ORDER = 4_512_000_000_000_001_000


class Shop:
    """The calendar of one simulated shop."""

    def __init__(self, stage: Stage, days: int) -> None:
        self.stage, self.rng, self.world = stage, stage.rng, stage.world
        self.campaigns = _campaigns(days)
        self._events: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._booked = 0
        self._orders = 0
        self._after = Aftermath(stage, self.book)
        self.sold: list[Row] = []

    def book(self, at: datetime, what: Callable[[datetime], None]) -> None:
        """Let something happen at a time; what lies after the last day never happens."""
        self._booked += 1
        heapq.heappush(self._events, (at.replace(microsecond=0), self._booked, what))

    def live(self) -> None:
        """Run the calendar until its end."""
        for buyer in self.world.buyers:
            self._plan(buyer)
        while self._events:
            at, _, what = heapq.heappop(self._events)
            if at <= self.world.end:
                what(at)

    def is_busy(self, at: datetime) -> bool:
        """Whether that is a campaign day."""
        return (at - self.world.start).days in self.campaigns

    def _plan(self, buyer: Buyer) -> None:
        if buyer.kind != "buyer":
            for _ in range(2 if buyer.kind == "ad" else 5):
                self.book(self._moment(), lambda at: visits.other_talk(self.stage, buyer, at))
            return
        plans = 1 + (self.rng.random() < 0.22) + (self.rng.random() < 0.06)
        for _ in range(plans):
            silent = self.rng.random() < SILENT_SHARE
            item = self.rng.choice(self.world.products)
            self.book(
                self._moment(), self._silent(buyer, item) if silent else self._ask(buyer, item)
            )

    def _moment(self) -> datetime:
        days = (self.world.end - self.world.start).days + 1
        weights = [self._day_weight(number) for number in range(days)]
        day = self.rng.choices(range(days), weights)[0]
        hour = self.rng.choices(range(24), HOURS)[0]
        return self.world.start + timedelta(days=day, hours=hour, seconds=self.rng.randrange(3600))

    def _day_weight(self, number: int) -> float:
        if number in self.campaigns:
            return PEAK
        if number + 1 in self.campaigns:
            return EVE
        weekend = (self.world.start + timedelta(days=number)).weekday() >= 5
        return 1.15 if weekend else 1.0

    def _ask(self, buyer: Buyer, item: Product) -> Callable[[datetime], None]:
        return lambda at: self._visit(buyer, item, at)

    def _silent(self, buyer: Buyer, item: Product) -> Callable[[datetime], None]:
        return lambda at: self._order(buyer, item, at, None, "silent")

    def _visit(self, buyer: Buyer, item: Product, at: datetime) -> None:
        """A pre-sales visit and what it leads to."""
        visit = visits.look(self.stage, buyer, at, item, self.is_busy(at))
        chat, rng, phrases = visit.chat, self.rng, self.stage.phrases
        luck = rng.random()
        if visit.convinced and luck < 0.62:
            created = chat.at + timedelta(seconds=rng.randint(15, 240))
            chat.ask(self.stage.one_of(phrases["buyer_accept"]), rng.randint(20, 300))
            chat.answer(self.stage.one_of(phrases["agent_thanks"]))
            self.book(created, lambda at: self._order(buyer, item, at, chat.agent, "at_once"))
        elif visit.convinced:
            self._later(buyer, item, chat.at, chat.agent, luck)
        elif not chat.left:
            chat.ask(self.stage.one_of(phrases["buyer_hesitate"]))
            chat.answer(self.stage.one_of(phrases["buyer_leave"]))
        if not visit.convinced and luck < 0.14:
            self.book(self._tomorrow(chat.at), self._ask(buyer, item))
        chat.close()

    def _later(self, buyer: Buyer, item: Product, at: datetime, seller: Agent, luck: float) -> None:
        """A convinced buyer orders later: the same day, or after a night, perhaps after asking."""
        if luck < 0.82:
            created = at + timedelta(minutes=self.rng.randint(10, 240))
            self.book(created, lambda when: self._order(buyer, item, when, seller, "same_day"))
        elif luck < 0.94:
            self.book(self._tomorrow(at), lambda when: self._return(buyer, item, when, seller))
        else:
            created = self._tomorrow(at)
            self.book(created, lambda when: self._order(buyer, item, when, seller, "next_day"))

    def _return(self, buyer: Buyer, item: Product, at: datetime, seller: Agent) -> None:
        chat = visits.second_look(self.stage, buyer, at, seller)
        created = chat.at + timedelta(seconds=self.rng.randint(20, 400))
        chat.close()
        self.book(created, lambda when: self._order(buyer, item, when, seller, "second_agent"))

    def _tomorrow(self, at: datetime) -> datetime:
        return at + timedelta(hours=self.rng.uniform(11, 26))

    def _order(
        self, buyer: Buyer, item: Product, at: datetime, seller: Agent | None, how: str
    ) -> None:
        self._orders += 1
        order_id = str(FIRST_ORDER + self._orders * 1000)
        order = self._after.basket(buyer, item, at, order_id, self.is_busy(at))
        sold_by = seller.agent_id if seller else None
        fact = {"order_id": order_id, "sold_by": sold_by, "how": how, "chased_by": None}
        self.sold.append(fact)
        if self.rng.random() < 0.85:
            paid = at + timedelta(seconds=self.rng.randint(6, 280))
            self.book(paid, lambda when: self._after.pay(buyer, item, order, when))
        else:
            self._unpaid(buyer, item, order, at, fact)

    def _unpaid(self, buyer: Buyer, item: Product, order: Row, at: datetime, fact: Row) -> None:
        """An order that stays unpaid at first: chased or not, paid late or closed after 72 h."""
        if self.rng.random() < 0.3:
            late = at + timedelta(hours=self.rng.uniform(1, 40))
            self.book(late, lambda when: self._after.pay(buyer, item, order, when))
        chase = at + timedelta(minutes=self.rng.randint(25, 75))
        self.book(chase, lambda when: self._chase(buyer, item, order, when, fact))
        closing = at + timedelta(hours=72)
        self.book(closing, lambda when: self._after.give_up(order, when))

    def _chase(self, buyer: Buyer, item: Product, order: Row, at: datetime, fact: Row) -> None:
        agent = self._seller(fact) or self.stage.roster.pick("presale", at)
        asleep = not self.stage.roster.is_on(agent, at)
        if order["paid_at"] or asleep or self.rng.random() > agent.dunning:
            return
        chat = visits.chase(self.stage, buyer, agent, at, item.title)
        fact["chased_by"] = agent.agent_id
        if self.rng.random() < min(0.9, 0.4 * agent.talent):
            paid = chat.at + timedelta(minutes=self.rng.randint(2, 90))
            self.book(paid, lambda when: self._after.pay(buyer, item, order, when))

    def _seller(self, fact: Row) -> Agent | None:
        return next(
            (agent for agent in self.world.agents if agent.agent_id == fact["sold_by"]), None
        )


def _campaigns(days: int) -> list[int]:
    """Numbers of the campaign days: one per fortnight or part of it, not in the first days."""
    return [first + min(9, days - 1 - first) for first in range(0, days, 14) if days - first > 4]


def live(
    agents: int, days: int, buyers: int, seed: int, start: datetime, phrases: dict[str, Any]
) -> World:
    """Return a shop that lived ``days`` days from ``start`` (a local midnight) on.

    The same arguments give the same world.
    """
    rng = random.Random(seed)  # noqa: S311  (a simulation, no secret)
    end = start + timedelta(days=days) - timedelta(seconds=1)
    people = draw_agents(rng, agents, phrases)
    world = World(
        phrases["shop"],
        start,
        end,
        people,
        draw_buyers(rng, buyers, phrases),
        draw_products(phrases),
    )
    roster = Roster(rng, people, start, days)
    shop = Shop(Stage(rng, world, roster, phrases), days)
    shop.live()
    for agent in people:
        for begin, finish in roster.online[agent.agent_id]:
            row = {"agent_id": agent.agent_id, "online_at": begin, "offline_at": finish}
            world.add("online_sessions", row)
    world.truth = _truth(shop, seed)
    return world


def _truth(shop: Shop, seed: int) -> dict[str, Any]:
    world, phrases = shop.world, shop.stage.phrases
    campaigns = [str((world.start + timedelta(days=day)).date()) for day in shop.campaigns]
    return {
        "seed": seed,
        "shop": world.shop,
        "timezone": "Asia/Shanghai",
        "from": str(world.start.date()),
        "to": str(world.end.date()),
        "campaigns": campaigns,
        "settings": {
            "auto_reply_prefixes": [phrases["auto_prefix"]],
            "ad_phrases": phrases["ad_phrases"],
            "internal_accounts": [phrases["internal_prefix"] + "*"],
        },
        "agents": [asdict(agent) for agent in world.agents],
        "buyers": [asdict(buyer) for buyer in world.buyers],
        "orders": shop.sold,
    }
