"""A small network that reads a text through windows of a few characters (Kim 2014, EMNLP D14-1181).

Runs of characters are either the same or not; to the network, words that stand where others stood
become alike, so that it also judges what nobody wrote before. Each place of a text is two vectors:
of its character and of the pair of characters that begins there. Filters look at a few places in a
row; each answers for a text what it answers at its loudest place, and the answers are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jinpai.quality.arrays import as_bytes, as_text, finite

__all__ = [
    "LEARNED",
    "WINDOW",
    "Network",
    "Places",
    "Reader",
    "read_network",
    "shortened",
]

WINDOW = 3  # places that a filter looks at
_BEGINNING, _END = 100, 60  # characters of a long text that are read
_UNKNOWN = 1  # 0 is no place at all
_CELLS = 1 << 15  # places of a batch
_SURE = 2.0  # log odds beyond which more certainty says nothing more
LEARNED = ("character_vectors", "pair_vectors", "filters", "thresholds", "weights", "offsets")

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Texts as numbers: of characters and of pairs, a row per text, zeros behind its end."""

    characters: Ids
    pairs: Ids


class Reader:
    """Turns texts into places, by the characters and pairs that a network knows."""

    def __init__(self, characters: Sequence[str], pairs: Sequence[str]) -> None:
        self._characters = {known: place for place, known in enumerate(characters, _UNKNOWN + 1)}
        self._pairs = {known: place for place, known in enumerate(pairs, _UNKNOWN + 1)}

    def places(self, texts: Sequence[str]) -> Places:
        """Return the places of texts, side by side."""
        read = [shortened(text) for text in texts]
        shape = len(read), max([1, *map(len, read)])
        found = Places(np.zeros(shape, np.int64), np.zeros(shape, np.int64))
        for row, text in enumerate(read):
            found.characters[row, : len(text)] = [
                self._characters.get(character, _UNKNOWN) for character in text
            ]
            found.pairs[row, : len(text)] = [
                self._pairs.get(text[at : at + 2], _UNKNOWN) for at in range(len(text))
            ]
        return found


def shortened(text: str) -> str:
    """Return what is read of a text: all, or its beginning and its end."""
    return text if len(text) <= _BEGINNING + _END else text[:_BEGINNING] + text[-_END:]


@dataclass(frozen=True)
class Network:
    """What was learned.

    Attributes:
        characters, pairs: that it knows, in the order of their vectors.
        character_vectors, pair_vectors: a row each; the first two stand for no place and for what
            is not known.
        filters: places of the window x numbers of a place x filters.
        thresholds: of the filters.
        weights: filters x classes.
        offsets: of the classes.
    """

    characters: tuple[str, ...]
    pairs: tuple[str, ...]
    character_vectors: Floats
    pair_vectors: Floats
    filters: Floats
    thresholds: Floats
    weights: Floats
    offsets: Floats

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a file keeps of it, by name."""
        known = {"characters": "".join(self.characters), "pairs": "".join(self.pairs)}
        written = {name: as_bytes(text) for name, text in known.items()}
        return written | {name: getattr(self, name) for name in LEARNED}

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return a row per text, a column per class: log odds, their mean 0, clipped."""
        reader = Reader(self.characters, self.pairs)
        found = np.zeros((len(texts), len(self.offsets)))
        for rows in _alike_long(texts):
            places = reader.places([texts[row] for row in rows])
            answers, _ = self.answers(self.vectors(places), places)
            found[rows] = answers @ self.weights + self.offsets
        return _clipped(found)

    def vectors(self, places: Places) -> Floats:
        """Return text x place x number; as many empty places behind as a window reaches."""
        known = self.character_vectors[places.characters], self.pair_vectors[places.pairs]
        behind = np.zeros((len(places.pairs), WINDOW - 1, self.filters.shape[1]), np.float32)
        return np.concatenate([np.concatenate(known, axis=2), behind], axis=1)

    def answers(self, vectors: Floats, places: Places) -> tuple[Floats, Ids]:
        """Return each filter's loudest answer by text, at least 0, and the place of it."""
        length = places.pairs.shape[1]
        flat = vectors.reshape(-1, vectors.shape[2])
        heard = np.zeros((len(vectors), length, len(self.thresholds)), vectors.dtype)
        for at, weights in enumerate(self.filters):
            heard += (flat @ weights).reshape(*vectors.shape[:2], -1)[:, at : at + length]
        heard += self.thresholds
        np.maximum(heard, 0, out=heard)
        heard *= (places.characters > 0)[:, :, None]
        loudest = heard.argmax(axis=1)
        return np.take_along_axis(heard, loudest[:, None], axis=1)[:, 0], loudest


def read_network(arrays: Mapping[str, Any], classes: int) -> Network:
    """Return the network that `Network.arrays` wrote.

    Raises ValueError or KeyError where it is none, or one for other classes.
    """
    characters = as_text(arrays["characters"])
    joined = as_text(arrays["pairs"])
    pairs = [joined[at : at + 2] for at in range(0, len(joined), 2)]
    learned = {name: _floats(arrays[name]) for name in LEARNED}
    network = Network(tuple(characters), tuple(pairs), **learned)
    size = learned["character_vectors"].shape[-1]
    filters = len(learned["thresholds"])
    shapes = (
        (len(characters) + 2, size),
        (len(pairs) + 2, size),
        (WINDOW, 2 * size, filters),
        (filters,),
        (filters, classes),
        (classes,),
    )
    fits = tuple(learned[name].shape for name in LEARNED) == shapes and size and filters
    if (
        not fits
        or len(joined) % 2
        or any(len(set(known)) < len(known) for known in (characters, pairs))
    ):
        raise ValueError("its network does not fit together")
    return network


def _floats(array: Any) -> Floats:
    if array.dtype != np.float32 or not array.ndim:
        raise ValueError("the numbers of its network are wrong")
    return finite(array).astype(np.float32)


def _clipped(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(np.clip(centred, -_SURE, _SURE))


def _alike_long(texts: Sequence[str]) -> Iterator[Ids]:
    """Yield rows of texts of like length, as many as fit into a batch."""
    lengths = np.array([min(len(text), _BEGINNING + _END) for text in texts])
    rows = lengths.argsort(kind="stable")
    while len(rows):
        ends = lengths[rows] + WINDOW
        fits = int((ends * np.arange(1, len(rows) + 1) <= _CELLS).sum())
        yield rows[: max(1, fits)]
        rows = rows[max(1, fits) :]
