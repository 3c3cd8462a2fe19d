"""A person's words taken out of every text the store holds, the event log included.

The one thing that may change an event: the law's right to be forgotten stands above the log's
promise. What is taken out is replaced by the name that stands for the person, and the id of a case
that was made of it by the new one (`renaming`); nothing else of an event changes, and the change
itself is an event (`buyer.forgotten`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import JSON, Connection, RowMapping, Table, Text, select, text, update
from sqlalchemy.orm import Session

from jinpai.store import dump
from jinpai.store.base import Base
from jinpai.store.database import Store, failures_told
from jinpai.store.events import log_event
from jinpai.store.renaming import rename_cases
from jinpai.store.reviews import Case

__all__ = ["Replaced", "count_naming", "forget_in_store"]

_REASON_ZH, _REASON_EN = (
    "（买家已遗忘，原因不再显示）",
    "(the buyer was forgotten: no reason is shown)",
)
_MODELS = (dump,)  # imported, so that Base knows every table
_FREE = ("comment", "reason")
# People of the shop: theirs to keep, and a buyer may be called like one of them.
_STAFF = ("users", "invites", "api_tokens", "login_failures")
_TRIGGERS = ("events_keep_update", "events_keep_delete")
_Put = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Replaced:
    """What changed: table -> rows that named the person, and cases that got a new id."""

    rows: dict[str, int]
    cases: int


def count_naming(store: Store, account: re.Pattern[str], words: re.Pattern[str]) -> dict[str, int]:
    """Return table -> rows that name a person (see `forget_in_store`), where there are any."""
    look = _Look(account, words)
    with store.read() as session:
        found = {one.name: len(look.rows(session.connection(), one)) for one in _tables()}
    return {name: rows for name, rows in found.items() if rows}


def forget_in_store(
    store: Store,
    buyer: str,
    name: str,
    account: re.Pattern[str],
    words: re.Pattern[str],
    *,
    actor: str,
    told: dict[str, Any],
    findings: Iterable[Mapping[str, Any]] = (),
) -> Replaced:
    """Put ``name`` in the place of a person's words everywhere.

    Args:
        account: finds the person's account and numbers in a text.
        words: finds their name too, which is looked for in what people wrote.
        told: what the event says of the rest.
        findings: those under the new name in the last run; their cases follow (`rename_cases`).
    """
    look = _Look(account, words)
    with store.write() as session:
        connection = session.connection()
        counts = dict[str, int]()
        with _events_open(connection):
            cases = rename_cases(connection, (buyer, name), findings)
            _follow(connection, cases)
            _blank_cases(session, buyer)
            for table in _tables():
                if rows := look.rows(connection, table):
                    counts[table.name] = len(rows)
                    _replace(connection, table, rows, look, name)
        after = told | {"store": counts, "cases": len(cases)}
        log_event(
            session, actor=actor, kind="buyer.forgotten", subject=f"buyer:{name}", after=after
        )
    _sweep(store, counts)
    return Replaced(counts, len(cases))


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _STAFF]


@dataclass(frozen=True)
class _Look:
    account: re.Pattern[str]
    words: re.Pattern[str]

    def of(self, column: str) -> re.Pattern[str]:
        """Return what to look for in a column."""
        return self.words if column in _FREE else self.account

    def rows(self, connection: Connection, table: Table) -> list[dict[str, Any]]:
        """Return the key and texts of the rows that name the person."""
        texts = [column for column in table.columns if isinstance(column.type, Text | JSON)]
        keys = list(table.primary_key.columns)
        wanted = list({column.name: column for column in (*keys, *texts)}.values())
        if not texts:
            return []
        rows = connection.execute(select(*wanted)).mappings()
        return [dict(row) for row in rows if any(self._hit(row, one.name) for one in texts)]

    def _hit(self, row: RowMapping, column: str) -> bool:
        value = row[column]
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return value is not None and self.of(column).search(said) is not None


def _replace(
    connection: Connection, table: Table, rows: list[dict[str, Any]], look: _Look, name: _Put
) -> None:
    keys = [column.name for column in table.primary_key.columns]
    for row in rows:
        made = {one: _without(value, partial(look.of(one).sub, name)) for one, value in row.items()}
        changed = {one: value for one, value in made.items() if value != row[one]}
        which = [table.columns[one] == row[one] for one in keys]
        connection.execute(update(table).where(*which).values(changed))


def _follow(connection: Connection, cases: Mapping[str, str]) -> None:
    """Put new ids of cases into every text that names them: a case's events are still its own."""
    if not cases:
        return
    seen = re.compile(rf"\b(?:{'|'.join(map(re.escape, cases))})\b")
    look = _Look(seen, seen)
    for table in _tables():
        rows = look.rows(connection, table)
        _replace(connection, table, rows, look, lambda found: cases[found[0]])


def _without(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_without(one, change) for one in value]
    if isinstance(value, dict):
        return {_without(key, change): _without(one, change) for key, one in value.items()}
    return value


def _blank_cases(session: Session, buyer: str) -> None:
    """Take the reasons of the buyer's findings, which quote what was said."""
    session.execute(
        update(Case)
        .where(Case.buyer_id == buyer)
        .values(reason_zh=_REASON_ZH, reason_en=_REASON_EN)
    )


@contextmanager
def _events_open(connection: Connection) -> Iterator[None]:
    """Let events be changed inside the transaction, as the database otherwise refuses."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("alter table events disable trigger events_keep"))
        yield
        connection.execute(text("alter table events enable trigger events_keep"))
        return
    named = ", ".join(f"'{one}'" for one in _TRIGGERS)
    made = connection.execute(
        text(f"select name, sql from sqlite_master where type = 'trigger' and name in ({named})")
    ).all()
    for one in made:
        connection.execute(text(f"drop trigger {one.name}"))
    yield
    for one in made:
        connection.exec_driver_sql(one.sql)


def _sweep(store: Store, counts: dict[str, int]) -> None:
    """Have the database give up the space of the old rows, which still holds their bytes."""
    with failures_told(store.url):
        free = store.engine.execution_options(isolation_level="AUTOCOMMIT", jinpai_writes=True)
        if store.is_sqlite:
            raw = free.raw_connection()
            try:
                cursor = raw.cursor()
                cursor.execute("pragma query_only = off")
                cursor.execute("vacuum")
                cursor.execute("pragma wal_checkpoint(truncate)")
                cursor.close()
            finally:
                raw.close()
            return
        with free.connect() as connection:
            for name in counts:
                connection.execute(text(f'vacuum full "{name}"'))
