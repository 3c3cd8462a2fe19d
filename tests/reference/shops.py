"""Random small shops full of edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from .model import HOUR, SECOND, Shop, latest
from .time import Calendar

__all__ = ["Maker", "Record", "random_as_of", "random_shop", "shops"]

Record = dict[str, Any]
T = TypeVar("T")

# The first day of a shop's story: before a change of clocks, of the month, or of nothing.
STARTS: dict[str, Sequence[date]] = {
    "Asia/Shanghai": (date(2026, 2, 27), date(2026, 3, 10)),
    "America/New_York": (date(2026, 3, 7), date(2026, 10, 31)),
    "Europe/London": (date(2026, 3, 28), date(2026, 10, 24)),
    "Pacific/Auckland": (date(2026, 4, 4), date(2026, 9, 26)),
    "Asia/Kathmandu": (date(2026, 2, 27),),
}
BUYERS = ("b1", "b10", "b2", "Bo", "买家甲", "tb-99")
AGENTS = ("a1", "a10", "a2", "客服:小二")
SENDERS = ("buyer",) * 3 + ("agent",) * 3 + ("robot", "system")
TEXTS = ("在吗", "好评返现加微信", "亲，您好", "系统繁忙，请稍候", "ok", "系统", None)

ALWAYS = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
CHOICES: dict[str, Sequence[Any]] = {
    "business_day_start": ("01:30", "02:30", "05:00", "23:00"),
    "session_gap": (300, 1800, 120),
    "excluded_flags": (["red"], ["red", "刷单"]),
    "auto_reply_texts": (["亲，您好"], ["ok", "系统"]),
    "auto_reply_prefixes": (["系统"], ["亲", "系统繁忙"]),
    "internal_accounts": (["b1"], ["b1*"], ["tb-*", "Bo"], ["b?"]),
    "excluded_buyers": (["b2"], ["买家甲", "b1"]),
    "ad_phrases": (["加微信"], ["返现", "在"]),
    "ad_max_messages": (1, 2, 3),
    "one_sentence": (True,),
    "one_sentence_max": (2, 3),
    "inquiry_days": (1, 3),
    "aftersale_days": (1, 2),
    "followup_window": (1, 24),
    "two_sided": (False,),
    "order_window": (0, 1, 24),
    "judge_rule": ("order", "payment"),
    "payment_days": (1, 2),
    "duty_hours": (
        {"weekly": ALWAYS},
        {"weekly": {"sat": [["22:00", "02:30"]], "sun": [["00:00", "24:00"]], "mon": []}},
        {"weekly": {**ALWAYS, "sun": [["01:15", "02:45"], ["20:00", "20:00"]]}},
        {"weekly": ALWAYS, "exceptions": {"2026-03-08": [["00:00", "24:00"]], "2026-11-01": []}},
    ),
    "platform_from": ("00:00", "09:30"),
    "platform_to": ("24:00", "22:00", "12:00"),
    "slow_times": (1, 2),
    "slow_seconds": (0, 60, 300),
    "repurchase_days": (1, 2, 7),
}
STAGES = ("reception", "answering", "ordering", "delivery", "aftersales", None)
CAUSES = ("attitude", "packaging", "logistics", "size", "quality", "other", None)


class Maker:
    """Makes the rows of one shop; ``times`` collects (buyer, instant) worth meeting again."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        zone = rng.choice(sorted(STARTS))
        names = [name for name in CHOICES if rng.random() < 0.2]
        settings = {name: rng.choice(CHOICES[name]) for name in names}
        self.shop = Shop("s1", zone, settings)
        self.calendar = Calendar(zone, self.shop.setting("business_day_start"))
        self.day = rng.choice(STARTS[zone])
        self.agents = list(AGENTS[: rng.randint(2, 4)])
        self.buyers = rng.sample(BUYERS, rng.randint(2, 6))
        if rng.random() < 0.3:
            self.buyers.append(self.agents[0])
        self.times: list[tuple[str, int]] = []

    def some(self, chance: float, value: T) -> T | None:
        """Return the value with a chance, else None."""
        return value if self.rng.random() < chance else None

    def anchor(self) -> int:
        """Return an instant: near the start of a day, or any of the first days."""
        rng = self.rng
        start = self.calendar.day_start(self.day + timedelta(days=rng.randint(0, 3)))
        edge = rng.choice((0, -1, 1, -SECOND, -300 * SECOND, 2 * HOUR, 2 * HOUR - 1))
        return start + (edge if rng.random() < 0.5 else rng.randrange(24 * 3600) * SECOND)

    def near(self, buyer: str | None = None) -> int:
        """Return an instant at, just around, or a window away from one of the buyer (or any)."""
        rng, setting = self.rng, self.shop.setting
        used = [at for who, at in self.times if buyer in (None, who)]
        base = rng.choice(used) if used and rng.random() < 0.85 else self.anchor()
        away = 0
        if rng.random() < 0.4:
            away = rng.choice(
                (
                    60 * SECOND, -60 * SECOND, HOUR, -HOUR, 24 * HOUR,
                    setting("order_window") * HOUR, -setting("followup_window") * HOUR,
                    setting("followup_window") * HOUR, -24 * setting("aftersale_days") * HOUR,
                )
            )  # fmt: skip
        return base + away + rng.choice((0, 0, 0, 1, -1, SECOND, -SECOND))

    def step(self) -> int:
        """Return the time from one message of a chat to the next."""
        rng, gap = self.rng, self.shop.setting("session_gap") * SECOND
        edges = [0, 1, SECOND, self.shop.setting("slow_seconds") * SECOND]
        for whole in (gap, 120 * SECOND, 180 * SECOND, 600 * SECOND):
            edges += [whole + by for by in (-SECOND, -1, 0, 0, 1, SECOND)]
        return rng.choice(edges) if rng.random() < 0.35 else rng.randrange(100) * SECOND

    def make(self) -> Shop:
        """Return the shop."""
        tables = {
            "agents": self.agent_rows(),
            "messages": self.message_rows(),
            "orders": [self.order_row(n) for n in range(self.rng.randint(0, 10))],
        }
        tables["order_items"] = self.item_rows([o["order_id"] for o in tables["orders"]])
        self.add_facts(tables)
        tables["online_sessions"] = self.online_rows()
        return replace(self.shop, tables=tables)

    def agent_rows(self) -> list[Record]:
        """Return rows of all agents but the last, who is seen in messages only."""
        made = []
        for agent_id in self.agents[:-1]:
            days = sorted(self.day + timedelta(days=self.rng.randint(-1, 4)) for _ in range(2))
            made.append(
                {
                    "agent_id": agent_id,
                    "name": f"name of {agent_id}",
                    "team": self.rng.choice(("east", "west", "east", None)),
                    "is_main": self.some(0.5, True),
                    "active_from": self.some(0.3, days[0]),
                    "active_to": self.some(0.3, days[1]),
                }
            )
        return made

    def message_rows(self, given: Sequence[Record] = ()) -> list[Record]:
        """Return those given and clusters, some twice (another agent or buyer), shuffled."""
        rng, made = self.rng, list(given)
        wanted, seqs = rng.randint(5, 80), rng.choice(("none", "running", "ties"))
        while len(made) < wanted:
            buyer = rng.choice(self.buyers)
            whose = buyer if rng.random() < 0.7 else None
            chat = self.chat(buyer, self.near(whose) if made else self.anchor())
            agents: list[str | None] = [*rng.sample(self.agents, 2)]
            if rng.random() < 0.1:
                agents[0] = None
            made += [{**row, "agent_id": agents[0]} for row in chat]
            again, kind = chat[rng.randint(0, 1) :], rng.random()
            if kind < 0.2:
                made += [{**row, "agent_id": agents[1]} for row in again]
            elif kind < 0.3:
                other = rng.choice(self.buyers)
                made += [{**row, "agent_id": agents[0], "buyer_id": other} for row in again]
        for number, row in enumerate(made):
            row["message_id"] = f"m{(number * 37) % 101:03d}-{number}"
            tied = rng.choice((None, 0, 1, number))
            row["seq"] = {"none": None, "running": number}.get(seqs, tied)
        rng.shuffle(made)
        return made

    def chat(self, buyer: str, at: int) -> list[Record]:
        """Return messages of one buyer from an instant on, without agent, id and seq."""
        rng, made = self.rng, []
        for turn in range(rng.choice((1, 2, 4, 6, 10))):
            sender = ("buyer", "agent")[turn % 2] if rng.random() < 0.5 else rng.choice(SENDERS)
            made.append(
                {
                    "buyer_id": buyer,
                    "sent_at": at,
                    "sender": sender,
                    "is_auto": sender in ("agent", "buyer") and rng.random() < 0.12,
                    "kind": rng.choice(("text", "image")),
                    "text": rng.choice(TEXTS),
                }
            )
            self.times.append((buyer, at))
            at += self.step()
        return made

    def order_row(self, number: int) -> Record:
        """Return an order created and paid at telling moments."""
        rng, buyer = self.rng, self.rng.choice(self.buyers)
        created = self.near(buyer)
        limit = 24 * self.shop.setting("payment_days") * HOUR
        waits = (
            0, 1, 60 * SECOND, HOUR, limit, limit - 1, limit + 1, limit + SECOND, 24 * HOUR,
            rng.randrange(3 * 24 * 3600) * SECOND,
        )  # fmt: skip
        paid = created + rng.choice(waits)
        if rng.random() < 0.3:
            paid = max(created, self.near(buyer))
        is_paid, amount = rng.random() < 0.75, self.amount()
        closed = max(created, self.near(buyer))
        self.times += [(buyer, created), (buyer, paid)] if is_paid else [(buyer, created)]
        return {
            "order_id": f"o{(number * 7) % 11}",
            "buyer_id": self.some(0.93, buyer),
            "created_at": created,
            "paid_at": paid if is_paid else None,
            "closed_at": self.some(0.25, closed),
            "payable_amount": amount,
            "paid_amount": amount if is_paid else self.some(0.3, Decimal("0.00")),
            "item_count": self.some(0.5, rng.randint(0, 5)),
            "flag": rng.choice((None, None, None, "red", "blue", "刷单")),
        }

    def amount(self) -> Decimal:
        """Return an amount of money, sometimes 0.00 or one hard to share."""
        if self.rng.random() < 0.4:
            return Decimal(self.rng.choice(("0.00", "0.01", "0.02", "100.00", "99.99")))
        return Decimal(self.rng.randrange(30_000)) / 100

    def item_rows(self, orders: list[str]) -> list[Record]:
        """Return 0 to 4 items of each order, some without amounts or products."""
        made = []
        for order_id in orders:
            zero = self.rng.random() < 0.25
            for n in range(self.rng.choice((0, 1, 1, 2, 3, 4))):
                made.append(
                    {
                        "order_id": order_id,
                        "sub_order_id": f"{order_id}-{(n * 3 + 10) % 12}",
                        "product_id": self.rng.choice(("p1", "p2", "p10", None)),
                        "quantity": self.some(0.9, self.rng.randint(0, 3)),
                        "amount": Decimal("0.00") if zero else self.some(0.9, self.amount()),
                    }
                )
        return made

    def add_facts(self, tables: dict[str, list[Record]]) -> None:
        """Add refunds, complaints and reviews of the orders, in every state."""
        subs: dict[str, list[str | None]] = {}
        for item in tables["order_items"]:
            subs.setdefault(item["order_id"], []).append(item["sub_order_id"])
        for table, row in (
            ("refunds", self.refund_row),
            ("complaints", self.complaint_row),
            ("reviews", self.review_row),
        ):
            tables[table] = []
            for number in range(self.rng.randint(0, len(tables["orders"]))):
                order = self.rng.choice(tables["orders"])
                # Now and then an order that is not loaded, or a part of it that is not known.
                order_id = "o99" if self.rng.random() < 0.06 else order["order_id"]
                sub = self.rng.choice([*subs.get(order_id, []) * 3, "o0-99", None, None])
                start = max(order["created_at"], self.near())
                tables[table].append({"order_id": order_id, **row(number, start, sub)})

    def refund_row(self, number: int, opened: int, sub: str | None) -> Record:
        """Return a refund, open or closed by anybody, disputed or not."""
        rng, closed = self.rng, self.some(0.7, max(opened, self.near()))
        outcome = rng.choice(("refunded", "refunded", "cancelled", "rejected", None))
        closed_by = rng.choice(("seller", "seller", "buyer", "platform", None))
        return {
            "refund_id": f"r{number}",
            "sub_order_id": sub,
            "opened_at": opened,
            "closed_at": closed,
            "amount": self.some(0.9, self.amount()),
            "closed_by": closed_by if closed is not None else None,
            "outcome": outcome if closed is not None else None,
            "disputed_at": self.some(0.4, max(opened, self.near())),
            "goods_returned": rng.choice((True, False, None)),
        }

    def complaint_row(self, number: int, opened: int, sub: str | None) -> Record:
        """Return a complaint of a sub-order, or of the order."""
        return {
            "complaint_id": f"c{number}",
            "sub_order_id": sub,
            "opened_at": opened,
            "stage": self.rng.choice(STAGES),
            "cause": self.rng.choice(CAUSES),
        }

    def review_row(self, number: int, posted: int, _: str | None) -> Record:
        """Return a review with or without a rating, a score, an edit."""
        return {
            "review_id": f"v{number}",
            "buyer_id": self.some(0.7, self.rng.choice(self.buyers)),
            "posted_at": posted,
            "rating": self.rng.choice(("good", "neutral", "bad", None)),
            "service_score": self.rng.choice((None, 1, 2, 3, 4, 5)),
            "edited_at": self.some(0.3, max(posted, self.near())),
        }

    def online_rows(self) -> list[Record]:
        """Return overlapping, endless and empty online sessions, or none at all."""
        made: dict[tuple[str, int], Record] = {}
        for agent_id in self.agents if self.rng.random() < 0.7 else []:
            for _ in range(self.rng.randint(0, 4)):
                start = self.near()
                length = self.rng.choice((0, 1, HOUR, 9 * HOUR, 30 * HOUR))
                end = max(start, self.near()) if self.rng.random() < 0.3 else start + length
                made[agent_id, start] = {
                    "agent_id": agent_id,
                    "online_at": start,
                    "offline_at": self.some(0.8, end),
                }
        return list(made.values())


def random_shop(rng: Random) -> Shop:
    """Return a tiny shop whose times meet the edges of every window."""
    return Maker(rng).make()


def random_as_of(rng: Random, shop: Shop) -> int | None:
    """Return an as_of: the default, an instant of a message or order or near it, or far later."""
    times: list[int] = [message["sent_at"] for message in shop.rows("messages")]
    times += [order["created_at"] for order in shop.rows("orders")]
    times += [order["paid_at"] for order in shop.rows("orders") if order["paid_at"] is not None]
    for refund in shop.rows("refunds"):
        late = (refund["opened_at"], refund["closed_at"], refund["disputed_at"])
        times += [at for at in late if at is not None]
    last = latest(shop)
    if last is None or rng.random() < 0.3:
        return None
    if rng.random() < 0.5:
        return last + rng.choice((1, 24, 48, 24 * 7, 24 * 60)) * HOUR
    return max(rng.choice(times) + rng.choice((0, -1, 1, HOUR)), min(times))


@st.composite
def shops(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Shop:
    """Draw a random shop; it shrinks by losing rows and settings one at a time."""
    made = random_shop(Random(draw(st.integers(0, 2**32 - 1))))
    keep = st.integers(0, 15)
    tables = {name: [row for row in rows if draw(keep) != 0] for name, rows in made.tables.items()}
    settings = {name: value for name, value in made.settings.items() if draw(keep) != 0}
    return replace(made, tables=tables, settings=settings)
