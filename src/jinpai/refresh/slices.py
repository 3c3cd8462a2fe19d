"""A full run over more than memory holds: the line, made for a slice of the buyers at a time.

What is said and bought by one buyer decides all rows of that buyer, but for one figure: how many
sessions an agent has open at once. So a run of many messages

1. reads the messages once and stores what the steps see of them, sorted into slices of buyers;
2. makes all steps for each slice, in whose time the canonical tables show its buyers alone, checks
   their books, and writes their rows as finished files;
3. counts open sessions, and writes sessions, for a slice of the agents at a time.

Every slice fits the memory, so hardly anything is spilled.
"""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from jinpai.attribution import key_clashes
from jinpai.conversations.inputs import RunShop
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.errors import KeyClash
from jinpai.line import CHECKED, SALTS, OnStep, check, put_run_relations
from jinpai.refresh.changes import FOLLOWED
from jinpai.refresh.ground import NAMING
from jinpai.refresh.layout import bucketed
from jinpai.refresh.lineage import words_of
from jinpai.refresh.narrow import lack_seq
from jinpai.refresh.span import longest_session
from jinpai.tables import derived
from jinpai.tables.derived import Made
from jinpai.tables.lake import Snapshot
from jinpai.tables.zones import quoted

__all__ = ["LOOSE", "MOST_SLICES", "Slices", "slices_for"]

# As measured, for each message: with less at once, much is spilled; with as much as the second in a
# slice, hardly anything.
_LEAST_BYTES, _SLICE_BYTES = 90, 180
MOST_SLICES = 256
# Of the memory, for what DuckDB counts: with it the process stays below the whole.
_SHARE = 0.8
# Sessions are a tenth of the messages, and little is asked of them at the end.
_TAIL_SHARE = 8
# Steps of the progress that a share of the work is told in.
_FINE = 100
# Results that need no buyer.
LOOSE = ("roster", "online_days")
# Visible messages with their ids, read anew.
_NAMED = "named_messages"
# Steps of which one look at all buyers is enough.
_HEAD = {"auto_replies", "marked_messages", "agent_numbers", "online_spans", *LOOSE}
# Relations stored sorted into slices, made of all messages in one reading each.
_SORTED = ("visible_messages", "thread_names")
_ACCOUNTS = "select distinct shop_id, agent_id, coalesce(agent_id, '') as agent_key from messages"
_NO_LOAD = (
    "select thread_no, session_no, cast(null as bigint) as concurrency"
    " from judged_sessions where false"
)
_PARKED = """
select s.*, n.agent_no
from sessions as s
inner join agent_numbers as n
    on n.shop_id = s.shop_id and n.agent_key = coalesce(s.agent_id, '')
"""
_OF_MY_ORDERS = "semi join orders as o on o.shop_id = r.shop_id and o.order_id = r.order_id"
# Sessions wait for their load under a number of their own, their place: keys are of one slice.
_ALL_PARKED = """
select * exclude (file_row_number), (file_index::bigint << 40) + file_row_number as session_key
from read_parquet([{files}], file_row_number = true)
"""
_WAITING = """
select
    shop_id, agent_no, session_key as thread_no, 0 as session_no, us(started_at) as start_us,
    us(ended_at) as end_us, filter_reason, messages
from parked
"""
_LOADED = """
select p.* exclude (agent_no, session_key) replace (l.concurrency as concurrency)
from parked as p
left join session_load as l on l.thread_no = p.session_key
"""


def slices_for(messages: int, memory_bytes: int) -> int:
    """Return how many slices a run over so many messages needs.

    >>> slices_for(20_000_000, 3 << 30), slices_for(200_000_000, 2 << 30)
    (1, 17)
    """
    if messages * _LEAST_BYTES <= memory_bytes:
        return 1
    return min(-(-messages * _SLICE_BYTES // memory_bytes), MOST_SLICES)


@dataclass
class Slices:
    """One run in slices; every method but `make` does one part of it.

    Attributes:
        results: those of the run that belong to buyers or to nobody, sessions among them.
        checks: the line's checks, by name.
        cutoff: as `layout.bucketed` takes it.
        made, broken, seconds, longest_us: what came of it.
    """

    engine: DuckEngine
    snapshot: Snapshot
    shops: Sequence[RunShop]
    steps: Sequence[Step]
    results: Collection[str]
    checks: Mapping[str, str]
    cutoff: int
    count: int
    on_step: OnStep | None = None
    made: dict[str, Made] = field(default_factory=dict)
    broken: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    longest_us: int = 0
    _has_ids: bool = False
    _sorted: list[str] = field(default_factory=list)
    _share: int = 0  # of the work that is done: sorting, then each slice, then the sessions
    _done: float = 0.0  # of the share at work

    def make(self) -> None:
        """Make and write all results; leaves files in the engine's scratch folder.

        Raises BalanceError, EngineError; LacksMemory where the slices are too large still.
        """
        for salt in SALTS:
            try:
                with self.engine.limited_to(_SHARE):
                    self._make(salt)
                break
            except KeyClash:
                if salt == SALTS[-1]:
                    raise
            finally:
                self.snapshot.register(self.engine.con)
                self.engine.clear({step.name for step in self.steps})

    def _make(self, salt: str) -> None:
        shutil.rmtree(self._places, ignore_errors=True)
        self.made.clear()
        self._sorted.clear()
        put_run_relations(self.engine, self.shops, salt)
        self._share, self._done = 0, 0.0
        self._head()
        for number in range(self.count):
            self._share, self._done = 1 + number, 0.0
            self._slice(number)
        self._share, self._done = 1 + self.count, 0.0
        self._tail()

    @property
    def _body(self) -> list[Step]:
        """The steps that are made for every slice."""
        left_out = {*_HEAD, *_SORTED}
        return [self._for_slice(step) for step in self.steps if step.name not in left_out]

    @property
    def _places(self) -> Path:
        return self.engine.scratch / "slices"

    def _head(self) -> None:
        """Make what looks at all buyers, and sort what the slices read."""
        self._view("all_accounts", _ACCOUNTS)
        self._has_ids = lack_seq(self.engine)
        for step in self.steps:
            if step.name in _SORTED:
                self._sort(step)
            elif step.name == "agent_numbers":
                sql = re.sub(r"\bthread_names\b", "all_accounts", step.sql)
                self._timed(step.name, partial(self.engine.make, replace(step, sql=sql)))
            elif step.name in _HEAD:
                self._timed(step.name, partial(self.engine.make, step))
        if "order_facts" in {step.name for step in self.steps}:
            self._sort(Step("orders", self.snapshot.table_sql("orders")))
        for name in LOOSE:
            if name in self.results:
                self._write(name, 0)

    def _slice(self, number: int) -> None:
        """Make all other steps for one slice of the buyers, and write their results."""
        self._show(number)
        body = self._body
        checks = {name: sql for name, sql in self.checks.items() if not _counts_messages(sql)}
        asked = set[str]().union(*(words_of(sql) for sql in checks.values()))
        made = {step.name for step in body}
        keep = made & {*self.results, *CHECKED, *asked, "judged_sessions"}
        took = self.engine.run(body, keep=keep, on_step=self._told)
        for name, seconds in took.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        if set(CHECKED[1:3]) <= made:
            self._refuse_clashes()
        self.broken.update(check(self.engine, checks))
        if "sessions" in made:
            place = self._places / "parked" / f"{number}.parquet"
            self._store("parked", _PARKED, place)
            self.longest_us = max(self.longest_us, longest_session(self.engine))
        self.engine.number_names(*NAMING)
        for name in self.results:
            if name not in (*LOOSE, "sessions"):
                self._write(name, number)
        self.engine.clear(made)

    def _tail(self) -> None:
        """Count open sessions and write sessions, for a slice of the agents at a time."""
        self.snapshot.register(self.engine.con)
        known = {step.name: step for step in self.steps}
        if "sessions" not in known:
            return
        load = known["session_load"]
        files = _listed(sorted((self._places / "parked").iterdir()))
        self._view("all_parked", _ALL_PARKED.format(files=files))
        self._view("parked", "select * from all_parked")
        self._view("judged_sessions", _WAITING)
        count = -(-self.count // _TAIL_SHARE) if "sessions" in self.results else 0
        for number in range(count):
            is_mine = f"agent_no % {count} = {number}"
            self._view("parked", f"select * from all_parked where {is_mine}")
            self._timed(load.name, partial(self.engine.make, load))
            self._view("sessions", _LOADED)
            self._write("sessions", number)
            self.engine.drop(load.name)
        self._view("parked", "select * from all_parked")
        checks = {name: sql for name, sql in self.checks.items() if _counts_messages(sql)}
        self._timed("check", lambda: self.broken.update(check(self.engine, checks)))

    def _show(self, number: int) -> None:
        """Let the canonical tables, and what was sorted, hold one slice of the buyers."""
        known = {step.name for step in self.steps}
        is_mine = f"{self._slice_of('buyer_id')} = {number}"
        for name, key in FOLLOWED.items():
            whole = self.snapshot.table_sql(name)
            if key == "buyer_id" or name == "orders":
                self._view(name, f"select * from ({whole}) where {is_mine}")
            elif key == "order_id":
                self._view(name, f"select r.* from ({whole}) as r {_OF_MY_ORDERS}")
        for name in self._sorted:
            self._view(name, self._stored(name, number))
        if "sessions" not in known:  # those in force are judged again
            there = self.snapshot.lake.folder / "sessions"
            old = derived.view_sql(self.engine.con, there, self.snapshot.versions["sessions"])
            self._view("sessions", f"select * from ({old}) where {is_mine}")

    def _slice_of(self, column: str) -> str:
        return f"hash({column}) % {self.count}"

    def _for_slice(self, step: Step) -> Step:
        """Return a step as it is made for a slice."""
        if step.name == "session_load":
            return Step(step.name, _NO_LOAD)
        if step.name == "turns_by_id" and not self._has_ids:
            return replace(step, sql=re.sub(r"\bvisible_messages\b", _NAMED, step.sql))
        return step

    def _sort(self, step: Step) -> None:
        """Store a relation sorted into slices; ids of messages only where many may be asked.

        Those of messages that seq places are hardly ever asked, and then read anew.
        """
        self._view(step.name, step.sql)
        listed = "*"
        if step.name == "visible_messages":
            self._view(_NAMED, step.sql)
            listed = "* exclude (buyer_id)" if self._has_ids else "* exclude (buyer_id, message_id)"
        self._view(f"whole_{step.name}", f"select {listed} from ({step.sql})")
        rows = f"select {listed}, {self._slice_of('buyer_id')} as _slice from {step.name}"
        place = self._places / step.name
        self._store(step.name, rows, place, ", partition_by (_slice)")
        self._sorted.append(step.name)

    def _store(self, name: str, sql: str, place: Path, how: str = "") -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = (
            f"copy ({sql}) to {quoted(str(place))}"
            f" (format parquet, compression lz4, dictionary_size_limit 10000{how})"
        )
        self._timed(f"store {name}", lambda: self.engine.sort_out(name, copy))

    def _stored(self, name: str, number: int) -> str:
        """Return the SELECT of one slice of what was sorted."""
        files = sorted((self._places / name / f"_slice={number}").glob("*.parquet"))
        if not files:
            return f"select * from whole_{name} where false"
        return f"select * from read_parquet([{_listed(files)}], hive_partitioning = false)"

    def _write(self, name: str, number: int) -> None:
        """Write the files of a result; the first slice tells their columns."""
        folder = self._places / "files" / name / str(number)
        sql = bucketed(name, self.cutoff)

        def act() -> None:
            schema, files = self.engine.careful(
                name, sql, lambda: derived.write_files(self.engine.con, sql, folder, derived.STAGED)
            )
            paths = [(folder / path, rows) for path, rows in files]
            known = self.made.get(name)
            self.made[name] = Made(schema, [*(known.files if known else ()), *paths])

        self._timed("write", act)

    def _refuse_clashes(self) -> None:
        if self.engine.fetch("key clashes", key_clashes()).num_rows:
            raise KeyClash("key clashes", key_clashes(), "two things share a key")

    def _view(self, name: str, sql: str) -> None:
        self.engine.make(Step(name, sql, keep=False))

    def _told(self, name: str, place: int, steps: int) -> None:
        """Tell the progress; every slice, and what comes before and after them, is one share."""
        self._done = place / (steps + 1)
        self._tell(name)

    def _tell(self, name: str) -> None:
        if self.on_step is not None:
            done = round((self._share + self._done) * _FINE)
            self.on_step(name, done, (self.count + 2) * _FINE)

    def _timed(self, name: str, act: Callable[[], None]) -> None:
        self._tell(name)
        started = time.perf_counter()
        act()
        took = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + took


def _counts_messages(sql: str) -> bool:
    """Whether a check looks at all messages: it is asked once, of all slices together."""
    return "messages" in words_of(sql)


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(quoted(str(path)) for path in files)
