"""Where in many texts an act is found: `scan.Scanner.spans`, its first one."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.acts.patterns import Role
from jinpai.quality.acts.scan import MOST_CHARS, Scanner
from jinpai.quality.columns.sheet import Flags, Numbers
from jinpai.quality.texts import UNSEEN

__all__ = ["first_spans"]


def first_spans(
    scanner: Scanner, role: Role, code: str, texts: pa.Array, numbers: Numbers
) -> tuple[Numbers, Numbers]:
    """Return by text the characters [start, end) that show an act; all texts have it.

    Args:
        texts: large strings without nulls.
        numbers: by text the first of the act's patterns that is found in it.
    """
    starts = np.zeros(len(texts), np.int64)
    ends = np.full(len(texts), -1, np.int64)
    odd = _flags(pc.match_substring_regex(texts, UNSEEN.pattern))
    odd |= pc.utf8_length(texts).to_numpy(zero_copy_only=False) > MOST_CHARS
    for number, pattern in enumerate(scanner.patterns(role, code)):
        # Where the first one found is found in nothing, the next ones are asked.
        left = np.flatnonzero((numbers <= number) & (ends < 0) & ~odd)
        if not len(left):
            continue
        named = _named(pattern)
        if named is None:
            odd[left] = True
            continue
        _search(named, texts.take(pa.array(left)), left, starts, ends)
    _one_by_one(scanner, role, code, texts, np.flatnonzero(odd), starts, ends)
    whole = np.flatnonzero(ends < 0)
    starts[whole] = 0
    ends[whole] = pc.utf8_length(texts.take(pa.array(whole))).to_numpy(zero_copy_only=False)
    return starts, ends


def _search(named: str, texts: pa.Array, places: Numbers, starts: Numbers, ends: Numbers) -> None:
    """Fill in where a pattern is found, in characters, where it is."""
    found = pc.extract_regex_span(texts, named)
    is_there = found.is_valid().to_numpy(zero_copy_only=False)
    spans = found.field("found").flatten().to_numpy(zero_copy_only=False).reshape(-1, 2)
    hit = np.flatnonzero(is_there & (spans[:, 1] > 0))
    if not len(hit):
        return
    texts, spans = texts.take(pa.array(hit)), spans[hit]
    # The texts cut in three each, where the pattern begins and ends: how long the pieces are.
    bounds = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    cuts = np.column_stack(
        [bounds[:-1], bounds[:-1] + spans[:, 0], bounds[:-1] + spans.sum(axis=1)]
    )
    offsets = pa.py_buffer(np.append(cuts, bounds[-1]))
    pieces = pa.LargeStringArray.from_buffers(3 * len(texts), offsets, texts.buffers()[2])
    lengths = pc.utf8_length(pieces).to_numpy().reshape(-1, 3)
    starts[places[hit]] = lengths[:, 0]
    ends[places[hit]] = lengths[:, 0] + lengths[:, 1]


def _one_by_one(
    scanner: Scanner,
    role: Role,
    code: str,
    texts: pa.Array,
    places: Numbers,
    starts: Numbers,
    ends: Numbers,
) -> None:
    for place, text in zip(places, texts.take(pa.array(places)).to_pylist(), strict=True):
        span = next(iter(scanner.spans(role, text, code)), None)
        starts[place], ends[place] = (0, len(text)) if span is None else (span.start, span.end)


@lru_cache(maxsize=4096)
def _named(pattern: str) -> str | None:
    """Return a pattern with its one group named, None where it has groups that say more."""
    if "\\Q" in pattern:
        return None
    written, inside, place = list[str](), False, 0
    while place < len(pattern):
        char = pattern[place]
        if char == "\\":
            written.append(pattern[place : place + 2])
            place += 2
            continue
        if char == "(" and not inside:
            after = pattern[place + 1 : place + 3]
            if after.startswith("?") and after != "?:":
                return None
            char = "(" if after == "?:" else "(?:"
        elif char == "[" and not inside:
            inside, char = True, _opened(pattern, place)
        elif char == "[" and pattern[place + 1 : place + 2] == ":":
            return None
        elif char == "]":
            inside = False
        written.append(char)
        place += len(char) if char.startswith("[") else 1
    named = f"(?i:(?P<found>{''.join(written)}))"
    try:
        pc.extract_regex_span(pa.array([""], pa.large_string()), named)
    except pa.ArrowInvalid:
        return None
    return named


def _opened(pattern: str, place: int) -> str:
    """Return how a class opens: a bracket that closes cannot come first but as itself."""
    end = place + 1 + (pattern[place + 1 : place + 2] == "^")
    return pattern[place : end + (pattern[end : end + 1] == "]")]


def _flags(column: Any) -> Flags:
    flags: Flags = column.to_numpy(zero_copy_only=False).copy()
    return flags
