"""What a model sees of an example: named blocks of text, and a few numbers.

Everything comes from what had been said when the example is judged (`Example.seen`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from jinpai.quality.examples import Example, Turn
from jinpai.quality.labels import Level
from jinpai.quality.lexicon import cue, valence
from jinpai.quality.texts import plain

__all__ = ["BLOCKS", "Numbers", "blocks_of", "numbers_of", "turn_unease"]

Numbers = npt.NDArray[np.float64]

# Blocks of text by level, with the weight of each beside the others.
BLOCKS: dict[Level, dict[str, float]] = {
    "item": {"text": 1.0},
    "turn": {"text": 1.0, "head": 0.5, "tail": 0.5},
    "dialogue": {"opening": 1.0, "later": 1.0, "agent": 1.0, "last_buyer": 1.0, "last_agent": 1.0},
}
_HEAD, _TAIL = 4, 6


def blocks_of(level: Level, example: Example) -> dict[str, str]:
    """Return the blocks of an example; ``^`` and ``$`` mark where a message begins and ends."""
    if level == "item":
        return {"text": _plain(example.text)}
    if level == "turn":
        text = _plain(example.text)
        return {"text": f"^{text}$", "head": f"^{text[:_HEAD]}", "tail": f"{text[-_TAIL:]}$"}
    return _dialogue_blocks(example.seen)


def _dialogue_blocks(turns: Sequence[Turn]) -> dict[str, str]:
    texts = [(turn.role, f"^{_plain(turn.text)}$") for turn in turns]
    last = texts[-1] if texts else ("", "")
    return {
        "opening": texts[0][1] if texts else "",
        "later": "\n".join(text for role, text in texts[1:] if role == "buyer"),
        "agent": "\n".join(text for role, text in texts if role == "agent"),
        "last_buyer": last[1] if last[0] == "buyer" else "",
        "last_agent": last[1] if last[0] == "agent" else "",
    }


def numbers_of(level: Level, example: Example) -> list[float]:
    """Return the numbers of an example, always as many for a level."""
    if level == "item":
        value = valence(_plain(example.text))
        return [_squeeze(value), float(value > 0), float(value < 0)]
    return _turn_numbers(example) if level == "turn" else _dialogue_numbers(example.seen)


@lru_cache(maxsize=1 << 14)
def _plain(text: str) -> str:
    return plain(text)


def _squeeze(value: float) -> float:
    return math.copysign(math.log1p(abs(value)), value)


@lru_cache(maxsize=1 << 14)
def turn_unease(text: str, answer_before: str) -> float:
    """Return how uneasy a buyer's message sounds, after what the agent last said; higher is worse.

    The weights are ours: questions and blame raise it, pleasant words and courtesy lower it.
    """
    said, heard = _plain(text), _plain(answer_before)
    return (
        -0.3 * valence(said)
        + 0.5 * cue("buyer.question", said, 2)
        + 0.6 * cue("buyer.blame", said, 4)
        - 1.2 * cue("buyer.courtesy", said, 1)
        + 0.4 * cue("agent.refusal", heard, 1)
        + 0.3 * cue("buyer.emphasis", said, 1)
    )


def last_answer(turns: Sequence[Turn]) -> str:
    """Return what the agent last said, or nothing."""
    return next((turn.text for turn in reversed(turns) if turn.role == "agent"), "")


def _turn_numbers(example: Example) -> list[float]:
    before = example.seen[:-1]
    text, answer = _plain(example.text), last_answer(before)
    history = list[float]()
    heard = ""
    for turn in before:
        if turn.role == "agent":
            heard = turn.text
        elif turn.role == "buyer":
            history.append(turn_unease(turn.text, heard))
    return [
        valence(text),
        cue("buyer.question", text, 2),
        cue("buyer.courtesy", text, 1),
        cue("buyer.blame", text, 4),
        cue("agent.refusal", _plain(answer), 1),
        cue("buyer.emphasis", text, 1),
        math.log1p(len(text)),
        turn_unease(example.text, answer),
        sum(history) / len(history) if history else 0.0,
        float(bool(before) and before[-1].role == "agent"),
    ]


def _dialogue_numbers(turns: Sequence[Turn]) -> list[float]:
    texts = [_plain(turn.text) for turn in turns] or [""]
    buyer = [text for turn, text in zip(turns, texts, strict=False) if turn.role == "buyer"]
    agent = [text for turn, text in zip(turns, texts, strict=False) if turn.role == "agent"]
    ends_buyer = bool(turns) and turns[-1].role == "buyer"
    said_last = buyer[-1] if buyer else ""
    again = len(buyer) > 1
    return [
        *(float(len(turns) >= size) for size in range(2, 8)),
        float(ends_buyer),
        ends_buyer * len(turns) / 5,
        ends_buyer * math.log1p(len(texts[-1])),
        (not ends_buyer) * math.log1p(len(texts[-1])),
        math.log1p(len(texts[0])),
        _squeeze(valence(texts[0])),
        _squeeze(sum(map(valence, buyer[1:]))),
        _squeeze(valence(said_last)),
        ends_buyer * _squeeze(valence(texts[-1])),
        again * cue("buyer.thanks", said_last),
        float(ends_buyer and cue("buyer.thanks", texts[-1], 1)),
        (ends_buyer and len(turns) > 1) * cue("buyer.outrage", texts[-1]),
        _counted("buyer.outrage", buyer, 4),
        _counted("agent.stub", agent, 3),
        _counted("agent.solution", agent, 3),
        float(not agent),
    ]


def _counted(name: str, texts: Sequence[str], cap: int) -> float:
    return float(min(cap, sum(cue(name, text, cap) for text in texts)))
