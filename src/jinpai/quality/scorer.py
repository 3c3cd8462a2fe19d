"""Scorers: what judges what patterns cannot see, behind one protocol.

The shipped default judges by the lexicon: no download, no training. `train.train` fits others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from jinpai.errors import UsageError
from jinpai.quality.examples import Example
from jinpai.quality.features import Numbers, last_answer, turn_unease
from jinpai.quality.labels import Label
from jinpai.quality.lexicon import cue, valence
from jinpai.quality.texts import plain

__all__ = ["TASKS", "Scorer", "Task", "default_scorer"]

Task = Literal["sentiment", "satisfaction", "handoff"]
TASKS: tuple[Task, ...] = ("sentiment", "satisfaction", "handoff")

# Worst first; the middle one, where there is one, is what nothing speaks for or against.
_CLASSES: dict[Task, tuple[str, ...]] = {
    "sentiment": ("negative", "neutral", "positive"),
    "satisfaction": ("dissatisfied", "neutral", "satisfied"),
    "handoff": ("true", "false"),
}
_SAME = {"1": "true", "0": "false", "yes": "true", "no": "false"}
# How far from the middle a score must lie to leave it.
_MIDDLE = {"sentiment": 0.5, "satisfaction": 1.5, "handoff": 0.0}


class Scorer(Protocol):
    """Judges examples.

    Attributes:
        classes: what it tells apart.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...

    def scores(self, examples: Sequence[Example]) -> Numbers:
        """Return one row per example, one column per class; the highest is the judgement."""
        ...


@dataclass(frozen=True)
class LexiconScorer:
    """The default: feeling words and cues, with weights of our own."""

    task: Task
    classes: tuple[str, ...]
    bad: tuple[float, ...]

    def scores(self, examples: Sequence[Example]) -> Numbers:
        """Return one row per example, one column per class."""
        unease = np.array([_UNEASE[self.task](example) for example in examples], np.float64)
        middle = np.full(len(unease), _MIDDLE[self.task])
        columns = [middle if sign == 0.0 else sign * unease for sign in self.bad]
        return np.stack(columns, axis=1) if len(unease) else np.zeros((0, len(columns)))


def default_scorer(task: Task, label: Label, classes: Sequence[str]) -> LexiconScorer:
    """Return the shipped scorer, choosing among the classes a file has.

    A label of two classes is judged by the one it names: ``=VALUE`` is that class, a number below
    a limit is the bad end, above it the good end.
    Raises UsageError for classes the default does not know.
    """
    known = _CLASSES[task]
    signs = dict(zip(known, (1.0, 0.0, -1.0) if len(known) == 3 else (1.0, -1.0), strict=True))
    if not label.test:
        unknown = sorted(name for name in classes if _SAME.get(name, name) not in signs)
        if unknown:
            raise _unknown(task, unknown, known)
        return LexiconScorer(
            task, tuple(classes), tuple(signs[_SAME.get(name, name)] for name in classes)
        )
    yes = _yes_sign(task, label, signs)
    return LexiconScorer(task, ("false", "true"), (-yes, yes))


def _yes_sign(task: Task, label: Label, signs: dict[str, float]) -> float:
    """Return whether a label's "true" is the bad end (1) or the good one (-1)."""
    if label.is_numeric:
        return 1.0 if label.test.startswith("<") else -1.0
    named = _SAME.get(label.against, label.against)
    if not signs.get(named):
        raise _unknown(task, [label.against], [name for name, sign in signs.items() if sign])
    return signs[named]


def _unknown(task: str, names: Sequence[str], known: Sequence[str]) -> UsageError:
    return UsageError(
        f"The shipped scorer of '{task}' does not know {', '.join(names)}; it tells apart"
        f" {', '.join(known)}. Give a trained one with --model.",
        zh=f"内置的 {task} 判断器不认识 {'、'.join(names)}，只能区分"
        f" {'、'.join(known)}。请用 --model 指定训练好的模型。",
    )


def _feeling(example: Example) -> float:
    """Return how unpleasant the last text is."""
    return -valence(plain(example.text)) + 0.01


def _unease(example: Example) -> float:
    """Return how uneasy a buyer is at a turn; of a whole dialogue, how it went and ended."""
    turns = example.seen
    if example.is_dialogue:
        spoken = [
            turn_unease(turn.text, last_answer(turns[:place]))
            for place, turn in enumerate(turns)
            if turn.role == "buyer"
        ]
        return (spoken[-1] + sum(spoken) / len(spoken) if spoken else 0.0) - 1.0
    return turn_unease(example.text, last_answer(turns[:-1])) - 1.0


def _calls(example: Example) -> float:
    """Return how much the writer wants a human; of a dialogue, at its strongest."""
    turns = example.seen if example.is_dialogue else example.seen[-1:]
    wish = 0.0
    for turn in turns:
        text = plain(turn.text)
        wish = max(wish, 2.0 * cue("handoff.asks", text, 2) + cue("handoff.lost", text, 2))
    return wish - 1.0 + 0.05 * _repeats(example)


def _repeats(example: Example) -> float:
    """Return how often the last text had been said before."""
    texts = [turn.text for turn in example.seen]
    return float(texts[:-1].count(texts[-1])) if texts else 0.0


_UNEASE = {"sentiment": _feeling, "satisfaction": _unease, "handoff": _calls}
