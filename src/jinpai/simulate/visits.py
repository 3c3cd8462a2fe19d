"""What a buyer and an agent do in a visit: before the sale, after it, and when it is no sale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinpai.simulate.model import Agent, Buyer, Product
from jinpai.simulate.talk import AUTO_SHARE, Chat, Stage

__all__ = ["Visit", "after_sales", "chase", "look", "other_talk", "second_look"]


@dataclass(frozen=True)
class Visit:
    """How a pre-sales visit ended: the last chat, and whether its agent convinced the buyer."""

    chat: Chat
    convinced: bool


def _open(stage: Stage, buyer: Buyer, agent: Agent, at: datetime) -> Chat:
    """Begin a chat with the buyer's first line and the account's own greeting, if any."""
    chat = Chat(stage, buyer, agent, at)
    chat.ask(stage.one_of(stage.phrases["buyer_hello"]), 0)
    if not stage.roster.is_on(agent, chat.at):
        chat.auto("auto_closed")
    elif stage.rng.random() < AUTO_SHARE:
        chat.auto("auto_reply")
    return chat


def _ignored(chat: Chat, chance: float) -> bool:
    """Sometimes nobody answers: the account greets, the buyer asks again and goes."""
    stage = chat.stage
    if stage.rng.random() >= chance:
        return False
    if chat.stage.world.rows("messages")[-1]["sender"] == "buyer":
        chat.auto("auto_reply")
    if stage.rng.random() < 0.6:
        chat.ask(stage.one_of(stage.phrases["buyer_impatient"]), chat.buyer.patience)
    chat.left = True
    return True


def look(stage: Stage, buyer: Buyer, at: datetime, item: Product, busy: bool) -> Visit:
    """A pre-sales visit. ``busy`` is a campaign day: more goes unanswered, more is bought."""
    rng, phrases = stage.rng, stage.phrases
    chat = _open(stage, buyer, stage.roster.pick("presale", at), at)
    if rng.random() < 0.4:
        chat.show(item)
    if _ignored(chat, 0.05 if busy else 0.025):
        return Visit(chat, False)
    chat.answer(stage.one_of(phrases["agent_hello"], agent=chat.agent.name))
    for topic in rng.sample(
        sorted(phrases["presale"]), rng.randint(1, 2 + round(buyer.difficulty * 3))
    ):
        if not chat.left:
            chat = _topic(chat, "presale", topic, item)
    if not chat.left and rng.random() < 0.5:
        chat.add(stage.one_of(phrases["agent_push"]))
    convinced = not chat.left and rng.random() < _chance(chat, busy)
    return Visit(chat, convinced)


def _topic(chat: Chat, phase: str, topic: str, item: Product) -> Chat:
    """One question with its answer; returns the chat that goes on (a new one if handed over)."""
    stage, rng = chat.stage, chat.stage.rng
    names = {"item": item.title, "price": item.price, "days": rng.randint(2, 5), "order": "0000"}
    texts = stage.phrases[phase][topic]
    chat.ask(stage.one_of(texts["ask"], **names))
    if rng.random() < 0.04 and len(stage.roster.agents) > 1:
        chat = chat.hand_to(stage.roster.pick("presale", chat.at, but=chat.agent))
    chat.answer(stage.one_of(texts["answer"], **names))
    if phase == "presale" and rng.random() < chat.agent.thorough * 0.5:
        chat.add(stage.one_of(stage.phrases["agent_ask"]))
        if not chat.left:
            chat.ask(stage.one_of(stage.phrases["buyer_detail"]))
            chat.answer(stage.one_of(stage.phrases["agent_recommend"], **names))
    return chat


def _chance(chat: Chat, busy: bool) -> float:
    """True chance that the agent convinces this buyer, given how long he let him wait."""
    wait = sum(chat.waits) / max(1, len(chat.waits))
    patience = 1.15 - 0.1 * math.log1p(wait / 20)
    chance = 0.5 * chat.agent.talent * (1.3 - chat.buyer.difficulty) * patience
    chance *= 1 + 0.25 * chat.agent.thorough
    return max(0.02, min(0.95, chance * (1.15 if busy else 1.0)))


def second_look(stage: Stage, buyer: Buyer, at: datetime, but: Agent) -> Chat:
    """A convinced buyer comes back with one small question, to someone else where possible."""
    chat = _open(stage, buyer, stage.roster.pick("presale", at, but=but), at)
    chat.ask(stage.one_of(stage.phrases["second_opinion"]))
    chat.answer(stage.one_of(stage.phrases["second_answer"]))
    return chat


def chase(stage: Stage, buyer: Buyer, agent: Agent, at: datetime, item: str) -> Chat:
    """The agent reminds the buyer of an unpaid order; the agent writes first."""
    chat = Chat(stage, buyer, agent, at)
    chat.add(stage.one_of(stage.phrases["dunning"], item=item))
    if stage.rng.random() < 0.6:
        chat.ask(stage.one_of(stage.phrases["dunning_reply"]))
    chat.close()
    return chat


def after_sales(
    stage: Stage, buyer: Buyer, at: datetime, topic: str, item: Product, order_id: str
) -> Agent:
    """An after-sales visit; returns the agent who handled it."""
    rng, phrases = stage.rng, stage.phrases
    chat = _open(stage, buyer, stage.roster.pick("aftersale", at), at)
    texts: dict[str, Any] = phrases["aftersale"][topic]
    chat.ask(stage.one_of(texts["ask"], order=order_id[-4:]))
    if topic == "fault":
        chat.ask("[图片]", kind="image")
    if _ignored(chat, 0.03):
        chat.close()
        return chat.agent
    chat.answer(stage.one_of(texts["answer"], days=rng.randint(1, 3)))
    if topic == "fault" and rng.random() > chat.agent.care:
        chat.ask(stage.one_of(phrases["buyer_angry"]))
        chat.answer(stage.one_of(phrases["agent_sorry"]))
    chat.ask(stage.one_of(phrases["buyer_fine"]))
    if rng.random() < chat.agent.care:
        chat.answer(stage.one_of(phrases["agent_thanks"]))
    chat.close()
    return chat.agent


def other_talk(stage: Stage, buyer: Buyer, at: datetime) -> None:
    """Someone who is no customer: an advertiser or a colleague."""
    said, answered = (
        ("ads", "ad_answer") if buyer.kind == "ad" else ("colleague", "colleague_answer")
    )
    chat = Chat(stage, buyer, stage.roster.pick("presale", at), at)
    chat.ask(stage.one_of(stage.phrases[said]), 0)
    if stage.roster.is_on(chat.agent, at):
        chat.answer(stage.one_of(stage.phrases[answered]))
    else:
        chat.auto("auto_closed")
    chat.close()
