"""Training: labelled examples in, a model out. The same examples give the same model.

What is fitted: a hinge loss for single texts, a logistic one for turns and dialogues, and where
the label is a number, how far it lies from its limit (a number says more than its side of it).
In long texts each term is first stretched by how one-sided it is (naive Bayes); turns get an offset
for their dialogue, forgotten afterwards: who labelled a dialogue harshly did so in all of it.
To many long texts networks are fitted too, and what they say is added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags, hstack
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
    TrainedModel,
    block_texts,
    number_rows,
    vectorizer,
)
from jinpai.quality.network_fit import fit_network
from jinpai.quality.scorer import Task

__all__ = ["train"]

_Target = npt.NDArray[np.int64]

_MANY = 10_000  # examples from which on networks add something
_SHORT = 20  # characters: in texts shorter than this, three-character runs say nothing more


@dataclass(frozen=True)
class _Recipe:
    """How a level is fitted: n-grams, in how many texts a term must be, strength, numbers.

    Attributes:
        reach: how far apart two characters may lie to make a term (0: no pairs).
        stretch: what is added to each term's weight before its one-sidedness (0: not stretched).
        group_weight: of the offset of a dialogue (0: none).
        numbers: how many of the columns, the last ones, are numbers.
        networks: how many are fitted.
        network_weight: of the mean of what they say.
    """

    ngrams: tuple[int, int]
    least: int
    fit: Literal["hinge", "logistic", "distance"]
    strength: float
    number_weight: float
    reach: int = 0
    stretch: float = 0.0
    group_weight: float = 0.0
    numbers: int = 0
    networks: int = 0
    network_weight: float = 0.3


def train(task: Task, label: Label, examples: Sequence[Example], label_text: str) -> TrainedModel:
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
    texts = block_texts(label.level, examples)
    parts, blocks = _blocks(label, texts, recipe)
    rows = number_rows(label.level, examples)
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread < 1e-9] = 1.0
    numbers = csr_matrix((rows - mean) / spread * recipe.number_weight)
    recipe = replace(recipe, numbers=rows.shape[1])
    target = _target(examples, classes)
    weights, offsets = _fit(hstack([*parts, numbers]).tocsr(), label, examples, target, recipe)
    header = Header(
        format=FORMAT,
        task=task,
        label=label_text,
        level=label.level,
        classes=classes,
        ngrams=recipe.ngrams,
        reach=recipe.reach,
        number_weight=recipe.number_weight,
        networks=recipe.networks,
        network_weight=recipe.network_weight,
        trained_on=len(examples),
    )
    networks = tuple(
        fit_network(texts["text"], target, len(classes), seed=seed)
        for seed in range(recipe.networks)
    )
    return TrainedModel(header, blocks, mean, spread, weights, offsets, networks)


def _recipe(label: Label, examples: Sequence[Example]) -> _Recipe:
    if label.level == "item":
        short = median(len(example.text) for example in examples) < _SHORT
        if short:
            return _Recipe((1, 2), 1, "hinge", 1.0, 0.1)
        networks = 2 if len(examples) >= _MANY else 0
        return _Recipe((1, 5), 2, "hinge", 0.6, 0.0, reach=4, stretch=0.1, networks=networks)
    if label.level == "turn":
        return _Recipe((1, 3), 1, "logistic", 3.0, 0.1, group_weight=1.0)
    if label.is_numeric:
        return _Recipe((1, 3), 2, "distance", 2.0, 0.06)
    return _Recipe((1, 3), 2, "logistic", 4.0, 0.06)


def _blocks(
    label: Label, texts: dict[str, list[str]], recipe: _Recipe
) -> tuple[list[Any], dict[str, Block]]:
    parts, blocks = [], {}
    for name, said in texts.items():
        least = _least(said, recipe.least)
        made = vectorizer(recipe.ngrams, recipe.reach, least, None if any(said) else ["^"])
        parts.append(made.fit_transform(said) * BLOCKS[label.level][name])
        blocks[name] = Block(tuple(map(str, made.get_feature_names_out())), made.idf_)
    return parts, blocks


def _least(texts: Sequence[str], least: int) -> int:
    """Return in how many texts a term must be; 1 where there are too few to ask for more."""
    return least if sum(map(bool, texts)) >= 200 else 1


def _fit(
    matrix: Any, label: Label, examples: Sequence[Example], target: _Target, recipe: _Recipe
) -> tuple[Numbers, Numbers]:
    """Return weights and offsets."""
    if recipe.fit == "distance":
        values = np.array([example.value - label.limit for example in examples])
        sign = -1.0 if label.test.startswith("<") else 1.0
        distance = np.tanh(1.3 * values / (values.std() or 1.0)) * sign
        fitted = Ridge(alpha=recipe.strength, solver="sparse_cg", tol=1e-6).fit(matrix, distance)
        return fitted.coef_.reshape(1, -1), np.atleast_1d(fitted.intercept_)
    if recipe.fit == "hinge":
        return _hinges(matrix, target, recipe)
    fitted = LogisticRegression(C=recipe.strength, max_iter=3000, tol=1e-5)
    fitted.fit(_with_groups(matrix, examples, recipe.group_weight), target)
    return fitted.coef_[:, : matrix.shape[1]], fitted.intercept_


def _target(examples: Sequence[Example], classes: Sequence[str]) -> _Target:
    """Return the place of each example's class."""
    places = {name: place for place, name in enumerate(classes)}
    return np.array([places[example.label] for example in examples], np.int64)


def _hinges(matrix: Any, target: _Target, recipe: _Recipe) -> tuple[Numbers, Numbers]:
    """Return weights and offsets: a row per class against the rest; of two, of the second."""
    classes = int(target.max()) + 1
    rows, offsets = [], []
    for place in range(1, 2) if classes == 2 else range(classes):
        is_it = target == place
        stretched = _one_sided(matrix, is_it, recipe) if recipe.stretch else None
        shown = matrix if stretched is None else matrix @ diags(stretched)
        fitted = LinearSVC(C=recipe.strength, dual=True, random_state=0, max_iter=5000)
        fitted.fit(shown, is_it)
        rows.append(fitted.coef_[0] if stretched is None else fitted.coef_[0] * stretched)
        offsets.append(fitted.intercept_[0])
    return np.array(rows), np.array(offsets)


def _one_sided(matrix: Any, is_it: Any, recipe: _Recipe) -> Numbers:
    """Return by term the log of how much more of it the class has; 1 for each number."""
    terms = matrix[:, : matrix.shape[1] - recipe.numbers]
    mine, others = (
        np.asarray(terms[rows].sum(axis=0)).ravel() + recipe.stretch for rows in (is_it, ~is_it)
    )
    ratio = np.log(mine / mine.sum()) - np.log(others / others.sum())
    return np.concatenate([ratio, np.ones(recipe.numbers)])


def _with_groups(matrix: Any, examples: Sequence[Example], weight: float) -> Any:
    """Return the matrix with a column for each dialogue, or itself."""
    if not weight:
        return matrix
    _, places = np.unique([example.group for example in examples], return_inverse=True)
    rows = np.arange(len(examples))
    return hstack([matrix, csr_matrix((np.full(len(rows), weight), (rows, places)))]).tocsr()


def class_counts(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples each class has, by class."""
    return dict(sorted(Counter(example.label for example in examples).items()))
