"""From measures to SELECTs: one statement per fact and per thing that is counted once.

Measures that share a fact and an entity share one scan. People are counted in two storeys, cell and
entity first, cell after it, so that ten counts of people cost one aggregation and not ten. Where a
cell has one row per entity (a reception by agent and day is one buyer's), rows are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from jinpai.metrics.definition import Measure, Registry

__all__ = ["CELL_COLUMNS", "Question", "evidence_sql", "fact_sql", "questions"]

# grain -> the column that keys it
CELL_COLUMNS = {
    "team": "team",
    "agent": "agent_id",
    "product": "product_id",
    "stage": "stage",
    "cause": "cause",
    "day": "day",
    "week": "week",
    "month": "month",
}
# What a fact may build on, by the name it has there -> its file; each on those before it.
_HELPERS = {
    "reception_sales": "reception_sales",
    "judged_receptions": "receptions",
    "credited_orders": "credited_orders",
    "numbered_orders": "numbered_orders",
}


@dataclass(frozen=True)
class Question:
    """One statement; it returns ``shop_id``, the cell's columns, then a column per measure.

    The cell of time is ``cell_no``, last of the cell's columns.

    Attributes:
        held: relation to make first, because other questions read it as well -> its statement.
    """

    measures: tuple[str, ...]
    sql: str
    held: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> str:
        """Everything it reads, for those who look for names and parameters in it."""
        return "\n".join((self.sql, *self.held.values()))


def questions(
    registry: Registry,
    measures: Iterable[str],
    grain: Sequence[str],
    *,
    cells_are_days: bool = False,
) -> list[Question]:
    """Return the statements that answer the measures at a grain; parameters $judge_rule, $level.

    Args:
        grain: parts other than those of time, which are in the cells put beside the facts.
        cells_are_days: each cell of time is one day.
    """
    told = {CELL_COLUMNS[part] for part in grain} | ({"day"} if cells_are_days else set())
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in dict.fromkeys(measures):
        measure = registry.measures[name]
        entity = _counted_once(registry, measure, told)
        groups.setdefault((measure.fact, entity), []).append(name)
    often = Counter(fact for fact, _ in groups)
    return [
        _question(registry, fact, entity, names, grain, often[fact] > 1)
        for (fact, entity), names in groups.items()
    ]


def _counted_once(registry: Registry, measure: Measure, told: Set[str]) -> tuple[str, ...]:
    """Return the entity to group by in each cell; none where every row is another one anyway."""
    unique = registry.facts[measure.fact].unique
    is_by_itself = bool(unique) and told | set(measure.entity) >= set(unique)
    return () if is_by_itself else measure.entity


def evidence_sql(
    registry: Registry, fact: str, flags: Mapping[str, str], conditions: Sequence[str]
) -> str:
    """Return the SELECT of a fact's rows in a cell.

    Args:
        flags: column to add -> the condition it holds.
        conditions: what every row must fulfil.
    """
    marks = "".join(
        f",\n    coalesce({condition}, false) as {name}" for name, condition in flags.items()
    )
    where = " and ".join(("true", *conditions))
    return f"{_head(registry, fact)}\n\nselect *{marks}\nfrom placed\nwhere {where}\norder by all"


@cache
def fact_sql(fact: str) -> str:
    """Return ``with <helpers>, fact as (…)`` for a fact."""
    text = _read(fact)
    parts = [f"fact as (\n{text}\n)"]
    for helper, name in reversed(_HELPERS.items()):
        if any(re.search(rf"\b{helper}\b", part) for part in parts):
            parts.insert(0, f"{helper} as (\n{_read(name)}\n)")
    return "with " + ",\n\n".join(parts)


def _read(name: str) -> str:
    return files("jinpai.metrics").joinpath("facts", f"{name}.sql").read_text("utf-8").strip()


def _head(registry: Registry, fact: str) -> str:
    """Return ``with …, placed as (…)``: the fact's rows, each with the cells of time it is in."""
    known = registry.facts[fact]
    placed = "select f.* from fact as f"
    if not known.by_cell:
        days = f"cell_days_{known.trailing_days}" if known.trailing_days else "cell_days"
        placed = (
            "select f.*, d.cell_no\n    from fact as f\n"
            f"    inner join {days} as d on d.shop_id = f.shop_id and d.day = f.day"
        )
    return f"{fact_sql(fact)},\n\nplaced as (\n    {placed}\n)"


def _question(
    registry: Registry,
    fact: str,
    entity: tuple[str, ...],
    names: list[str],
    grain: Sequence[str],
    is_shared: bool,
) -> Question:
    measures = {name: registry.measures[name] for name in names}
    keys = ["shop_id", *(CELL_COLUMNS[part] for part in grain), "cell_no"]
    head = _head(registry, fact)
    source, held = "placed", {}
    if is_shared:
        source = f"placed_{fact}"
        held, head = {source: f"{head}\n\nselect * from placed"}, ""
    if not entity:
        counted = _select(keys, [_plain(m, n) for n, m in measures.items()], source)
        return Question(tuple(names), f"{head}\n\n{counted}", held)
    inner = _select(
        list(dict.fromkeys([*keys, *entity])),
        [_per_entity(m, n) for n, m in measures.items()],
        source,
    )
    outer = _select(keys, [_over_entities(m, n) for n, m in measures.items()], "entities")
    begin = f"{head},\n\n" if head else "with "
    return Question(tuple(names), f"{begin}entities as (\n{inner}\n)\n\n{outer}", held)


def _select(keys: Sequence[str], columns: Sequence[str], source: str) -> str:
    key_list = ", ".join(keys)
    return f"select {key_list}, {', '.join(columns)}\nfrom {source}\ngroup by {key_list}"


def _plain(measure: Measure, name: str) -> str:
    if measure.count or measure.distinct:
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
