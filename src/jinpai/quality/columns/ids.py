"""The ids of many findings at once: `finding.finding_id` says what they are."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from json.encoder import encode_basestring_ascii as _written
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.quality.columns.sheet import Numbers

__all__ = ["finding_ids", "quoted"]

_BYTES = 12  # of a hash that make an id
_HEX = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], np.uint8)
# Bytes that JSON writes as they are.
_PLAIN = np.array([32 <= byte < 127 and chr(byte) not in '"\\' for byte in range(256)])


def finding_ids(
    heads: pa.Array, counts: Numbers, messages: pa.Array, orders: pa.Array, rule: str, version: str
) -> pa.Array:
    """Return the ids of one rule's findings, 24 hexadecimal digits each.

    Args:
        heads: by finding its shop and session, quoted, with a comma between them.
        counts: by finding, how many of ``messages`` show it; these lie one finding after the other.
        orders: by finding the order that shows it, or null.
    """
    offsets = pa.array(np.r_[0, np.cumsum(counts)].astype(np.int32))
    # Each message with its comma before it, so that none leaves nothing behind.
    commas = pc.binary_join_element_wise(",", quoted(messages), "")
    shown = pc.binary_join(pa.ListArray.from_arrays(offsets, commas), "")
    named = f",{_written(rule)},{_written(version)},"
    order = pc.fill_null(quoted(orders), "null")
    return _hashed(pc.binary_join_element_wise("[", heads, named, order, shown, "]", ""))


def quoted(texts: pa.Array) -> pa.Array:
    """Return strings as JSON writes them; a null stays one."""
    texts = texts.cast(pa.string())
    data = texts.buffers()[2]
    if data is None or _PLAIN[np.frombuffer(data, np.uint8)].all():
        return pc.binary_join_element_wise('"', texts, '"', "")
    written = [None if text is None else _written(text) for text in texts.to_pylist()]
    return pa.array(written, pa.string())


def _hashed(texts: pa.Array) -> pa.Array:
    """Return the first digits of the SHA-256 of strings without nulls."""
    data: Any = memoryview(texts.buffers()[2] or b"")
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1].tolist()
    digests = b"".join([sha256(data[start:end]).digest() for start, end in pairwise(ends)])
    firsts = np.frombuffer(digests, np.uint8).reshape(-1, 32)[:, :_BYTES]
    offsets = np.arange(len(texts) + 1, dtype=np.int32) * (2 * _BYTES)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(_HEX[firsts].tobytes())]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)
