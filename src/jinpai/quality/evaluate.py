"""How well a scorer judges a labelled file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from jinpai.errors import UsageError
from jinpai.quality.examples import Example
from jinpai.quality.features import Numbers
from jinpai.quality.scorer import Scorer

__all__ = ["evaluate", "figures"]


def evaluate(scorer: Scorer, examples: Sequence[Example]) -> dict[str, Any]:
    """Return n, accuracy, macro_f1 and auc (null unless there are two classes) of a scorer."""
    return figures(scorer.classes, scorer.scores(examples), examples)


def figures(classes: Sequence[str], scores: Numbers, examples: Sequence[Example]) -> dict[str, Any]:
    """Return the same of scores already made, one row per example, one column per class.

    macro_f1 is the mean over the classes that are in the file or were judged. Raises UsageError
    where the classes have nothing in common with the labels.
    """
    true = [example.label for example in examples]
    if set(classes).isdisjoint(true):
        seen = ", ".join(sorted(set(true))[:8])
        raise UsageError(
            f"The model tells apart {', '.join(classes[:8])}; the labels here are {seen}. Give the"
            " --label it was trained on.",
            zh=f"模型区分的是 {'、'.join(classes[:8])}，而数据的标签是 {seen}。"
            "请使用训练时的 --label。",
        )
    judged = [classes[place] for place in scores.argmax(axis=1)]
    return {
        "n": len(examples),
        "accuracy": float(accuracy_score(true, judged)),
        "macro_f1": float(f1_score(true, judged, average="macro", zero_division=0.0)),
        "auc": _auc(classes, scores, true),
    }


def _auc(classes: Sequence[str], scores: Numbers, true: Sequence[str]) -> float | None:
    """Return how often the second class is scored above the first, ties half."""
    if len(classes) != 2 or set(true) != set(classes):
        return None
    is_second = np.array([label == classes[1] for label in true])
    return float(roc_auc_score(is_second, scores[:, 1] - scores[:, 0]))
