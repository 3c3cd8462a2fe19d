"""Where acts are found in many texts is where each text alone shows them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.quality.acts.patterns import Act
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.columns.spans import first_spans

from .test_scan import PATTERN, TEXT


def spans(patterns: list[str], texts: list[str]) -> dict[str, tuple[int, int]]:
    """Return by text that has the act where it is shown, told of all texts at once."""
    act = Act.model_validate({"code": "a", "role": "buyer", "zh": "甲", "en": "A", "any": patterns})
    scanner = Scanner([act])
    distinct = pa.array(sorted(set(texts)), pa.large_string())
    looked = scanner.look("buyer", distinct)
    numbers = np.zeros(len(distinct), np.int64)
    for places, number in looked.shown.get(0, ()):
        numbers[places] = number
    has = np.flatnonzero(looked.masks)
    found = distinct.take(pa.array(has))
    starts, ends = first_spans(scanner, "buyer", "a", found, numbers[has])
    told = zip(starts.tolist(), ends.tolist(), strict=True)
    alone = [scanner.spans("buyer", text, "a")[0] for text in found.to_pylist()]
    made = dict(zip(found.to_pylist(), told, strict=True))
    assert list(made.values()) == [(one.start, one.end) for one in alone]
    return made


@settings(max_examples=80, deadline=None)
@given(st.lists(PATTERN, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=20))
def test_random_patterns(patterns: list[str], texts: list[str]) -> None:
    spans(patterns, texts)


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (["谢谢", "好的"], "好的谢谢", (2, 4)),  # the first pattern, not the first place
        (["再见", "好的"], "好的谢谢", (0, 2)),
        (["x*", "谢谢"], "好的谢谢", (2, 4)),  # what finds nothing shows nothing
        (["x*", "y?"], "好的谢谢", (0, 4)),  # then it is the whole text
        (["好|好的"], "好的", (0, 1)),  # the way that is written first
        (["谢谢"], "谢\u200b谢", (0, 3)),
    ],
)
def test_which_is_shown(patterns: list[str], text: str, expected: tuple[int, int]) -> None:
    assert spans(patterns, [text, "在吗"])[text] == expected
