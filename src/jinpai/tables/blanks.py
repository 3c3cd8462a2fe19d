"""Which text columns need no trimming: looking at first and last bytes costs next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["is_bare", "is_plain"]

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


def _bare(array: Any) -> bool:
    if array.type != pa.string():
        return False
    _, offsets, data = array.buffers()
    if offsets is None or data is None or not len(array):
        return True
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, np.uint8)
    first = content[ends[:-1][ends[1:] > ends[:-1]]]
    odd = (first == ord("=")) | (first == ord("'"))
    return not bool(odd.any() or (content[ends[0] : ends[-1]] == ord("\t")).any())


def _plain(array: Any, blanks: bool, empties: bool) -> bool:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary
    kinds: dict[Any, Any] = {pa.string(): np.int32, pa.large_string(): np.int64}
    if array.type not in kinds:
        return False
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return True
    ends = np.frombuffer(offsets, kinds[array.type])[array.offset : array.offset + len(array) + 1]
    filled = ends[1:] > ends[:-1]
    if empties and len(array) - int(np.count_nonzero(filled)) != array.null_count:
        return False
    if not blanks or data is None:
        return True
    content = np.frombuffer(data, np.uint8)
    starts, stops = ends[:-1], ends[1:]
    if not filled.all():
        starts, stops = starts[filled], stops[filled]
    return not bool(_FIRST[content[starts]].any() or _LAST[content[stops - 1]].any())
