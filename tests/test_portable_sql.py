"""The stages' SQL must be readable by a second engine: parsed as Spark, verbs as functions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from jinpai.attribution.checks import balance_checks, key_clashes
from jinpai.engine.dialect import VERBS

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "jinpai"
# The web asks published tables of the engine that is always there.
FILES = sorted(path for path in PACKAGE.rglob("*.sql") if path.parent.name != "web")
# Functions beside the verbs (logical_or and try_cast are the parser's
# names of bool_or and cast), all of them in Spark's own reference under the same name and meaning.
SHARED = {
    "any_value", "try_cast", "coalesce", "count", "first_value", "lag", "lead", "max", "min",
    "logical_or", "rank", "row_number", "sum",
}  # fmt: skip
TYPES = {"BIGINT", "INT", "TINYINT", "VARCHAR", "BOOLEAN", "DECIMAL"}


def statements() -> list[tuple[str, str]]:
    found = [(str(path.relative_to(PACKAGE)), path.read_text("utf-8")) for path in FILES]
    return [*found, *balance_checks().items(), ("key_clashes", key_clashes())]


@pytest.mark.parametrize(("name", "sql"), statements(), ids=lambda value: value[:40])
def test_a_second_engine_reads_it(name: str, sql: str) -> None:
    tree = sqlglot.parse_one(re.sub(r"\$(\w+)", r":\1", sql), read="spark")
    called = {
        (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        for node in tree.find_all(exp.Func)
        if not isinstance(node, exp.Connector | exp.Case | exp.If)
    }
    assert called <= SHARED | set(VERBS), f"{name}: neither shared nor a verb"
    types = {node.this.name for node in tree.find_all(exp.DataType)}
    assert types <= TYPES, f"{name}: a type Spark may not have"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_relation_says_what_a_row_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(("-- One row per", "-- First window pass. One row", "-- Second window"))
    assert len(text.splitlines()) <= 230
