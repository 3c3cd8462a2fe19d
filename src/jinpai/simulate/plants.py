"""Sessions with planted faults and merits, beside the life of a simulated shop.

What is said stands in plants.yaml; every session is a buyer's only one, so that what an inspection
finds in it can be held against what was planted.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any

from jinpai.shipped import parsed
from jinpai.simulate.aftermath import Aftermath
from jinpai.simulate.model import Buyer, Product, Row, World
from jinpai.simulate.roster import Roster
from jinpai.simulate.shop import FIRST_ORDER
from jinpai.simulate.talk import Chat, Stage

__all__ = ["plant"]

_LINE = re.compile(r"([BACOT])(?: \+(\d+)(?:-(\d+))?)?(?: (\w+)(?:=(\d+)-(\d+))?)?")
_SOON = {"B": (4, 25), "A": (3, 18), "C": (3, 18), "O": (20, 60), "T": (5, 20)}
_FIRST = 900_000_000  # planted orders are numbered from here on
_NEEDED = timedelta(hours=3)


@cache
def _plants() -> dict[str, Any]:
    text = resources.files("jinpai.simulate").joinpath("plants.yaml").read_text("utf-8")
    loaded: dict[str, Any] = parsed(text)
    return loaded


def plant(world: World, phrases: dict[str, Any], count: int, seed: int) -> list[Row]:
    """Add ``count`` sessions of every scenario to a world; return what is true of each.

    A row: scenario, buyer_id, agent_id, started_at (local), rules (codes of everything that is to
    be found in it), order_id (or None). The rest of the world stays as it is.
    """
    rng = random.Random(f"plants {seed}")  # noqa: S311  (a simulation, no secret)
    roster = Roster(rng, world.agents, world.start, 0)
    stage = Stage(rng, world, roster, phrases)
    stage.chats = len(world.rows("messages"))  # conversation ids nobody has yet
    told = [(name, told) for name, told in _plants()["scenarios"].items() for _ in range(count)]
    found: list[Row] = []
    for number, (name, scenario) in enumerate(told, 1):
        found += _Planting(stage, number, scenario).play(name)
    return found


class _Planting:
    """One scenario with a buyer of its own."""

    def __init__(self, stage: Stage, number: int, scenario: dict[str, Any]) -> None:
        self.stage, self.rng, self.number = stage, stage.rng, number
        self.scenario = scenario
        self.buyer = Buyer(f"访客_{number:05d}", "buyer", 0.5, 9e9, 1.0, f"100{number:08d}")
        stage.world.buyers.append(self.buyer)
        wanted = scenario.get("role")
        agents = stage.world.agents
        able = [one for one in agents if wanted in (None, one.role)] or agents
        self.agent = able[number % len(able)]
        self.product: Product = self.rng.choice(stage.world.products)
        self.order: Row | None = None
        self.chat = Chat(stage, self.buyer, self.agent, self._start())
        self.began: dict[str, datetime] = {}

    def play(self, name: str) -> Iterator[Row]:
        """Write the session and yield what is true of it, and of the colleague's."""
        for line in self.scenario["lines"]:
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"plants.yaml: {name}: '{line}'")
            self._do(match)
        rules = [self.scenario["rules"], self.scenario.get("follower", [])]
        for (agent_id, at), of_agent in zip(self.began.items(), rules, strict=False):
            yield {
                "scenario": name,
                "buyer_id": self.buyer.buyer_id,
                "agent_id": agent_id,
                "started_at": str(at),
                "rules": sorted(of_agent),
                "order_id": self.order and self.order["order_id"],
            }

    def _start(self) -> datetime:
        world = self.stage.world
        room = (world.end - _NEEDED - world.start).total_seconds()
        return world.start + timedelta(seconds=self.rng.randrange(int(room)))

    def _do(self, line: re.Match[str]) -> None:
        who, what = line[1], line[4] or ""
        low, high = _SOON[who] if line[2] is None else (int(line[2]), int(line[3] or line[2]))
        wait = self.rng.randint(low, high)
        if who == "O":
            self._order(wait, what, (line[5], line[6]))
        elif who == "T":
            self._hand_over(wait)
        else:
            self._say(who, what, wait)

    def _say(self, who: str, what: str, wait: int) -> None:
        more: Row = {}
        product = self.product
        if what in ("like", "unlike"):
            product = self._other(is_like=what == "like")
        if what in ("link", "like", "unlike"):
            more = {"kind": "link", "product_id": product.product_id}
            what = "link"
        text = self.rng.choice(_plants()["texts"][what])
        said = text.format(agent=self.chat.agent.name, product=product.product_id)
        self.chat.say("buyer" if who == "B" else "agent", said, wait, **more)
        self.began.setdefault(self.chat.agent.agent_id, self.chat.at)

    def _other(self, *, is_like: bool) -> Product:
        mine = self.product
        able = [
            one
            for one in self.stage.world.products
            if one is not mine
            and is_like
            == (
                one.category == mine.category
                or not one.attributes.items().isdisjoint(mine.attributes.items())
            )
        ]
        return self.rng.choice(able)

    def _order(self, wait: int, what: str, bounds: tuple[str | None, str | None]) -> None:
        after = Aftermath(self.stage, lambda at, what: None)
        at = self.chat.at + timedelta(seconds=wait)
        order_id = str(FIRST_ORDER + (_FIRST + self.number) * 1000)
        self.order = after.basket(self.buyer, self.product, at, order_id, False)
        if what == "unpaid":
            return
        later = at + timedelta(seconds=self.rng.randint(*(int(bound or 0) for bound in bounds)))
        if what == "paid":
            after.pay(self.buyer, self.product, self.order, later)
        else:
            after.give_up(self.order, later)

    def _hand_over(self, wait: int) -> None:
        others = [one for one in self.stage.world.agents if one is not self.agent]
        to = self.rng.choice(others or [self.agent])
        at = self.chat.at + timedelta(seconds=wait)
        row = {
            "buyer_id": self.buyer.buyer_id,
            "from_agent_id": self.agent.agent_id,
            "to_agent_id": to.agent_id,
            "at": at,
        }
        self.stage.world.add("transfers", row)
        self.chat = Chat(self.stage, self.buyer, to, at)
