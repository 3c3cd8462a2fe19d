"""Orders and what becomes of them: payment, parcels, refunds, complaints, reviews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from jinpai.simulate import visits
from jinpai.simulate.model import Buyer, Product, Row
from jinpai.simulate.talk import Stage

__all__ = ["Aftermath"]

Book = Callable[[datetime, Callable[[datetime], None]], None]

FREE_POSTAGE, POSTAGE = 9900, 600  # fen
COUPON_FROM, COUPON = 20000, 2000  # campaign days: 20 yuan off from 200 yuan on


def yuan(fen: int) -> str:
    """Return an amount of fen as yuan with two decimals.

    >>> yuan(1205)
    '12.05'
    """
    return f"{fen // 100}.{fen % 100:02d}"


class Aftermath:
    """Fills orders with what happens after the buyer pressed the button.

    Rows carry more than the canonical columns, for exports that have it. Orders: ``lines`` (their
    order_items rows), ``postage``, ``phone``, ``care`` (how well the buyer was treated, 0-1).
    Items: the list ``price``. Reviews: ``sub_order_id``, ``reply``, and ``content``, which has the
    platform's words where the buyer wrote none.
    """

    def __init__(self, stage: Stage, book: Book) -> None:
        self.stage, self.rng, self.world, self._book = stage, stage.rng, stage.world, book
        self._refunds = 0

    def basket(self, buyer: Buyer, item: Product, at: datetime, order_id: str, busy: bool) -> Row:
        """Create an order with its lines and return its row."""
        goods = [item]
        while self.rng.random() < 0.22 * buyer.spend and len(goods) < 4:
            other = self.rng.choice(self.world.products)
            goods += [other] if other not in goods else []
        counts = [1 + (self.rng.random() < 0.15 * buyer.spend) for _ in goods]
        prices = [int(good.price.replace(".", "")) for good in goods]
        worth = [price * count for price, count in zip(prices, counts, strict=True)]
        if busy and sum(worth) >= COUPON_FROM:
            worth[worth.index(max(worth))] -= COUPON
        postage = 0 if sum(worth) >= FREE_POSTAGE else POSTAGE
        order = self._order(buyer, at, order_id, sum(worth) + postage, sum(counts), postage)
        for place, good in enumerate(goods):
            line = order_id if len(goods) == 1 else str(int(order_id) + place + 1)
            order["lines"].append(self._item(order_id, line, good, counts[place], worth[place]))
        return order

    def _item(self, order_id: str, line: str, good: Product, count: int, fen: int) -> Row:
        row = {
            "order_id": order_id,
            "sub_order_id": line,
            "product_id": good.product_id,
            "title": good.title,
            "quantity": count,
            "amount": yuan(fen),
            "price": good.price,
        }
        self.world.add("order_items", row)
        return row

    def _order(
        self, buyer: Buyer, at: datetime, order_id: str, due: int, count: int, postage: int
    ) -> Row:
        row: Row = {
            "order_id": order_id,
            "buyer_id": buyer.buyer_id,
            "created_at": at,
            "paid_at": None,
            "shipped_at": None,
            "finished_at": None,
            "closed_at": None,
            "payable_amount": yuan(due),
            "paid_amount": None,
            "item_count": count,
            "status": "unpaid",
            "flag": None,
            "note": None,
            "postage": yuan(postage),
            "phone": buyer.phone,
            "lines": [],
            "care": 0.93,
        }
        self.world.add("orders", row)
        return row

    def give_up(self, order: Row, at: datetime) -> None:
        """The platform closes an order that is still unpaid."""
        if not order["paid_at"]:
            order.update(closed_at=at, status="closed_unpaid")

    def pay(self, buyer: Buyer, item: Product, order: Row, at: datetime) -> None:
        """The buyer pays (once); from here the parcel takes its way."""
        if order["paid_at"] or order["closed_at"]:
            return
        order.update(paid_at=at, paid_amount=order["payable_amount"], status="paid")
        if self.rng.random() < 0.03 and len(order["lines"]) == 1:
            opened = at + timedelta(hours=self.rng.uniform(0.3, 5))
            self._book(opened, lambda when: self._refund(buyer, item, order, when))
            return
        shipped = at + timedelta(hours=self.rng.uniform(5, 40))
        self._book(shipped, lambda when: self._ship(buyer, item, order, when))
        if self.rng.random() < 0.13:
            asked = at + timedelta(hours=self.rng.uniform(14, 80))
            self._book(asked, lambda when: self._contact(buyer, item, order, when, "where"))

    def _ship(self, buyer: Buyer, item: Product, order: Row, at: datetime) -> None:
        order.update(shipped_at=at, status="shipped")
        finished = at + timedelta(days=self.rng.uniform(3, 9))
        self._book(finished, lambda when: self._finish(buyer, order, when))
        arrived = at + timedelta(days=self.rng.uniform(1.5, 4))
        luck = self.rng.random()
        if luck < 0.06:
            self._book(arrived, lambda when: self._fault(buyer, item, order, when))
        elif luck < 0.15:
            topic = self.rng.choice(["use", "invoice"])
            self._book(arrived, lambda when: self._contact(buyer, item, order, when, topic))

    def _contact(self, buyer: Buyer, item: Product, order: Row, at: datetime, topic: str) -> None:
        """An after-sales chat; how the buyer was treated stays with the order."""
        agent = visits.after_sales(self.stage, buyer, at, topic, item, order["order_id"])
        if topic == "fault":
            order["care"] = agent.care

    def _fault(self, buyer: Buyer, item: Product, order: Row, at: datetime) -> None:
        """Something is wrong with the goods: a chat, then mostly a refund, at times a complaint."""
        self._contact(buyer, item, order, at, "fault")
        if self.rng.random() < 0.8:
            opened = at + timedelta(hours=self.rng.uniform(0.5, 30))
            self._book(opened, lambda when: self._refund(buyer, item, order, when))
        if self.rng.random() < 0.35 * (1.1 - order["care"]):
            opened = at + timedelta(hours=self.rng.uniform(2, 60))
            self._book(opened, lambda when: self._complain(order, when))

    def _refund(self, buyer: Buyer, item: Product, order: Row, at: datetime) -> None:
        """A refund of one line: all of it before shipping, of the line or a part of it after."""
        self._refunds += 1
        unshipped = order["shipped_at"] is None
        line = order["lines"][0]
        fen = int(line["amount"].replace(".", ""))
        share = 100 if unshipped else self.rng.choice([100, 100, 50, 20])
        goods_back = not unshipped and share == 100 and self.rng.random() < 0.8
        closed = at + timedelta(hours=self.rng.uniform(0.5, 20 if unshipped else 130))
        disputed = not unshipped and self.rng.random() < 0.07
        outcome, closed_by = self._verdict(unshipped, disputed)
        reasons = self.stage.phrases["refund_reasons"]["unshipped" if unshipped else "shipped"]
        row = {
            "refund_id": str(150_000_000_000_000_000 + self._refunds),
            "order_id": order["order_id"],
            "sub_order_id": line["sub_order_id"],
            "opened_at": at,
            "closed_at": closed,
            "amount": yuan(fen * share // 100),
            "reason": self.rng.choice(reasons),
            "closed_by": closed_by,
            "outcome": outcome,
            "disputed_at": at if disputed else None,
            "goods_returned": goods_back,
        }
        self.world.add("refunds", row)
        if outcome == "refunded" and share == 100 and len(order["lines"]) == 1:
            self._book(closed, lambda when: order.update(closed_at=when, status="closed_refunded"))

    def _verdict(self, unshipped: bool, disputed: bool) -> tuple[str, str]:
        if unshipped or disputed:
            return "refunded", "platform" if disputed else "seller"
        return ("refunded", "seller") if self.rng.random() < 0.87 else ("cancelled", "buyer")

    def _complain(self, order: Row, at: datetime) -> None:
        stages = ["reception", "answering", "ordering", "delivery", "aftersales"]
        causes = ["attitude", "packaging", "logistics", "size", "quality", "other"]
        line = order["lines"][0]
        row = {
            "order_id": order["order_id"],
            "sub_order_id": line["sub_order_id"],
            "opened_at": at,
            "stage": self.rng.choices(stages, [2, 2, 1, 2, 5])[0],
            "cause": self.rng.choices(causes, [2, 1, 2, 1, 4, 1])[0],
        }
        self.world.add("complaints", row)

    def _finish(self, buyer: Buyer, order: Row, at: datetime) -> None:
        """The buyer confirms the parcel and perhaps writes a review; else the platform does."""
        if order["closed_at"]:
            return
        order.update(finished_at=at, status="finished")
        luck = self.rng.random()
        posted = at + timedelta(hours=self.rng.uniform(0.2, 70))
        if luck < 0.75:
            real = luck < 0.45
            self._book(posted, lambda when: self._review(buyer, order, when, real))

    def _review(self, buyer: Buyer, order: Row, at: datetime, real: bool) -> None:
        texts, rating, score = self.stage.phrases, "good", 5
        care = order["care"]
        if real:
            luck = self.rng.random()
            rating = (
                "good" if luck < care else "neutral" if luck < care + 0.4 * (1 - care) else "bad"
            )
            score = {"good": self.rng.choice([5, 5, 5, 4]), "neutral": 3, "bad": 1}[rating]
        agent = self.rng.choice(self.world.agents).name
        text = self.stage.one_of(texts[f"review_{rating}"], agent=agent) if real else None
        replied = at + timedelta(hours=self.rng.uniform(1, 40)) if rating != "good" else None
        line = order["lines"][0]
        row = {
            "review_id": line["sub_order_id"],
            "order_id": order["order_id"],
            "buyer_id": buyer.buyer_id,
            "posted_at": at,
            "rating": rating,
            "service_score": score if real else None,
            "text": text,
            "edited_at": None,
            "replied_at": replied,
            "content": text or texts["review_default"],
            "reply": texts["shop_reply"] if replied else None,
            "sub_order_id": line["sub_order_id"],
        }
        self.world.add("reviews", row)
