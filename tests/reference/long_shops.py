"""Random shops whose few buyers come back over months: for loyalty and trailing windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from .model import HOUR, SECOND, Shop
from .shops import Maker, Record
from .time import Calendar

__all__ = ["random_days", "random_long_shop"]

SPANS = (70, 100, 200, 400)


class LongMaker(Maker):
    """Makes shops of 70 to 400 days with 10 to 40 orders of 2 to 6 buyers."""

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        kept = {name: value for name, value in self.shop.settings.items() if rng.random() < 0.6}
        kept |= {"excluded_flags": ["red"]} if rng.random() < 0.4 else {}
        self.shop = replace(self.shop, settings=kept)
        self.days = rng.choice(SPANS)

    def anchor(self) -> int:
        """Return an instant: at an edge of one of the days, or any of the day."""
        rng = self.rng
        day = self.day + timedelta(days=rng.randint(0, self.days))
        edge = rng.choice((0, -1, SECOND, 12 * HOUR, rng.randrange(24 * 3600) * SECOND))
        return self.calendar.day_start(day) + edge

    def near(self, buyer: str | None = None) -> int:
        """Return an instant some telling number of days after one of the buyer, or close by."""
        rng, again = self.rng, int(self.shop.setting("repurchase_days"))
        used = [at for who, at in self.times if buyer in (None, who)]
        if not used or rng.random() < 0.25:
            return self.anchor()
        base = min(used) if buyer is not None and rng.random() < 0.4 else rng.choice(used)
        if rng.random() < 0.4:
            return base + rng.choice((0, 60 * SECOND, 30 * 60 * SECOND, HOUR, 26 * HOUR))
        days = rng.choice((1, 7, 27, 28, 29, again - 1, again, again + 1, 2 * again, 2 * again + 1))
        start = self.calendar.day_start(self.calendar.day_of(base) + timedelta(days=days))
        return start + rng.choice((0, -1, HOUR, 15 * HOUR))

    def make(self) -> Shop:
        """Return the shop: its orders first, then chats near them."""
        rng, tables = self.rng, {"agents": self.agent_rows()}
        tables["orders"] = [self.order_row(n) for n in range(rng.randint(10, 40))]
        for number, order in enumerate(tables["orders"]):
            order["order_id"] = f"o{(number * 17) % 41}"
        if rng.random() < 0.3:  # what is excluded is loaded all the same
            min(tables["orders"], key=lambda order: order["created_at"])["flag"] = "red"
        self.tie(tables["orders"])
        tables["messages"] = self.message_rows(self.talks(tables["orders"]))
        tables["order_items"] = self.item_rows([o["order_id"] for o in tables["orders"]])
        self.add_facts(tables)
        return replace(self.shop, tables=tables)

    def talks(self, orders: list[Record]) -> list[Record]:
        """Return chats in which about half of the orders are created."""
        made: list[Record] = []
        for order in orders:
            if order["buyer_id"] is None or self.rng.random() < 0.4:
                continue
            agent_id, start = self.rng.choice(self.agents), order["created_at"] - 60 * SECOND
            chat = [
                {"sent_at": start, "sender": "buyer"},
                {"sent_at": start + 30 * SECOND, "sender": "agent"},
                {"sent_at": start + self.rng.choice((61, 90, 120)) * SECOND, "sender": "buyer"},
            ]
            common = {"buyer_id": order["buyer_id"], "agent_id": agent_id, "text": "ok"}
            made += [{**common, "is_auto": False, "kind": "text", **row} for row in chat]
        return made

    def tie(self, orders: list[Record]) -> None:
        """Give some orders of a buyer one instant of payment."""
        for one in orders:
            for other in orders:
                if (
                    one["buyer_id"] == other["buyer_id"]
                    and one["paid_at"] is not None
                    and other["paid_at"] is not None
                    and other["created_at"] <= one["paid_at"]
                    and self.rng.random() < 0.05
                ):
                    other["paid_at"] = one["paid_at"]


def random_long_shop(rng: Random) -> Shop:
    """Return a shop of months with few, returning buyers."""
    return LongMaker(rng).make()


def random_days(rng: Random, shop: Shop) -> tuple[date, date]:
    """Return the first and last of days to ask for: 1 to 200 of them, meeting the story or not.

    Some begin just where the history is long enough, some end 179 or 180 days after a review.
    """
    calendar = Calendar(shop.timezone, shop.setting("business_day_start"))
    created = [calendar.day_of(order["created_at"]) for order in shop.rows("orders")]
    posted = [calendar.day_of(review["posted_at"]) for review in shop.rows("reviews")]
    kind, length = rng.random(), rng.choice((1, 7, 28, 28, 31, 61, 201))
    if kind < 0.25 and posted:
        last = rng.choice(posted) + timedelta(days=rng.choice((179, 180)))
        return last - timedelta(days=27), last
    if kind < 0.5:
        first = min(created) + timedelta(days=length - rng.choice((0, 0, 1)))
    else:
        first = rng.choice(created) - timedelta(days=rng.randint(0, 40))
    return first, first + timedelta(days=length - 1)
