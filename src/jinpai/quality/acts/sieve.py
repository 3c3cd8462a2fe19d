"""Which patterns a text can hold at all: words looked for in many texts at once.

All words of all needs lie in one trie. The texts of a batch, laid end to end as numbers of
characters, are walked through it side by side, one array operation for each depth: no text and no
word is touched by Python alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
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
Hits = npt.NDArray[np.integer[Any]]  # clause × number of texts + text; of 32 bits where that fits
_NONE: Indexes = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Sifted:
    """What was found in texts, as their places, in order.

    Attributes:
        met: for each need the texts that meet it.
        hidden: the texts with hidden characters.
    """

    met: list[Indexes]
    hidden: Indexes


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

    def sift(self, parts: Iterable[pa.Array]) -> Sifted:
        """Tell which needs each text meets.

        Args:
            parts: some thousand strings without nulls each; places count through all of them.
        """
        parts = [*parts]
        count, done = sum(map(len, parts)), 0
        kind = np.int32 if self._clauses * count < 1 << 31 else np.int64
        hits, unseen = [np.zeros(0, kind)], [_NONE]
        for part in parts:
            numbers, owners = self._letters(part, done, kind)
            done += len(part)
            if numbers.max() == _HIDDEN:
                unseen.append(np.unique(owners[numbers == _HIDDEN]))
                seen = np.flatnonzero(numbers != _HIDDEN)
                numbers, owners = numbers.take(seen), owners.take(seen)
            hits += self._hits(numbers, owners, count)
        return Sifted(self._met(np.concatenate(hits), count), np.concatenate(unseen))

    def _hits(self, numbers: npt.NDArray[np.uint16], owners: Hits, count: int) -> Iterator[Hits]:
        """Yield the texts with words, each with the word's clause."""
        trie = self._trie
        begins = trie.opens.take(numbers[:-1]) & trie.follows.take(numbers[1:])
        places = np.flatnonzero(begins != 0)
        states: npt.NDArray[np.int32] = numbers.take(places).astype(np.int32)
        while len(places):
            yield from self._ending(owners.take(places), states, count)
            places = places + 1
            after = trie.base.take(states) + numbers.take(places)
            goes_on = np.flatnonzero(trie.check.take(after) == states)
            places, states = places.take(goes_on), after.take(goes_on)

    def _met(self, hits: Hits, count: int) -> list[Indexes]:
        """Return for each need the texts with a word of every clause of it."""
        hits.sort()
        hits = hits[np.r_[True, hits[1:] != hits[:-1]][: len(hits)]]
        clauses = np.arange(self._clauses + 1) * count
        ends = pairwise(np.searchsorted(hits, clauses.astype(hits.dtype)).tolist())
        found = [
            hits[start:end].astype(np.int64) - clause
            for (start, end), clause in zip(ends, clauses.tolist(), strict=False)
        ]
        return [_all_of([found[clause] for clause in need], count) for need in self._wanted]

    def _letters(
        self, texts: pa.Array, first: int, kind: type[np.integer[Any]]
    ) -> tuple[npt.NDArray[np.uint16], Hits]:
        """Return the texts end to end, each ended by 0: numbers of characters, and whose.

        Args:
            first: the place of the first text.
        """
        listed = pa.LargeListArray.from_arrays([0, len(texts)], texts)
        joined = pc.binary_join(listed, pa.scalar("\0", texts.type))
        codes = np.frombuffer((joined[0].as_py() + "\0").encode("utf-32-le"), np.uint32)
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False) + 1
        owners = np.repeat(np.arange(first, first + len(texts), dtype=kind), lengths)
        return self._number.take(codes), owners

    def _ending(self, owners: Hits, states: npt.NDArray[np.int32], count: int) -> Iterator[Hits]:
        """Yield the texts of words that end in these states, with their clauses."""
        trie = self._trie
        first = trie.first.take(states)
        ends = np.flatnonzero(first >= 0)
        owners, states = owners.take(ends), states.take(ends)
        yield first.take(ends).astype(owners.dtype) * count + owners
        further = trie.further.take(states)
        many = np.flatnonzero(further)
        begins, counts = trie.begins.take(states.take(many)), further.take(many)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        others = trie.others.take(np.repeat(begins, counts) + offsets).astype(owners.dtype)
        yield others * count + np.repeat(owners.take(many), counts)


def _all_of(found: Sequence[Indexes], count: int) -> Indexes:
    """Return the texts that are in every list; none of the lists says all."""
    if not found:
        return np.arange(count)
    texts = found[0]
    for others in found[1:]:
        if not len(texts) or not len(others):
            return _NONE
        texts = np.intersect1d(texts, others, assume_unique=True)
    return texts


def _numbers(words: Words, folding: Folding, hidden: str) -> npt.NDArray[Any]:
    """Return code point -> number of its character in the trie, 0 where no word has it."""
    numbers = np.zeros(_CODES, np.uint16)
    for char, number in words.chars.items():
        for form in folding.group(char):
            numbers[ord(form)] = number
    for char in hidden:
        numbers[ord(char)] = _HIDDEN
    return numbers
