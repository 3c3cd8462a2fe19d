"""From measures to SELECTs: one statement per fact and per thing that is counted once.

Measures that share a fact and an entity share one scan. People are counted in two storeys, cell and
entity first, cell after it, so that ten counts of people cost one aggregation and not ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinpai.metrics.definition import Measure, Registry

__all__ = ["CELL_COLUMNS", "Question", "evidence_sql", "fact_sql", "questions"]

# grain -> the column that keys it
CELL_COLUMNS = {
    "team": "team",
    "agent": "agent_id",
    "product": "product_id",
    "day": "day",
    "week": "week",
    "month": "month",
}
_HELPERS = ("reception_sales",)


@dataclass(frozen=True)
class Question:
    """One statement; it returns ``shop_id``, the cell's columns, then a column per measure."""

    measures: tuple[str, ...]
    sql: str


def questions(registry: Registry, measures: Iterable[str], grain: Sequence[str]) -> list[Question]:
    """Return the statements that answer the measures at a grain; parameters $judge_rule, $level."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in dict.fromkeys(measures):
        measure = registry.measures[name]
        groups.setdefault((measure.fact, measure.entity), []).append(name)
    return [
        Question(tuple(names), _statement(registry, fact, entity, names, grain))
        for (fact, entity), names in groups.items()
    ]


def evidence_sql(
    registry: Registry, fact: str, measures: Sequence[str], conditions: Sequence[str]
) -> str:
    """Return the SELECT of a fact's rows in a cell, with a column ``in_<measure>`` per measure."""
    flags = "".join(
        f",\n    coalesce({registry.measures[name].where}, false) as in_{name}" for name in measures
    )
    where = " and ".join(("true", *conditions))
    return (
        f"{fact_sql(fact)},\n\nplaced as ({_PLACED})\n\n"
        f"select *{flags}\nfrom placed\nwhere {where}\norder by all"
    )


@cache
def fact_sql(fact: str) -> str:
    """Return ``with <helpers>, fact as (…)`` for a fact."""
    text = _read(fact)
    parts = [
        f"{helper} as (\n{_read(helper)}\n)"
        for helper in _HELPERS
        if re.search(rf"\b{helper}\b", text)
    ]
    return "with " + ",\n\n".join([*parts, f"fact as (\n{text}\n)"])


def _read(name: str) -> str:
    return files("jinpai.metrics").joinpath("facts", f"{name}.sql").read_text("utf-8").strip()


_PLACED = """
    select f.*, d.week, d.month
    from fact as f
    inner join cell_days as d on d.shop_id = f.shop_id and d.day = f.day
"""


def _statement(
    registry: Registry, fact: str, entity: tuple[str, ...], names: list[str], grain: Sequence[str]
) -> str:
    measures = {name: registry.measures[name] for name in names}
    keys = ["shop_id", *(CELL_COLUMNS[part] for part in grain)]
    head = f"{fact_sql(fact)},\n\nplaced as ({_PLACED})"
    if not entity:
        return f"{head}\n\n{_select(keys, [_plain(m, n) for n, m in measures.items()], 'placed')}"
    inner = _select(
        list(dict.fromkeys([*keys, *entity])),
        [_per_entity(m, n) for n, m in measures.items()],
        "placed",
    )
    outer = _select(keys, [_over_entities(m, n) for n, m in measures.items()], "entities")
    return f"{head},\n\nentities as (\n{inner}\n)\n\n{outer}"


def _select(keys: Sequence[str], columns: Sequence[str], source: str) -> str:
    key_list = ", ".join(keys)
    return f"select {key_list}, {', '.join(columns)}\nfrom {source}\ngroup by {key_list}"


def _plain(measure: Measure, name: str) -> str:
    if measure.count:
        return f"count(*) filter (where {measure.where}) as {name}"
    if measure.max:
        return f"max({measure.max}) filter (where {measure.where}) as {name}"
    total = f"sum({measure.sum}) filter (where {measure.where})"
    return f"cast({total} as {_sum_type(measure)}) as {name}"


def _per_entity(measure: Measure, name: str) -> str:
    if measure.distinct:
        return f"bool_or(coalesce({measure.where}, false)) as {name}"
    return f"max(case when {measure.where} then {measure.sum} end) as {name}"


def _over_entities(measure: Measure, name: str) -> str:
    if measure.distinct:
        return f"count(*) filter (where {name}) as {name}"
    return f"cast(sum({name}) as {_sum_type(measure)}) as {name}"


def _sum_type(measure: Measure) -> str:
    return "decimal(38, 2)" if "amount" in measure.sum else "bigint"
