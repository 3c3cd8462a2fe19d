"""Draw the agents, buyers and goods of a simulated shop."""

from __future__ import annotations

import random
from typing import Any

from jinpai.simulate.model import Agent, Buyer, Product

__all__ = ["draw_agents", "draw_buyers", "draw_products"]

PRESALE_TEAM = 4  # agents of one pre-sales team


def draw_agents(rng: random.Random, count: int, phrases: dict[str, Any]) -> list[Agent]:
    """Return ``count`` agents; the last fifth (at least one of two or more) does after-sales."""
    after = max(1, count // 5) if count > 1 else 0
    return [_agent(rng, index, count - after, phrases) for index in range(count)]


def _agent(rng: random.Random, index: int, presale: int, phrases: dict[str, Any]) -> Agent:
    names = phrases["agent_names"]
    lap, place = divmod(index, len(names))
    name = names[place] + (str(lap + 1) if lap else "")
    is_after = index >= presale
    numeral = "一二三四五六七八九十"
    group = min(index // PRESALE_TEAM, 9)
    return Agent(
        agent_id=f"{phrases['shop']}:{name}",
        name=name,
        team="售后组" if is_after else f"售前{numeral[group]}组",
        role="aftersale" if is_after else "presale",
        speed=round(rng.uniform(9, 70), 1),
        talent=round(rng.uniform(0.55, 1.45), 3),
        thorough=round(rng.uniform(0.1, 0.9), 3),
        dunning=round(rng.uniform(0.05, 0.95), 3),
        care=round(rng.uniform(0.2, 0.95), 3),
        shift=index % 2,
        rest=index % 7,
    )


def draw_buyers(rng: random.Random, count: int, phrases: dict[str, Any]) -> list[Buyer]:
    """Return ``count`` ordinary buyers, then people who sell to the shop and colleagues.

    Nicks are distinct; those of a small shop end in at most three digits.
    """
    nicks: dict[str, None] = {}
    span = max(1000, count)
    while len(nicks) < count:
        nick = rng.choice(phrases["nick_heads"]) + rng.choice(phrases["nick_tails"])
        nicks[nick if rng.random() < 0.1 else f"{nick}_{rng.randrange(span):03d}"] = None
    buyers = [_buyer(rng, nick, "buyer") for nick in nicks]
    ads = [_buyer(rng, f"推广达人{number:02d}号", "ad") for number in range(1, 2 + count // 100)]
    staff = [
        _buyer(rng, phrases["internal_prefix"] + name, "internal")
        for name in phrases["internal_names"]
    ]
    return buyers + ads + staff


def _buyer(rng: random.Random, nick: str, kind: str) -> Buyer:
    return Buyer(
        buyer_id=nick,
        kind=kind,
        difficulty=round(rng.betavariate(2, 3), 3),
        patience=round(rng.lognormvariate(5.6, 0.8)),
        spend=round(rng.lognormvariate(0, 0.35), 3),
        phone=f"100{rng.randrange(10**8):08d}",  # no Chinese mobile number begins with 100
    )


def draw_products(phrases: dict[str, Any]) -> list[Product]:
    """Return the goods of the shop; ids are twelve digits, as on Taobao."""
    return [
        Product(
            product_id=str(700000000101 + number * 7),
            title=entry["title"],
            category=entry["category"],
            price=entry["price"],
            attributes=entry["attributes"],
        )
        for number, entry in enumerate(phrases["products"])
    ]
