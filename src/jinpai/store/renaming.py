"""Review cases under the name their finding has since its buyer was forgotten.

A finding's id is made of its session, and a session's name holds the buyer (`quality.finding`): who
forgets the buyer gets the same finding under another id. What was decided about it follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from jinpai.store import calibrations, reviews
from jinpai.store.base import Base
from jinpai.store.reviews import Case

__all__ = ["rename_cases"]

_MODELS = (calibrations, reviews)  # imported, so that Base knows every table that names a finding
_CASES = Base.metadata.tables[Case.__tablename__]
_Row = Mapping[str, Any]


def rename_cases(
    connection: Connection, buyers: Sequence[str], findings: Iterable[_Row]
) -> dict[str, str]:
    """Give cases of a forgotten buyer the ids of the same findings, made again by a run.

    The same finding: session, rule and its version, order, and the times of what shows it. A case
    whose finding is not there again, or could be two, keeps its id; so does one whose new id is a
    case already, which somebody opened since.

    Args:
        buyers: the buyer's names in the cases: the account, and what stands for it.
        findings: those of the forgotten buyer in the last run: finding_id, shop_id, agent_id,
            session_id, rule, rule_version, order_id, evidence.
    Returns: old id -> new id.
    """
    again = _again(connection, buyers, findings)
    if not again:
        return {}
    names = {old: str(found["finding_id"]) for old, found in again.items()}
    evidence = {old: found["evidence"] for old, found in again.items()}
    held = [table for table in Base.metadata.sorted_tables if "finding_id" in table.columns]
    keyed = [table for table in held if "finding_id" in table.primary_key.columns]
    # Rows that others refer to are written under the new id first, and deleted last.
    for table in held:
        if table in keyed:
            _copy(connection, table, names, evidence)
        else:
            _point(connection, table, names)
    for table in reversed(keyed):
        connection.execute(delete(table).where(table.columns.finding_id.in_(names)))
    return names


def _again(
    connection: Connection, buyers: Sequence[str], findings: Iterable[_Row]
) -> dict[str, _Row]:
    """Return old id -> the finding, one to one, where the new id is nobody's yet."""
    mine = select(_CASES).where(_CASES.columns.buyer_id.in_(buyers))
    cases = _alone(row._asdict() for row in connection.execute(mine))
    found = _alone(findings)
    pairs = [(cases[key], found[key]) for key in cases.keys() & found.keys()]
    wanted = [one["finding_id"] for _, one in pairs]
    taken = select(_CASES.columns.finding_id).where(_CASES.columns.finding_id.in_(wanted))
    known = set(connection.scalars(taken))
    return {case["finding_id"]: one for case, one in pairs if one["finding_id"] not in known}


def _alone(rows: Iterable[_Row]) -> dict[tuple[Any, ...], _Row]:
    """Return by what is the same under both names; what two rows share is left out."""
    keys = [(_key(row), row) for row in rows]
    counts = Counter(key for key, _ in keys)
    return {key: row for key, row in keys if counts[key] == 1}


def _key(row: _Row) -> tuple[Any, ...]:
    started = str(row["session_id"]).rpartition("/")[2]  # its microseconds
    times = tuple(line["at_us"] for line in row["evidence"] or ())
    named = ("shop_id", "agent_id", "rule", "rule_version", "order_id")
    return (started, tuple(sorted(times)), *(row[one] for one in named))


def _copy(
    connection: Connection, table: Table, names: Mapping[str, str], evidence: Mapping[str, Any]
) -> None:
    """Write rows again under the new id; a case with what shows its finding now."""
    rows = list(_renamed(connection, table, names))
    if table is _CASES:
        rows = [(old, row | {"evidence": evidence[old]}) for old, row in rows]
    if rows:
        connection.execute(insert(table), [row for _, row in rows])


def _renamed(
    connection: Connection, table: Table, names: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    mine = select(table).where(table.columns.finding_id.in_(names))
    for row in connection.execute(mine).all():
        old = str(row.finding_id)
        yield old, row._asdict() | {"finding_id": names[old]}


def _point(connection: Connection, table: Table, names: Mapping[str, str]) -> None:
    """Let rows with a number of their own name the new id."""
    for old, new in names.items():
        connection.execute(
            update(table).where(table.columns.finding_id == old).values(finding_id=new)
        )
