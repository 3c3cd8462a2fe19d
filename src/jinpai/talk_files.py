"""Files beside the lake that conversations are found in, so that opening one costs little.

A run's relations are laid for adding them up. To find one buyer in them means to look through all
of their weeks. These files hold the few columns a conversation shows, sorted by buyer in small
pieces, and the list of conversations, the latest first. They can be made anew at any time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.engine.duckdb import DuckEngine
from jinpai.tables.zones import quoted
from jinpai.talk_pieces import Pieces, Row, in_order_given, write_pieces
from jinpai.talk_said import Said

__all__ = [
    "LISTED",
    "LIST_ORDER",
    "RELATIONS",
    "Row",
    "RunRows",
    "SortedRows",
    "TalkRows",
    "files_in_span",
]


# What of a run a conversation shows; every relation has shop_id and buyer_id.
RELATIONS = {
    "sessions": """
select shop_id, buyer_id, agent_id, day, session_no, started_at, ended_at, messages,
    buyer_messages, human_messages, is_attended, is_two_sided, filter_reason, concurrency
from sessions
""",
    "rounds": """
select shop_id, buyer_id, agent_id, session_no, opened_at, closed_at, wait_us, is_late,
    is_first_in_session
from rounds
""",
    "orders": """
select shop_id, buyer_id, order_id, created_at, paid_at, paid_amount, refunded_amount, is_excluded,
    created_agent_id, paid_agent_id
from judged_orders
""",
    "refunds": """
select r.shop_id, o.buyer_id, r.refund_id, r.order_id, r.opened_at, r.closed_at, r.amount,
    r.reason, r.outcome
from refunds as r
inner join judged_orders as o on o.shop_id = r.shop_id and o.order_id = r.order_id
""",
    "findings": """
select shop_id, buyer_id, agent_id, day, started_at, finding_id, rule, points, is_merit, is_fatal,
    is_shadow, is_overruled, reason_zh, reason_en, evidence
from findings
""",
}
# Sessions with how long they made the buyer wait.
LISTED = """
with asked as (
    select shop_id, agent_id, buyer_id, day, session_no, started_at, ended_at, messages,
        buyer_messages, human_messages, is_attended, is_two_sided, filter_reason
    from sessions{of_sessions}
),

waits as (
    select shop_id, buyer_id, agent_id, session_no,
        max(case when not is_late then wait_us end) as longest_us,
        max(case when is_first_in_session and not is_late then wait_us end) as first_us,
        count(case when closed_at is null or is_late then 1 end) as unanswered
    from rounds{of_rounds}
    group by shop_id, buyer_id, agent_id, session_no
)

select a.*, w.longest_us, w.first_us, coalesce(w.unanswered, 0) as unanswered
from asked as a
left join waits as w
    on w.shop_id = a.shop_id
    and w.buyer_id = a.buyer_id
    and w.agent_id is not distinct from a.agent_id
    and w.session_no = a.session_no
"""
# What breaks ties in a list; the listed file lies in this order.
LIST_ORDER = "started_at desc, buyer_id, agent_id, session_no"
_GROUP = 2048
_SPANS = 20_000  # files whose span of time is remembered


class TalkRows(Protocol):
    """Where the rows of a buyer come from."""

    def of_buyer(self, name: str, shop_id: str, buyer: str) -> list[Row]:
        """Return all rows of a buyer of one of RELATIONS, in no order."""
        ...

    def said(self, path: str, shop_id: str, buyer: str) -> list[Row] | None:
        """Return a buyer's messages of a file of the lake; None where the file has to be read."""
        ...


class RunRows:
    """A buyer's rows from the relations of the run themselves, as an engine knows them."""

    def __init__(self, engine: DuckEngine) -> None:
        self._engine = engine

    def of_buyer(self, name: str, shop_id: str, buyer: str) -> list[Row]:
        """Return all rows of a buyer, in no order."""
        sql = f"select * from ({RELATIONS[name]}) where shop_id = $shop_id and buyer_id = $buyer"
        found = self._engine.fetch(name, sql, {"shop_id": shop_id, "buyer": buyer})
        return list(found.to_pylist())

    def said(self, path: str, shop_id: str, buyer: str) -> list[Row] | None:
        """Return None: the file has to be read."""
        return None


class SortedRows:
    """A buyer's rows from the sorted files of one run.

    Args:
        folder, run_key: as `write` got them; OSError where the files are not there.
        said: copies of the files of messages.
    Attributes:
        name: what engines call the list of conversations (see `attach`).
    """

    name = "listed.talks"

    def __init__(self, folder: Path, run_key: str, said: Said) -> None:
        self._said = said
        self._files = {name: Pieces(_path(folder, run_key, name)) for name in RELATIONS}
        self.listed = _list_path(folder, run_key)
        self.listed.stat()

    def of_buyer(self, name: str, shop_id: str, buyer: str) -> list[Row]:
        """Return all rows of a buyer, in no order."""
        return self._files[name].rows(shop_id, buyer)

    def said(self, path: str, shop_id: str, buyer: str) -> list[Row] | None:
        """Return a buyer's messages of a file of the lake; None where it has no copy."""
        return self._said.rows(path, shop_id, buyer)

    def open(self, paths: Sequence[str]) -> None:
        """Open the copies of files of messages, so that nobody waits for it later."""
        self._said.open(paths)

    @classmethod
    def found(cls, folder: Path, run_key: str, said: Said) -> SortedRows | None:
        """Return the files of a run; None where they were not written, or cannot be read."""
        try:
            return cls(folder, run_key, said)
        except (OSError, pa.ArrowException):
            return None

    def attach(self, engine: DuckEngine) -> None:
        """Let an engine know the list of conversations, as ``name``."""
        engine.con.execute(f"attach {quoted(str(self.listed))} as listed (read_only)")

    @staticmethod
    def write(engine: DuckEngine, folder: Path, run_key: str) -> None:
        """Write the files of a run.

        Raises EngineError, OSError where they cannot be written; nothing depends on them.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with in_order_given(engine, "sorted conversations"):
            for name, sql in RELATIONS.items():
                path = _path(folder, run_key, name)
                write_pieces(engine, path, sql, rows=_GROUP, packing="compression zstd")
            _write_list(engine, _list_path(folder, run_key))

    @staticmethod
    def sweep(folder: Path, run_key: str) -> None:
        """Delete the files of all other runs."""
        for old in folder.glob("talk-*"):
            if not old.name.startswith(f"talk-{run_key}-"):
                old.unlink(missing_ok=True)


def _path(folder: Path, run_key: str, name: str) -> Path:
    return folder / f"talk-{run_key}-{name}.parquet"


def _list_path(folder: Path, run_key: str) -> Path:
    return folder / f"talk-{run_key}-list.duckdb"


def _write_list(engine: DuckEngine, path: Path) -> None:
    """Write the list as a table of DuckDB's own: its best rows are found without reading all."""
    aside = path.with_suffix(f".{os.getpid()}")
    aside.unlink(missing_ok=True)
    engine.con.execute(f"attach {quoted(str(aside))} as made")
    try:
        listed = LISTED.format(of_sessions="", of_rounds="")
        engine.con.execute(
            f"create table made.talks as from ({listed}) order by shop_id, {LIST_ORDER}"
        )
    finally:
        engine.con.execute("detach made")
    aside.replace(path)


def files_in_span(paths: Sequence[str], first: datetime, last: datetime) -> list[str]:
    """Return those of the files of messages that can hold one of a span of UTC, both ends in it."""
    spans = ((path, _span(path)) for path in paths)
    return [path for path, (low, high) in spans if low <= last and first <= high]


@lru_cache(_SPANS)
def _span(path: str) -> tuple[datetime, datetime]:
    """The first and last time in a file of messages (it never changes); all time where unknown."""
    known = pq.read_metadata(path)
    at = known.schema.to_arrow_schema().names.index("sent_at")
    groups = [known.row_group(place).column(at).statistics for place in range(known.num_row_groups)]
    if not groups or any(one is None or not one.has_min_max for one in groups):
        return datetime.min, datetime.max
    low, high = min(one.min for one in groups), max(one.max for one in groups)
    return low.replace(tzinfo=None), high.replace(tzinfo=None)
