"""Training: labelled examples in, a linear model out. Deterministic: no drawing of lots anywhere.

What is fitted: a hinge loss for single texts, a logistic one for turns and dialogues, and where
the label is a number, how far it lies from its limit (a number says more than its side of it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from jinpai.errors import UsageError
from jinpai.quality.examples import Example
from jinpai.quality.features import BLOCKS, Numbers
from jinpai.quality.labels import Label
from jinpai.quality.model import (
    FORMAT,
    Block,
    Header,
    LinearModel,
    block_texts,
    number_rows,
    vectorizer,
)
from jinpai.quality.scorer import Task

__all__ = ["train"]

_SHORT = 20  # characters: in texts shorter than this, three-character runs say nothing more


@dataclass(frozen=True)
class _Recipe:
    """How a level is fitted: n-grams, in how many texts a term must be, strength, numbers."""

    ngrams: tuple[int, int]
    least: int
    fit: Literal["hinge", "logistic", "distance"]
    strength: float
    number_weight: float


def train(task: Task, label: Label, examples: Sequence[Example], label_text: str) -> LinearModel:
    """Return a model that tells the labels of the examples apart.

    Raises UsageError with fewer than two classes.
    """
    classes = tuple(sorted({example.label for example in examples}))
    if len(classes) < 2:
        raise UsageError(
            f"Every example has the label '{classes[0]}'; training needs at least two classes.",
            zh=f"所有样本的标签都是“{classes[0]}”；训练至少需要两个类别。",
        )
    recipe = _recipe(label, examples)
    parts, blocks = _texts(label, examples, recipe)
    rows = number_rows(label.level, examples)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < 1e-9] = 1.0
    numbers = csr_matrix((rows - mean) / spread * recipe.number_weight)
    weights, offsets = _fit(hstack([*parts, numbers]).tocsr(), label, examples, classes, recipe)
    header = Header(
        format=FORMAT,
        task=task,
        label=label_text,
        level=label.level,
        classes=classes,
        ngrams=recipe.ngrams,
        number_weight=recipe.number_weight,
        trained_on=len(examples),
    )
    return LinearModel(header, blocks, mean, spread, weights, offsets)


def _recipe(label: Label, examples: Sequence[Example]) -> _Recipe:
    if label.level == "item":
        short = median(len(example.text) for example in examples) < _SHORT
        if short:
            return _Recipe((1, 2), 1, "hinge", 1.0, 0.1)
        return _Recipe((1, 4), 2, "hinge", 0.4, 0.1)
    if label.level == "turn":
        return _Recipe((1, 3), 1, "logistic", 1.0, 0.1)
    if label.is_numeric:
        return _Recipe((1, 3), 2, "distance", 2.0, 0.06)
    return _Recipe((1, 3), 2, "logistic", 4.0, 0.06)


def _texts(
    label: Label, examples: Sequence[Example], recipe: _Recipe
) -> tuple[list[Any], dict[str, Block]]:
    parts, blocks = [], {}
    for name, texts in block_texts(label.level, examples).items():
        least = _least(texts, recipe.least)
        made = vectorizer(recipe.ngrams, least, None if any(texts) else ["^"])
        parts.append(made.fit_transform(texts) * BLOCKS[label.level][name])
        blocks[name] = Block(tuple(map(str, made.get_feature_names_out())), made.idf_)
    return parts, blocks


def _least(texts: Sequence[str], least: int) -> int:
    """Return in how many texts a term must be; 1 where there are too few to ask for more."""
    return least if sum(map(bool, texts)) >= 200 else 1


def _fit(
    matrix: Any, label: Label, examples: Sequence[Example], classes: Sequence[str], recipe: _Recipe
) -> tuple[Numbers, Numbers]:
    """Return weights and offsets."""
    if recipe.fit == "distance":
        values = np.array([example.value - label.limit for example in examples])
        sign = -1.0 if label.test.startswith("<") else 1.0
        target = np.tanh(1.3 * values / (values.std() or 1.0)) * sign
        fitted = Ridge(alpha=recipe.strength, solver="sparse_cg", tol=1e-6).fit(matrix, target)
        return fitted.coef_.reshape(1, -1), np.atleast_1d(fitted.intercept_)
    places = {name: place for place, name in enumerate(classes)}
    target = np.array([places[example.label] for example in examples])
    if recipe.fit == "hinge":
        fitted = LinearSVC(C=recipe.strength, dual=True, random_state=0, max_iter=5000)
    else:
        fitted = LogisticRegression(C=recipe.strength, max_iter=3000, tol=1e-5)
    fitted.fit(matrix, target)
    return fitted.coef_, fitted.intercept_


def class_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples each class has, by class."""
    return dict(sorted(Counter(example.label for example in examples).items()))
