"""Which patterns a text can hold at all: words looked for in many texts at once.

All words of all needs lie in one trie. The texts of a batch, laid end to end as numbers of
characters, are walked through it side by side, one array operation for each depth: no text and no
word is touched by Python alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.acts.needs import Folding, Need
from jinpai.quality.acts.trie import Trie, Words

__all__ = ["Sieve", "Sifted"]

_CODES = 0x110000
_HIDDEN = 0xFFFF

Indexes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sifted:
    """What was found in a batch of texts, as their places in it, in order.

    Attributes:
        met: for each need the texts that meet it.
        hidden: the texts with hidden characters.
    """

    met: list[Indexes]
    hidden: npt.NDArray[np.int32]


class Sieve:
    """Looks for the needs of many patterns."""

    def __init__(self, needs: Sequence[Need], folding: Folding, hidden: str) -> None:
        """Make it for needs with at least one clause.

        Args:
            hidden: characters that are looked through.
        """
        words = Words()
        numbered = [[words.add(clause) for clause in need.clauses] for need in needs]
        self._wanted = [[clause for clause in need if clause is not None] for need in numbered]
        self._is_whole = [None not in need for need in numbered]
        self._trie = Trie(words)
        self._clauses = len(words.clauses)
        self._number = _numbers(words, folding, hidden)

    def is_whole(self, need: int) -> bool:
        """Tell whether all clauses of a need are looked for: some may not have fitted."""
        return self._is_whole[need]

    def sift(self, texts: pa.Array) -> Sifted:
        """Tell which needs each of some thousand strings without nulls meets."""
        numbers, owners = self._letters(texts)
        hidden = owners[:0]
        if numbers.max() == _HIDDEN:
            hidden = np.unique(owners[numbers == _HIDDEN])
            seen = np.flatnonzero(numbers != _HIDDEN)
            numbers, owners = numbers.take(seen), owners.take(seen)
        found = self._found(numbers, owners, len(texts))
        return Sifted([_all_of(clauses, found) for clauses in self._wanted], hidden)

    def _found(
        self, numbers: npt.NDArray[np.uint16], owners: npt.NDArray[np.int32], count: int
    ) -> npt.NDArray[np.bool_]:
        """Return clause x text: one of its words is there."""
        trie = self._trie
        found = np.zeros((self._clauses, count), bool)
        begins = trie.opens.take(numbers[:-1]) & trie.follows.take(numbers[1:])
        places = np.flatnonzero(begins != 0)
        states: npt.NDArray[np.int32] = numbers.take(places).astype(np.int32)
        while len(places):
            self._mark(found, owners.take(places), states)
            places = places + 1
            after = trie.base.take(states) + numbers.take(places)
            goes_on = np.flatnonzero(trie.check.take(after) == states)
            places, states = places.take(goes_on), after.take(goes_on)
        return found

    def _letters(self, texts: pa.Array) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32]]:
        """Return the texts end to end, each ended by 0: numbers of characters, and whose."""
        listed = pa.LargeListArray.from_arrays([0, len(texts)], texts)
        joined = pc.binary_join(listed, pa.scalar("\0", texts.type))
        codes = np.frombuffer((joined[0].as_py() + "\0").encode("utf-32-le"), np.uint32)
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False) + 1
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
        return self._number.take(codes), owners

    def _mark(
        self,
        found: npt.NDArray[np.bool_],
        owners: npt.NDArray[np.int32],
        states: npt.NDArray[np.int32],
    ) -> None:
        """Mark the clauses of words that end in these states of these texts."""
        trie, cells, width = self._trie, found.reshape(-1), found.shape[1]
        first = trie.first.take(states)
        ends = np.flatnonzero(first >= 0)
        cells[first.take(ends) * np.int64(width) + owners.take(ends)] = True
        many = np.flatnonzero(trie.further.take(states))
        counts = trie.further.take(states.take(many))
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        others = np.repeat(trie.begins.take(states.take(many)), counts) + offsets
        cells[trie.others.take(others) * np.int64(width) + np.repeat(owners.take(many), counts)] = (
            True
        )


def _all_of(clauses: Sequence[int], found: npt.NDArray[np.bool_]) -> Indexes:
    if not clauses:
        return np.arange(found.shape[1])
    meets = found[clauses[0]]
    for clause in clauses[1:]:
        meets = meets & found[clause]
    return np.flatnonzero(meets)


def _numbers(words: Words, folding: Folding, hidden: str) -> npt.NDArray[Any]:
    """Return code point -> number of its character in the trie, 0 where no word has it."""
    numbers = np.zeros(_CODES, np.uint16)
    for char, number in words.chars.items():
        for form in folding.group(char):
            numbers[ord(form)] = number
    for char in hidden:
        numbers[ord(char)] = _HIDDEN
    return numbers
