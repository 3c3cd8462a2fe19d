"""Which text columns need no trimming: looking at first and last bytes costs next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["content_of", "is_bare", "is_plain"]

# Bytes that may begin or end a blank, the no-break and the ideographic space in UTF-8 included.
_FIRST, _LAST = np.arange(256) <= 32, np.arange(256) <= 32
_FIRST[[0xC2, 0xE3]] = _LAST[[0x80, 0xA0]] = True


def is_plain(column: Any, blanks: bool = True, empties: bool = True) -> bool:
    """Whether no value of a text column begins or ends in a blank or is empty.

    Without ``blanks`` or ``empties`` such values do not matter.

    False may be a false alarm; True never is. Takes an Arrow chunked array.
    """
    return all(_plain(chunk, blanks, empties) for chunk in column.chunks)


def is_bare(column: Any) -> bool:
    """Whether no value of a text column holds a tab or begins with ``=`` or ``'``.

    Spreadsheets leave those behind. False may be a false alarm; True never is.
    """
    return all(_bare(chunk) for chunk in column.chunks)


def content_of(array: Any) -> tuple[Any, Any]:
    """Return (ends, bytes) of a text array: value n is ``bytes[ends[n]:ends[n + 1]]``.

    A null is empty. Raises KeyError for an array that holds no text.
    """
    width = {pa.string(): np.int32, pa.large_string(): np.int64}[array.type]
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return np.zeros(1, width), np.zeros(0, np.uint8)
    ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
    return ends, np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)


def _bare(array: Any) -> bool:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary
    if array.type != pa.string():
        return False
    ends, content = content_of(array)
    first = content[ends[:-1][ends[1:] > ends[:-1]]]
    odd = (first == ord("=")) | (first == ord("'"))
    return not bool(odd.any() or (content[ends[0] : ends[-1]] == ord("\t")).any())


def _plain(array: Any, blanks: bool, empties: bool) -> bool:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary
    if array.type not in (pa.string(), pa.large_string()):
        return False
    ends, content = content_of(array)
    filled = ends[1:] > ends[:-1]
    if empties and len(array) - int(np.count_nonzero(filled)) != array.null_count:
        return False
    if not blanks:
        return True
    starts, stops = ends[:-1], ends[1:]
    if not filled.all():
        starts, stops = starts[filled], stops[filled]
    return not bool(_FIRST[content[starts]].any() or _LAST[content[stops - 1]].any())
