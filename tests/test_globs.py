"""Account patterns: what a glob means, on the engine and in Python's own fnmatch."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase

import pyarrow as pa

from jinpai.conversations.inputs import _pattern
from jinpai.engine.duckdb import DuckEngine

HAND = [
    ("*测试*", "店:测试一", True),
    ("*测试*", "店:小桐", False),
    ("a*b*c", "a-b-b-c\n", False),
    ("a*b*c", "a-b\nb-c", True),
    ("店[*?]", "店*", True),
    ("店[!*]*", "店*1", False),
    ("[]]x", "]x", True),
    ("a+(b)", "a+(b)", True),
    ("?", "亲", True),
]


def test_globs_worked_by_hand() -> None:
    assert matched([(glob, text) for glob, text, _ in HAND]) == [told for *_, told in HAND]


def test_globs_mean_what_python_says() -> None:
    rng = random.Random(5)
    pairs = [
        (
            "".join(rng.choices("ab亲*?[]!-.\\(", k=rng.randint(1, 7))),
            "".join(rng.choices("ab亲*]!-.\\(\n", k=rng.randint(0, 6))),
        )
        for _ in range(3000)
    ]
    expected = [fnmatchcase(text, glob) for glob, text in pairs]
    assert sum(expected) > 50
    assert matched(pairs) == expected


def matched(pairs: list[tuple[str, str]]) -> list[bool]:
    """Return for each (glob, text) whether the engine finds a match."""
    table = pa.table(
        {
            "place": range(len(pairs)),
            "text": [text for _, text in pairs],
            "pattern": [_pattern(glob) for glob, _ in pairs],
        }
    )
    with DuckEngine(threads=1) as engine:
        engine.put("pairs", table)
        sql = "select like_pattern(text, pattern) as found from pairs order by place"
        return engine.fetch("globs", sql)["found"].to_pylist()
