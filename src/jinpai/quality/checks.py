"""Checks that count or time what happened in a session; rules name them with their settings.

Each returns the messages that show it (possibly none, where it is an absence), with figures for the
reason, or None where it does not hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinpai.quality.session import Message, Session

__all__ = [
    "CHECKS", "CHECK_ACTS", "CURT", "FILLERS", "NEEDS", "NEVER", "STEPS", "Hit", "is_bare",
    "is_recall", "is_short", "whole",
]  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """That a condition holds: the messages that show it, and figures for the reason."""

    messages: tuple[Message, ...] = ()
    acts: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    order_id: str | None = None


Check = Callable[[Session, Mapping[str, float]], Hit | None]

NEVER = "∞"  # the wait for an answer that did not come


def first_response(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The first answer came later than ``seconds``, or never did."""
    if not session.rounds:
        return None
    asked, answer = session.rounds[0]
    if answer is None:
        return Hit((asked,), figures={"wait": NEVER})
    wait = _wait(asked, answer)
    if wait is None or wait <= settings["seconds"]:
        return None
    return Hit((asked, answer), figures={"wait": whole(wait)})


def slow_round(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """A later answer took longer than ``seconds``."""
    slow = [
        (asked, answer)
        for asked, answer in session.rounds[1:]
        if answer is not None and (_wait(asked, answer) or 0) > settings["seconds"]
    ]
    if not slow:
        return None
    longest = max(_wait(asked, answer) or 0 for asked, answer in slow)
    shown = tuple(message for pair in slow for message in pair)
    return Hit(shown, figures={"wait": whole(longest), "count": len(slow)})


def nagging(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """More than ``ratio`` messages of the agent for each of the buyer."""
    said, asked = len(session.human), len(session.buyer)
    if not asked or said <= settings["ratio"] * asked:
        return None
    return Hit(session.human, figures={"agent": said, "buyer": asked})


def unanswered_end(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The buyer's last words were never answered, and were no courtesy; handed over is not this."""
    if not session.rounds or session.rounds[-1][1] is not None or not session.human:
        return None
    if left_unanswered(session, settings) is not None:
        return None
    opened = session.messages.index(session.rounds[-1][0])
    left = [message for message in session.messages[opened:] if message.role == "buyer"]
    if all(_is_courtesy(message) for message in left):
        return None
    return Hit(tuple(left), figures={"count": len(left)})


# What is no courtesy though it may look like one: a "yes" tells the agent to go on.
NEEDS = frozenset(
    {"buyer.ask_price", "buyer.ask_stock", "buyer.ask_size", "buyer.confirm", "buyer.urge"}
)


def _is_courtesy(message: Message) -> bool:
    return "buyer.courtesy_close" in message.acts and NEEDS.isdisjoint(message.acts)


def left_unanswered(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The agent handed the buyer over with a question open, and never answered it."""
    if not session.rounds or session.rounds[-1][1] is not None:
        return None
    asked = session.rounds[-1][0]
    left = [at for at in session.transfers if asked.at is not None and at >= asked.at]
    if not left:
        return None
    waited = left[0] - (asked.at or 0.0)
    return Hit((asked,), figures={"wait": whole(waited)})


def silent_watch(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """An order stayed unpaid for ``seconds`` and nobody reminded the buyer in that time."""
    for order in session.orders:
        until = order.created_at + settings["seconds"]
        known = session.as_of is None or session.as_of >= until
        settled = [at for at in (order.paid_at, order.closed_at) if at is not None and at < until]
        reminded = any(order.created_at <= at <= until for at in order.reminded_at)
        if known and not settled and not reminded:
            minutes = whole(settings["seconds"] / 60)
            return Hit(figures={"minutes": minutes}, order_id=order.order_id)
    return None


STEPS = (
    ("agent.ask_want", "问要什么", "asking what is wanted"),
    ("agent.ask_why", "问为什么", "asking why"),
    ("agent.recommend_also", "推荐", "recommending"),
)


def selling_chain(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The agent began to sell, but want, why and also did not all come, in this order."""
    shown, missing, place = list[Message](), list[tuple[str, str]](), 0
    begun = any(
        act in message.acts for message in session.human for act, *_ in (STEPS[0], STEPS[2])
    )
    for act, zh, en in STEPS:
        later = enumerate(session.human[place:], place)
        at = next((at for at, message in later if act in message.acts), None)
        if at is None:
            missing.append((zh, en))
        else:
            shown.append(session.human[at])
            place = at
    if not begun or not missing:
        return None
    names = {"missing_zh": "、".join(zh for zh, _ in missing)}
    names["missing_en"] = ", ".join(en for _, en in missing)
    return Hit(tuple(dict.fromkeys(shown)), tuple(act for act, *_ in STEPS), names)


_SUGGESTS = {"agent.recommend_also", "agent.offer_alternative"}


def unlike_product(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The agent recommended a product with nothing in common with those the buyer asked about.

    A link or a card of the agent recommends, and so does a message that says so.
    """
    asked = list[Message]()
    for message in session.messages:
        if message.product is None:
            continue
        if message.role == "buyer":
            asked.append(message)
        elif message.role == "agent" and _suggests(message) and _is_unlike(message, asked):
            return Hit((asked[-1], message), tuple(sorted(_SUGGESTS)))
    return None


def _is_unlike(shown: Message, asked: list[Message]) -> bool:
    known = [one.product for one in asked if one.product is not None]
    return shown.product is not None and bool(known) and all(map(shown.product.is_unlike, known))


def _suggests(message: Message) -> bool:
    return message.kind in ("link", "card") or not _SUGGESTS.isdisjoint(message.acts)


_WORD = re.compile(r"\w")
FILLERS = "亲哦呢哈啊呀的了嗯恩噢~～。.!！?？,，"
_FILLER = re.compile(rf"[{FILLERS}\s]+")


# A short word that is one of these is an answer all the same, and none that anybody likes.
CURT = frozenset({"agent.stiff_refusal", "agent.sarcasm"})


def single_emoji(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """An answer was one emoji and nothing else."""
    bare = [message for message in _answers(session) if _is_emoji(message)]
    return Hit(tuple(bare)) if bare else None


def _is_emoji(message: Message) -> bool:
    return message.kind == "emoji" or is_bare(message.text)


def is_bare(text: str) -> bool:
    """Tell whether a text is one emoji, or what stands for one, and nothing else."""
    text = text.strip()
    if re.fullmatch(r"#E-?s?\S{0,8}|/:\S{1,8}|\[[^\[\]]{1,6}\]", text):
        return True
    return (
        0 < len(text) <= 8 and not _WORD.search(text) and any(ord(char) > 0x2190 for char in text)
    )


def one_word(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """An answer to a question had no more than ``characters`` besides fillers."""
    short = [
        message
        for message in _answers(session)
        if message.kind == "text"
        and is_short(message.text, settings["characters"])
        and message.acts <= CURT
    ]
    return Hit(tuple(short)) if short else None


def is_short(text: str, characters: float) -> bool:
    """Tell whether a text has a word, and no more than so many characters besides fillers."""
    return bool(_WORD.search(text)) and len(_FILLER.sub("", text)) <= characters


def _answers(session: Session) -> list[Message]:
    """Return the answers that stand alone: the only human message between two of the buyer."""
    found = list[Message]()
    messages = [message for message in session.messages if message.role in ("agent", "buyer")]
    for place, message in enumerate(messages):
        alone = place > 0 and messages[place - 1].role == "buyer"
        ends = place + 1 == len(messages) or messages[place + 1].role == "buyer"
        if message.role == "agent" and alone and ends:
            closes = "buyer.courtesy_close" in messages[place - 1].acts
            found += [] if closes else [message]
    return found


def repeated_phrase(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The agent wrote the same words ``times`` or more."""
    counts = Counter(
        message.text.strip() for message in session.human if len(message.text.strip()) > 3
    )
    text, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    if count < settings["times"]:
        return None
    same = tuple(message for message in session.human if message.text.strip() == text)
    return Hit(same, figures={"count": count})


_RECALL = re.compile(r"(你|您|客服)?撤回了一条消息|(message|msg) (was )?recalled", re.IGNORECASE)


def recalled(session: Session, settings: Mapping[str, float]) -> Hit | None:
    """The agent took a message back."""
    found = tuple(message for message in session.human if is_recall(message.text))
    return Hit(found) if found else None


def is_recall(text: str) -> bool:
    """Tell whether a text is what platforms put in place of a message taken back."""
    return _RECALL.fullmatch(text.strip()) is not None


def _wait(asked: Message, answer: Message) -> float | None:
    return None if asked.at is None or answer.at is None else answer.at - asked.at


def whole(value: float) -> float | int:
    """Return seconds with at most one decimal place."""
    return int(value) if value == int(value) else round(value, 1)


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        first_response, slow_round, nagging, unanswered_end, left_unanswered, silent_watch,
        selling_chain, unlike_product, single_emoji, one_word, repeated_phrase, recalled,
    )
}  # fmt: skip

# The acts a check looks at: how they are recognised is part of what its rule finds.
CHECK_ACTS: dict[str, tuple[str, ...]] = {
    "unanswered_end": ("buyer.courtesy_close", *sorted(NEEDS)),
    "silent_watch": ("agent.dunning",),
    "selling_chain": tuple(act for act, *_ in STEPS),
    "unlike_product": tuple(sorted(_SUGGESTS)),
    "single_emoji": ("buyer.courtesy_close",),
    "one_word": ("buyer.courtesy_close", *sorted(CURT)),
}
