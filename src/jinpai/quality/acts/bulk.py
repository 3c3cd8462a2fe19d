"""Many texts at once: words first, RE2 only where the words a pattern needs are there.

Most texts never meet a pattern; and where a pattern is no more than words, RE2 is not asked at all.
The outcome is that of `scan._Automaton`, text by text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.acts.needs import Folding, needs_of
from jinpai.quality.acts.patterns import Act, compiled, expand, forms
from jinpai.quality.acts.sieve import Indexes, Sieve
from jinpai.quality.texts import HIDDEN, UNSEEN

__all__ = ["Bulk", "Scanned"]

# Patterns are compiled anew for each batch; words are looked for while all is in the cache.
_BATCH, _BATCH_BYTES = 262_144, 64 << 20
_PART, _PART_BYTES = 16_384, 1 << 20

Flags = npt.NDArray[np.bool_]
Masks = npt.NDArray[np.uint64]
Shows = tuple[npt.NDArray[np.int64], int]  # places of texts, and the number of a pattern


@dataclass(frozen=True)
class Scanned:
    """What was told of texts.

    Attributes:
        masks: by text its acts, a bit each.
        shown: by bit, which texts each of the act's patterns is the first to be found in.
    """

    masks: Masks
    shown: Mapping[int, Sequence[Shows]]


@dataclass(frozen=True)
class _Pattern:
    """A pattern and how it is looked for.

    Attributes:
        needs: places in the sieve, or None where every text has to be asked.
        by_hand: pyarrow's RE2 would refuse it; ours asks text by text.
    """

    text: str
    needs: tuple[int, ...] | None
    by_hand: Any


class Bulk:
    """Tells the acts of one role."""

    def __init__(
        self, acts: Sequence[Act], placeholders: Mapping[str, str], most_chars: int
    ) -> None:
        """Make it for acts in the order of their bits.

        Args:
            most_chars: what lies behind in a text is not looked at.
        """
        folding, needs = _folding(), list[Any]()
        self._most_chars = most_chars
        self._acts = list[tuple[list[_Pattern], list[_Pattern]]]()

        def read(pattern: str) -> _Pattern:
            text = expand(pattern, placeholders)
            ways = needs_of(text, folding)
            places = None if ways is None else tuple(range(len(needs), len(needs) + len(ways)))
            needs.extend(ways or ())
            return _Pattern(text, places, _refused(pattern, text, placeholders))

        for act in acts:
            self._acts.append(([*map(read, act.any)], [*map(read, act.not_)]))
        self._sieve = Sieve(needs, folding, HIDDEN)
        self._exact = [
            need.exact and self._sieve.is_whole(place) for place, need in enumerate(needs)
        ]

    def scan(self, texts: pa.Array | pa.ChunkedArray, threads: int) -> Scanned:
        """Return each text's acts; a null has none."""
        slices = [texts.slice(start, _BATCH) for start in range(0, len(texts), _BATCH)]
        if threads == 1 or len(slices) < 2:
            return _joined([*map(self._batch, slices)])
        with ThreadPoolExecutor(threads) as pool:
            return _joined([*pool.map(self._batch, slices)])

    def _batch(self, texts: pa.Array | pa.ChunkedArray) -> Scanned:
        plain = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        plain = pc.fill_null(plain.cast(pa.large_string()), "")
        if (pc.max(pc.binary_length(plain)).as_py() or 0) > self._most_chars:
            plain = pc.utf8_slice_codeunits(plain, 0, self._most_chars)
        return _joined([self._told(part) for part in _cut(plain, _BATCH, _BATCH_BYTES)])

    def _told(self, texts: pa.Array) -> Scanned:
        sifted = self._sieve.sift(_cut(texts, _PART, _PART_BYTES))
        met = sifted.met
        if len(sifted.hidden):
            flags = np.zeros(len(texts), bool)
            flags[sifted.hidden] = True
            hidden = texts.take(pa.array(sifted.hidden))
            bare = pc.replace_substring_regex(hidden, UNSEEN.pattern, "")
            texts = pc.replace_with_mask(texts, pa.array(flags), bare)
        masks, shown = np.zeros(len(texts), np.uint64), dict[int, list[Shows]]()
        for bit, (wanted, unwanted) in enumerate(self._acts):
            has = np.zeros(len(texts), bool)
            for number, pattern in enumerate(wanted):
                for places in self._look(pattern, texts, met, has, turns=True):
                    shown.setdefault(bit, []).append((places, number))
            if bit in shown:
                for pattern in unwanted:
                    self._look(pattern, texts, met, has, turns=False)
                masks |= has.astype(np.uint64) << np.uint64(bit)
        return Scanned(masks, shown)

    def _look(
        self, pattern: _Pattern, texts: pa.Array, met: list[Indexes], has: Flags, turns: bool
    ) -> list[Indexes]:
        """Set ``has`` to ``turns`` where the pattern is found; ask only where it is not yet.

        Returns the texts it was set for, once each.
        """
        turned = list[Indexes]()

        def turn(places: Indexes) -> None:
            if len(places):
                has[places] = turns
                turned.append(places)

        if pattern.needs is None:
            asked = np.flatnonzero(has != turns)
        else:
            for need in pattern.needs:
                if self._exact[need]:
                    turn(met[need][has[met[need]] != turns])
            unsure = [met[need] for need in pattern.needs if not self._exact[need]]
            if not unsure:
                return turned
            asked = unsure[0] if len(unsure) == 1 else np.unique(np.concatenate(unsure))
            asked = asked[has[asked] != turns]
        if len(asked):
            turn(asked[_found(pattern, texts.take(pa.array(asked)))])
        return turned


def _joined(parts: Sequence[Scanned]) -> Scanned:
    """Return what was told of texts, part by part, as of all of them."""
    start, shown = 0, dict[int, list[Shows]]()
    for part in parts:
        for bit, places in part.shown.items():
            shown.setdefault(bit, []).extend((own + start, number) for own, number in places)
        start += len(part.masks)
    masks = np.concatenate([np.zeros(0, np.uint64), *(part.masks for part in parts)])
    return Scanned(masks, shown)


@cache
def _folding() -> Folding:
    return Folding(forms())


def _found(pattern: _Pattern, texts: pa.Array) -> Flags:
    if pattern.by_hand is not None:
        return np.array([pattern.by_hand.search(text) is not None for text in texts.to_pylist()])
    matches = pc.match_substring_regex(texts, pattern.text, ignore_case=True)
    found: Flags = matches.to_numpy(zero_copy_only=False)
    return found


def _refused(pattern: str, text: str, placeholders: Mapping[str, str]) -> Any:
    """Return a pattern compiled by our RE2 where pyarrow's, with less memory, refuses it."""
    try:
        pc.match_substring_regex(pa.array([""]), text, ignore_case=True)
    except pa.ArrowInvalid:
        return compiled(pattern, "acts", placeholders)
    return None


def _cut(texts: pa.Array, rows: int, size: int) -> Iterator[pa.Array]:
    """Yield slices of at most so many texts, and of so many bytes where one text alone is less."""
    ends = np.cumsum(pc.binary_length(texts).to_numpy(zero_copy_only=False), dtype=np.int64)
    start = 0
    while start < len(texts):
        before = ends[start - 1] if start else 0
        fitting = int(np.searchsorted(ends, before + size, side="right"))
        end = min(max(fitting, start + 1), start + rows, len(texts))
        yield texts.slice(start, end - start)
        start = end
