"""The ids of many findings at once are those of each alone."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.quality.columns.ids import finding_ids, quoted

NAME = st.text(st.sampled_from('ab1/-"\\\n\x00\x7f甲é😀'), max_size=5)
FINDING = st.tuples(NAME, NAME, st.none() | NAME, st.lists(NAME, max_size=3))


@settings(max_examples=100, deadline=None)
@given(st.lists(FINDING, max_size=5), NAME, NAME)
def test_as_json_is_hashed(
    found: list[tuple[str, str, str | None, list[str]]], rule: str, version: str
) -> None:
    """A finding is called by the hash of its names written as JSON without spaces."""
    shops, sessions, orders, messages = (
        (list(column) for column in zip(*found, strict=True)) if found else ([], [], [], [])
    )
    heads = pc.binary_join_element_wise(
        quoted(pa.array(shops, pa.string())), quoted(pa.array(sessions, pa.string())), ","
    )
    made = finding_ids(
        heads,
        np.array([len(one) for one in messages], np.int64),
        pa.array([name for one in messages for name in one], pa.string()),
        pa.array(orders, pa.string()),
        rule,
        version,
    )
    written = [
        json.dumps([shop, session, rule, version, order, *own], separators=(",", ":"))
        for shop, session, order, own in zip(shops, sessions, orders, messages, strict=True)
    ]
    expected = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in written]
    assert made.to_pylist() == expected


def test_slices() -> None:
    assert quoted(pa.array(["甲", "a", None, '"']).slice(1)).to_pylist() == ['"a"', None, '"\\""']
