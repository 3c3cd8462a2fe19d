"""A shop small enough to score by hand: two agents, February and March 2026."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import jinpai

MARCH = ("2026-03-01", "2026-03-31")
PLAN = """
name: hand
period_rule: month
indicators:
  - metric: inquiry_conversion_rate
    weight: 60
    bands:
      - {score: 100, interval: "[50%, 100%]"}
      - {score: 80, interval: "[30%, 50%)"}
      - {score: 60, interval: "[0, 30%)"}
  - metric: avg_response_seconds
    weight: 40
    bands:
      - {score: 100, interval: "[0, 20]"}
      - {score: 70, interval: "(20, inf)"}
pay:
  table:
    - {interval: "[90, 100]", amount: 500.00}
    - {interval: "[60, 90)", amount: 100.00}
"""


@dataclass
class Books:
    """The shop's files in the making."""

    messages: list[str] = field(default_factory=list)
    orders: dict[str, str] = field(default_factory=dict)

    def talk(
        self, day: str, agent: str, buyer: str, wait: int, paid: str | None = None,
        amount: str = "100.00",
    ) -> None:  # fmt: skip
        """A buyer asks at 10:00 and is answered after some seconds; orders at 10:05.

        ``paid``: the day it is paid on, ``no`` for never; None is no order.
        """
        minutes, seconds = divmod(wait, 60)
        lines = ((f"10:00:00+08:00,{agent},{buyer},buyer,hi"),
                 (f"10:{minutes:02}:{seconds:02}+08:00,{agent},{buyer},agent,hello"))  # fmt: skip
        for line in lines:
            self.messages.append(f"m{len(self.messages)},{day}T{line}")
        if paid is not None:
            self.order(buyer, day, paid, amount)

    def order(self, buyer: str, day: str, paid: str, amount: str = "100.00") -> None:
        """An order of a buyer, or what became of it."""
        when = "" if paid == "no" else f"{paid}T10:06:00+08:00"
        worth = "" if paid == "no" else amount
        self.orders[buyer] = f"o-{buyer},{buyer},{day}T10:05:00+08:00,{when},{worth}"

    def write(self, folder: Path) -> Path:
        """Write the files; return the folder."""
        folder.mkdir(parents=True)
        heads = {
            "messages": "message_id,sent_at,agent_id,buyer_id,sender,text",
            "orders": "order_id,buyer_id,created_at,paid_at,paid_amount",
        }
        for name, rows in (("messages", self.messages), ("orders", list(self.orders.values()))):
            text = "\n".join([heads[name], *rows]) + "\n"
            (folder / f"{name}.csv").write_text(text, "utf-8")
        return folder


def books() -> Books:
    """The shop: conversion and mean response by hand.

    February: A 1 of 2, 10 s; B 1 of 2, 40 s; C 1 of 1, 10 s.
    March: A 2 of 4, 10 s (one answered after 700 s, cut off); B 1 of 4, 40 s.
    """
    made = Books()
    made.talk("2026-02-01", "A", "a1", 10, "2026-02-01")
    made.talk("2026-02-02", "A", "a2", 10)
    made.talk("2026-02-03", "B", "b1", 40, "2026-02-03")
    made.talk("2026-02-04", "B", "b2", 40)
    made.talk("2026-02-05", "C", "c1", 10, "2026-02-05")
    made.talk("2026-03-02", "A", "a3", 10, "2026-03-02", "300.00")
    made.talk("2026-03-03", "A", "a4", 10, "2026-03-03")
    made.talk("2026-03-04", "A", "a5", 10)
    made.talk("2026-03-05", "A", "a6", 700)
    made.talk("2026-03-06", "B", "b3", 40, "2026-03-06")
    made.talk("2026-03-07", "B", "b4", 40, "no")
    made.talk("2026-03-08", "B", "b5", 40)
    made.talk("2026-03-09", "B", "b6", 40)
    made.talk("2026-04-20", "A", "a7", 10)
    return made


def open_shop(root: Path) -> jinpai.Workspace:
    """Return the shop imported and run."""
    shop = jinpai.init(root / "shop", shop_id="s1", name="s", platform="taobao")
    shop.import_files([books().write(root / "exports")])
    shop.run()
    return jinpai.open(root / "shop")
