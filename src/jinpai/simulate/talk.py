"""Write one chat between a buyer and an agent, line by line."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from typing import Any

from jinpai.simulate.model import Agent, Buyer, Product, World
from jinpai.simulate.roster import Roster

__all__ = ["Chat", "Stage"]

AUTO_SHARE = 0.6  # share of chats greeted by the account's auto-reply


class Stage:
    """What all chats share: chance, texts, the roster, the world, and the clock of each buyer."""

    def __init__(
        self, rng: random.Random, world: World, roster: Roster, phrases: dict[str, Any]
    ) -> None:
        self.rng, self.world, self.roster, self.phrases = rng, world, roster, phrases
        self.chats = 0
        self._taken: set[tuple[str, datetime]] = set()

    def free_second(self, buyer: Buyer, at: datetime) -> datetime:
        """Return the first second from ``at`` on in which nothing was said to or by the buyer."""
        while (buyer.buyer_id, at) in self._taken:
            at += timedelta(seconds=1)
        self._taken.add((buyer.buyer_id, at))
        return at

    def one_of(self, texts: list[str], **names: object) -> str:
        """Return one of the texts with its ``{names}`` filled in."""
        return self.rng.choice(texts).format(**names)


class Chat:
    """A chat in the making; ``at`` is the time of its last line.

    Attributes:
        waits: seconds the buyer waited for each answer.
        left: the buyer lost patience and is gone.
    """

    def __init__(self, stage: Stage, buyer: Buyer, agent: Agent, at: datetime) -> None:
        stage.chats += 1
        self.stage, self.buyer, self.agent, self.at = stage, buyer, agent, at
        self.chat_id = f"c{stage.chats:06d}"
        self.waits: list[float] = []
        self.left = False
        self._lines = 0

    def _line(self, sender: str, text: str, after: float, **more: object) -> None:
        wanted = self.at + timedelta(seconds=round(after))
        self.at = self.stage.free_second(self.buyer, wanted)
        self._lines += 1
        row: dict[str, Any] = {
            "conversation_id": self.chat_id,
            "buyer_id": self.buyer.buyer_id,
            "agent_id": self.agent.agent_id,
            "sent_at": self.at,
            "seq": self._lines,
            "sender": sender,
            "is_auto": False,
            "kind": "text",
            "text": text,
            "product_id": None,
        }
        self.stage.world.add("messages", row | more)

    def ask(self, text: str, after: float | None = None, **more: object) -> None:
        """The buyer writes, some seconds after the last line."""
        pause = self.stage.rng.lognormvariate(2.9, 0.7) if after is None else after
        self._line("buyer", text, min(pause, 400), **more)

    def say(self, sender: str, text: str, after: float, **more: object) -> None:
        """Somebody writes, exactly so many seconds after the last line."""
        self._line(sender, text, after, **more)

    def show(self, product: Product) -> None:
        """The buyer sends the link of a product."""
        text = self.stage.phrases["link"].format(product=product.product_id)
        self._line("buyer", text, 3, kind="link", product_id=product.product_id)

    def auto(self, name: str) -> None:
        """The account answers by itself with the text of that name."""
        self._line("agent", self.stage.phrases[name], 1, is_auto=True)

    def answer(self, text: str) -> None:
        """The agent answers as fast as he is, as busy as he is; the buyer may lose patience."""
        wait = self._wait()
        self.waits.append(wait)
        if wait > self.buyer.patience and not self.left:
            self.left = self.stage.rng.random() < 0.6
            if self.stage.rng.random() < 0.5:
                reached = self.at
                self.ask(self._phrase("buyer_impatient"), self.buyer.patience)
                wait = max(2.0, wait - (self.at - reached).total_seconds())
        self._line("agent", text, wait)

    def add(self, text: str) -> None:
        """The agent writes another line straight after his last."""
        self._line("agent", text, self.stage.rng.uniform(4, 25))

    def hand_to(self, agent: Agent) -> Chat:
        """Hand the buyer to another agent and return the new agent's chat."""
        self.add(self._phrase("transfer_out", colleague=agent.name))
        at = self.stage.free_second(self.buyer, self.at + timedelta(seconds=3))
        row = {
            "buyer_id": self.buyer.buyer_id,
            "from_agent_id": self.agent.agent_id,
            "to_agent_id": agent.agent_id,
            "at": at,
        }
        self.stage.world.add("transfers", row)
        self.close()
        follower = Chat(self.stage, self.buyer, agent, at)
        follower.left = self.left
        follower.answer(self._phrase("transfer_in", agent=agent.name))
        return follower

    def close(self) -> None:
        """Note until when the agent was busy with this chat."""
        self.stage.roster.occupy(self.agent, self.at)

    def _phrase(self, name: str, **names: object) -> str:
        return self.stage.one_of(self.stage.phrases[name], **names)

    def _wait(self) -> float:
        rng, roster = self.stage.rng, self.stage.roster
        crowd = 1 + 0.2 * max(0, roster.load(self.agent, self.at) - 1)
        wait = min(rng.lognormvariate(math.log(self.agent.speed * crowd), 0.6), 3000)
        back = roster.next_on(self.agent, self.at)
        if back > self.at:  # off duty: the first thing he does when he is back
            return (back - self.at).total_seconds() + rng.uniform(30, 1200)
        return wait
