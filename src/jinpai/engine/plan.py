"""Steps: what the stages return and an engine executes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from importlib import resources

import pyarrow as pa

__all__ = ["Apply", "Step", "last_uses", "readers", "sql_step"]


@dataclass(frozen=True)
class Apply:
    """What is done in Python with the rows of a SELECT, a stream at a time.

    Attributes:
        function: takes batches of rows in order and gives batches of ``schema``. An engine with
            several workers gives each of them its own part of the rows, and pickles the function.
        schema: what comes out; numbers, texts, dates and lists of them, no instants.
        parts: columns; rows that agree in them come together, in one stream.
        order: columns by which the rows of a stream are sorted, so that those parts stay together;
            none is null.
    """

    function: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
    schema: pa.Schema
    parts: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One relation to make.

    Attributes:
        name: what the relation means; later steps refer to it by this name.
        sql: one SELECT over canonical tables, run relations and earlier steps.
        keep: stored once (True) or inlined as a view (False).
        apply: what makes the relation of the SELECT's rows, where it is not the SELECT itself.
    """

    name: str
    sql: str
    keep: bool = True
    apply: Apply | None = None


def sql_step(package: str, name: str, *, keep: bool = True) -> Step:
    """Return the step whose SELECT lies in ``<package>/<name>.sql``.

    >>> sql_step("jinpai.conversations", "threads").name
    'threads'
    """
    text = resources.files(package).joinpath(f"{name}.sql").read_text("utf-8")
    return Step(name, text.strip().rstrip(";"), keep)


def last_uses(steps: Sequence[Step], wanted: Set[str]) -> dict[str, int]:
    """Return the place of the last step that reads each relation, views followed to their ground.

    What a wanted view reads is used after the last step.
    """
    known = {step.name: step for step in steps}
    reads = {step.name: names_in(step.sql, steps) for step in steps}
    last = {step.name: place for place, step in enumerate(steps)}
    for at, step in enumerate(steps):
        place = len(steps) if step.name in wanted and not step.keep else at
        waiting, seen = list(reads[step.name]), set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            last[name] = max(last[name], place)
            if not known[name].keep:
                waiting.extend(reads[name])
    return last


def readers(steps: Sequence[Step]) -> dict[str, int]:
    """Return how often each step's relation is named in later steps."""
    words = [word for step in steps for word in _words(step.sql)]
    return {step.name: words.count(step.name) for step in steps}


def names_in(sql: str, steps: Sequence[Step]) -> set[str]:
    """Return the steps a statement reads."""
    words = set(_words(sql))
    return {step.name for step in steps if step.name in words}


def _words(sql: str) -> list[str]:
    return sql.replace("(", " ").replace(")", " ").replace(",", " ").split()
