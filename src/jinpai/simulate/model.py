"""The people and facts of a simulated shop: plain data, no chance in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from typing import Any

from jinpai.shipped import parsed

__all__ = ["Agent", "Buyer", "Product", "World", "load_phrases"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Agent:
    """A customer-service agent and what he is truly able to do.

    Attributes:
        agent_id: the chat account, ``shop:name``.
        speed: median seconds to an answer when nobody else waits.
        talent: factor on the chance that a buyer is convinced; 1 is average.
        thorough: 0-1, share of answers with a question back or a recommendation.
        dunning: 0-1, chance to chase an order that stays unpaid.
        care: 0-1, how well complaints are handled; moves reviews.
        shift: 0 early, 1 late.
    """

    agent_id: str
    name: str
    team: str
    role: str
    speed: float
    talent: float
    thorough: float
    dunning: float
    care: float
    shift: int
    rest: int


@dataclass(frozen=True)
class Buyer:
    """A buyer and how hard he is to serve.

    Attributes:
        kind: ``buyer``, ``ad`` (sells to the shop) or ``internal`` (a colleague).
        difficulty: 0 easy to 1 hard; lowers the chance to buy, lengthens the talk.
        patience: seconds he waits before he leaves.
        spend: factor on what he puts into the basket.
    """

    buyer_id: str
    kind: str
    difficulty: float
    patience: float
    spend: float
    phone: str


@dataclass(frozen=True)
class Product:
    """A product as the shop lists it; the price in yuan as exact text."""

    product_id: str
    title: str
    category: str
    price: str
    attributes: dict[str, str]


@dataclass
class World:
    """Everything that happened, one list of canonical rows per table.

    Times are naive local wall-clock times (Asia/Shanghai, which has no clock changes), whole
    seconds. ``truth`` holds what no export tells.
    """

    shop: str
    start: datetime
    end: datetime
    agents: list[Agent]
    buyers: list[Buyer]
    products: list[Product]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    truth: dict[str, Any] = field(default_factory=dict)

    def add(self, table: str, row: Row) -> None:
        """Append a row to a table."""
        self.tables.setdefault(table, []).append(row)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table, empty when nothing happened."""
        return self.tables.get(table, [])


def load_phrases() -> dict[str, Any]:
    """Read the texts of the simulated shop, ``phrases.yaml`` beside this file."""
    text = resources.files("jinpai.simulate").joinpath("phrases.yaml").read_text("utf-8")
    loaded: dict[str, Any] = parsed(text)
    return loaded
