"""Fitting a network: small steps down the gradient, batch after batch (Adam).

What is kept is the mean of the way, later steps weighing more: it tells more than its last point.
The order of the batches and what is dropped to learn it better are drawn by a fixed seed: the same
texts give the same network on the same machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from jinpai.quality.network import LEARNED, WINDOW, Floats, Ids, Network, Places, Reader, shortened

__all__ = ["Recipe", "fit_network", "gradients"]


@dataclass(frozen=True)
class Recipe:
    """How a network is fitted.

    Attributes:
        size: numbers of a vector.
        filters: how many.
        least: in how many texts a character must be, and a pair, to have a vector.
        pairs: with vectors at most.
        rounds: how often each text is seen.
        step: of the first round, and what share of it each further round has.
        kept: share of the places of a text, and of the answers, that one step sees.
        doubt: how much of a label is given to all classes alike.
        memory: share of the mean of the way that a further step leaves.
    """

    size: int = 64
    filters: int = 192
    least: tuple[int, int] = (3, 5)
    pairs: int = 30_000
    rounds: int = 3
    batch: int = 64
    step: tuple[float, float] = (2e-3, 0.7)
    kept: tuple[float, float] = (0.7, 0.5)
    doubt: float = 0.1
    memory: float = 0.997


def fit_network(
    texts: Sequence[str], target: Ids, classes: int, recipe: Recipe | None = None, seed: int = 0
) -> Network:
    """Return a network that tells the classes of texts; ``target`` has the class of each."""
    recipe = recipe or Recipe()
    drawn = np.random.default_rng(seed)
    network = _new(texts, classes, recipe, drawn)
    reader = Reader(network.characters, network.pairs)
    adam, way = _Adam(network), _Way(network, recipe.memory)
    for _ in range(recipe.rounds):
        for rows in _batches(texts, recipe.batch, drawn):
            step = recipe.step[0] * recipe.step[1] ** (adam.taken * recipe.batch / len(texts))
            places = reader.places([texts[row] for row in rows])
            drops = _drops(network, places, recipe, drawn)
            found, _ = gradients(network, places, target[rows], recipe.doubt, drops)
            adam.follow(found, step)
            way.goes_on()
    return way.mean()


def _new(texts: Sequence[str], classes: int, recipe: Recipe, drawn: Any) -> Network:
    """Return a network that has learned nothing."""
    read = [shortened(text) for text in texts]
    characters = _common((set(text) for text in read), recipe.least[0], None)
    pairs = _common(
        ({text[at : at + 2] for at in range(len(text) - 1)} for text in read),
        recipe.least[1],
        recipe.pairs,
    )

    def normal(spread: float, *shape: int) -> Floats:
        return np.asarray(drawn.normal(0, spread, shape), np.float32)

    width = 2 * recipe.size
    network = Network(
        characters,
        pairs,
        normal(0.1, len(characters) + 2, recipe.size),
        normal(0.1, len(pairs) + 2, recipe.size),
        normal((2 / (WINDOW * width)) ** 0.5, WINDOW, width, recipe.filters),
        np.zeros(recipe.filters, np.float32),
        normal(0.05, recipe.filters, classes),
        np.zeros(classes, np.float32),
    )
    network.character_vectors[0] = network.pair_vectors[0] = 0
    return network


def _common(sets: Iterable[set[str]], least: int, most: int | None) -> tuple[str, ...]:
    """Return what is in ``least`` sets or more, the most common first."""
    counts = Counter(one for found in sets for one in found)
    ranked = sorted(counts.items(), key=lambda known: (-known[1], known[0]))
    return tuple(one for one, count in ranked[:most] if count >= least)


def _batches(texts: Sequence[str], size: int, drawn: Any) -> Iterator[Ids]:
    """Yield all rows in batches of texts of like length, in an order that is drawn."""
    lengths = np.array([len(shortened(text)) for text in texts])
    rows = drawn.permutation(len(texts))
    pools = np.arange(len(rows)) // (64 * size)
    rows = rows[np.lexsort((lengths[rows], pools))]
    batches = np.split(rows, range(size, len(rows), size))
    for place in drawn.permutation(len(batches)):
        yield batches[place]


def _drops(network: Network, places: Places, recipe: Recipe, drawn: Any) -> tuple[Floats, Floats]:
    """Return what each place and each answer is multiplied with: 0 where it is not seen."""
    rows, length = places.pairs.shape
    shapes = (rows, length + WINDOW - 1, 1), (rows, len(network.weights))
    first, second = (
        np.asarray(drawn.random(shape, np.float32) < kept, np.float32) / np.float32(kept)
        for shape, kept in zip(shapes, recipe.kept, strict=True)
    )
    return first, second


def gradients(
    network: Network,
    places: Places,
    target: Ids,
    doubt: float = 0.0,
    drops: tuple[Any, Any] = (np.float32(1), np.float32(1)),
) -> tuple[dict[str, Any], float]:
    """Return by attribute of a network how the loss of a batch grows with it, and the loss.

    The loss is the mean cross entropy. Of vectors only the rows of the batch: their numbers and
    what they grow.
    """
    vectors = network.vectors(places) * drops[0]
    answers, loudest = network.answers(vectors, places)
    heard = answers * drops[1]
    surprise, loss = _surprise(heard @ network.weights + network.offsets, target, doubt)
    blame = (surprise @ network.weights.T) * drops[1] * (answers > 0)
    filters, back = _through_filters(network, vectors, loudest, blame)
    back = (back.reshape(vectors.shape) * drops[0])[:, : 1 - WINDOW]
    size = network.character_vectors.shape[1]
    found = {
        "character_vectors": _by_row(places.characters, back[:, :, :size]),
        "pair_vectors": _by_row(places.pairs, back[:, :, size:]),
        "filters": filters,
        "thresholds": blame.sum(axis=0),
        "weights": heard.T @ surprise,
        "offsets": surprise.sum(axis=0),
    }
    return found, loss


def _surprise(odds: Floats, target: Ids, doubt: float) -> tuple[Floats, float]:
    """Return by text and class how the loss grows with the odds, and the loss."""
    odds = odds - odds.max(axis=1, keepdims=True)
    log_chances = odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))
    wanted = np.full_like(odds, doubt / odds.shape[1])
    wanted[np.arange(len(target)), target] += 1 - doubt
    loss = -(wanted * log_chances).sum() / len(target)
    return (np.exp(log_chances) - wanted) / np.float32(len(target)), float(loss)


def _through_filters(
    network: Network, vectors: Floats, loudest: Ids, blame: Floats
) -> tuple[Floats, Floats]:
    """Return what filters and places are to blame for: only a filter's loudest place was heard."""
    rows, filters = blame.shape
    starts = np.arange(rows)[:, None] * vectors.shape[1] + loudest
    shape = rows * vectors.shape[1], filters
    columns = np.broadcast_to(np.arange(filters), starts.shape)
    heard = csr_matrix((blame.ravel(), (starts.ravel(), columns.ravel())), shape=shape)
    flat = vectors.reshape(shape[0], -1)
    back = np.zeros_like(flat)
    found = np.empty_like(network.filters)
    for at, weights in enumerate(network.filters):
        window = heard[: shape[0] - at]
        found[at] = (window.T @ flat[at:]).T
        back[at:] += window @ weights.T
    return found, back


def _by_row(ids: Ids, grown: Floats) -> tuple[Ids, Floats]:
    """Return the rows of vectors that a batch has, no empty place, and the sum of each."""
    rows, places = np.unique(ids, return_inverse=True)
    places = places.ravel()
    ones = np.ones(len(places), np.float32)
    told = csr_matrix((ones, (places, np.arange(len(places)))), shape=(len(rows), len(places)))
    summed = told @ grown.reshape(len(places), -1)
    return rows[rows > 0], summed[rows > 0]


@dataclass
class _Adam:
    """Steps whose length follows how steady a gradient is (Kingma and Ba 2015)."""

    network: Network
    steady: float = 0.9
    size: float = 0.999
    taken: int = 0
    seen: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)

    def follow(self, found: dict[str, Any], step: float) -> None:
        """Change the network in place."""
        self.taken += 1
        for name, grown in found.items():
            rows, grown = grown if isinstance(grown, tuple) else (slice(None), grown)
            self._one(name, rows, grown, step)

    def _one(self, name: str, rows: Any, grown: Floats, step: float) -> None:
        values: npt.NDArray[Any] = getattr(self.network, name)
        if name not in self.seen:
            self.seen[name] = np.zeros_like(values), np.zeros_like(values)
        mean, square = self.seen[name]
        mean *= self.steady
        mean[rows] += (1 - self.steady) * grown
        square *= self.size
        square[rows] += (1 - self.size) * grown * grown
        even = step * (1 - self.size**self.taken) ** 0.5 / (1 - self.steady**self.taken)
        values -= np.float32(even) * mean / (np.sqrt(square) + np.float32(1e-8))


class _Way:
    """The mean of where a network has been."""

    def __init__(self, network: Network, memory: float) -> None:
        self._network, self._memory = network, memory
        self._means = {name: getattr(network, name).copy() for name in LEARNED}
        self._steps = 0

    def goes_on(self) -> None:
        """Take in where the network is now; early steps, which are far off, are soon forgotten."""
        self._steps += 1
        share = np.float32(max(1 - self._memory, 2 / (2 + self._steps)))
        for name, mean in self._means.items():
            mean += share * (getattr(self._network, name) - mean)

    def mean(self) -> Network:
        """Return the mean network."""
        return replace(self._network, **self._means)
