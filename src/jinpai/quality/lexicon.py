"""The lexicon of feeling words and cues: what is judged where nothing was trained.

Words and weights are our own (words.yaml, cues.yaml). A word counts ±3, ±2 or ±1 by its list; the
longest word wins at each place; a pleasant word right after a negation counts as unpleasant.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinpai.quality.texts import words_only
from jinpai.shipped import parsed

__all__ = ["cue", "valence"]

_WEIGHTS = {3: 3.0, 2: 2.0, 1: 0.25}
_NEGATIONS = frozenset("不没未无别莫勿")


def _data(name: str) -> Any:
    return parsed(files(__package__).joinpath(name).read_text("utf-8"))


@cache
def _words() -> dict[str, tuple[tuple[str, float], ...]]:
    """Return first character -> its words with their values, longest first."""
    values = dict[str, float]()
    data = _data("words.yaml")
    for kind, sign in (("positive", 1.0), ("negative", -1.0)):
        for strength, listed in data[kind].items():
            values |= dict.fromkeys(str(listed).split(), sign * _WEIGHTS[strength])
    by_first = dict[str, list[tuple[str, float]]]()
    for word in sorted(values, key=lambda word: (-len(word), word)):
        by_first.setdefault(word[0], []).append((word, values[word]))
    return {first: tuple(listed) for first, listed in by_first.items()}


def valence(text: str) -> float:
    """Return how pleasant a plain text is: the sum of its words, 0 where it has none.

    >>> valence("很满意") > 0 > valence("不满意")
    True
    """
    words, text = _words(), words_only(text)
    total, place = 0.0, 0
    while place < len(text):
        step = 1
        for word, value in words.get(text[place], ()):
            if text.startswith(word, place):
                turned = value > 0 and not _NEGATIONS.isdisjoint(text[max(0, place - 2) : place])
                total += -value if turned else value
                step = len(word)
                break
        place += step
    return total


@cache
def _cues() -> dict[str, re.Pattern[str]]:
    return {
        f"{group}.{name}": re.compile(pattern)
        for group, listed in _data("cues.yaml").items()
        for name, pattern in listed.items()
    }


def cue(name: str, text: str, cap: int = 4) -> int:
    """Return how often a plain text shows a cue such as ``buyer.blame``, at most ``cap``."""
    count = 0
    for _ in _cues()[name].finditer(text):
        count += 1
        if count == cap:
            break
    return count
