"""The workspace as pages read it: engines that stay open, figures that are asked for once.

Nothing is computed here: `Reader` is a `Workspace` that keeps a few engines with the relations of
the last run open, and remembers figures by the run and the question.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from jinpai import __version__
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.metrics.definition import shipped_registry
from jinpai.refresh.as_read import as_read
from jinpai.run import ShopRun, open_engine, shop_runs
from jinpai.tables.lake import Snapshot
from jinpai.tables.mounts import mounted
from jinpai.talk import message_files
from jinpai.talk_files import RunRows, SortedRows, TalkRows
from jinpai.talk_said import Said
from jinpai.web.memory import Memory
from jinpai.workspace import MetricsResult, Workspace
from jinpai.workspace_config import FILE_NAME, load_config

__all__ = ["NotRun", "Reader", "Roster"]

ENGINES, THREADS, MEMORY = 2, 2, "400MB"
# Conversations are opened by engines of their own, so that nobody who reads one waits for figures.
TALK_ENGINES, TALK_MEMORY = 4, "128MB"
# Canonical tables that explanations read beside those `Workspace.prepare` makes known.
_CANONICAL = ("messages", "orders", "products")

Roster = dict[str, dict[str, Any]]


class NotRun(UsageError):
    """There are no figures yet: nothing was run in this workspace."""


@dataclass
class _State:
    """The last run as long as it is the last: its snapshot, shops, and engines that know it."""

    snapshot: Snapshot
    run_key: str
    shops: list[ShopRun]
    idle: list[DuckEngine] = field(default_factory=list)
    stale: dict[str, bool] = field(default_factory=dict)
    sorted_rows: SortedRows | None = None
    talkers: list[DuckEngine] = field(default_factory=list)

    def close(self) -> None:
        """Close the engines nobody uses now; the others are closed when they are given back."""
        for engine in (*self.idle, *self.talkers):
            engine.close()


@dataclass(frozen=True)
class Talks:
    """What conversations are read with.

    Attributes:
        engine: knows ``products`` and, where ``listed`` is empty, the run.
        rows: a buyer's rows. listed: what the engine calls the list of conversations.
    """

    engine: DuckEngine
    rows: TalkRows
    listed: str
    shops: list[ShopRun]
    snapshot: Snapshot


class Reader(Workspace):
    """A workspace for many short questions at once (see `Workspace` for the questions).

    Attributes:
        hands_over: pages show a new run only when `take_over` is called (see `web.warm`).
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(root)
        self.memory = Memory(self.root / "cache")
        self._config_file = self.root / FILE_NAME
        self._config_at = self._config_file.stat().st_mtime_ns
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(ENGINES)
        self._talk_room = threading.BoundedSemaphore(TALK_ENGINES)
        self._state: _State | None = None
        self._next: _State | None = None
        self.hands_over = False
        self._seen_at = 0

    def close(self) -> None:
        """Close the engines."""
        with self._lock:
            states = (self._state, self._next)
            self._state = self._next = None
        for state in states:
            if state:
                state.close()

    @property
    def run_key(self) -> str:
        """What changes whenever another run is in force; raises NotRun before the first."""
        return self._current().run_key

    @contextmanager
    def derived(
        self, shop_id: str | None = None
    ) -> Iterator[tuple[DuckEngine, list[ShopRun], Snapshot]]:
        """Lend an engine that knows the last run; raises as `Workspace.derived`."""
        with self._room:
            state = self._current()
            shops = _chosen(state.shops, shop_id)
            engine = self._take(state)
            try:
                yield engine, shops, state.snapshot
            finally:
                self._give_back(state, state.idle, engine)

    @contextmanager
    def _opened(self, shop_id: str | None) -> Iterator[tuple[DuckEngine, ShopRun]]:
        with self.derived(shop_id or self.default_shop()) as (engine, shops, _):
            yield engine, shops[0]

    def shops(self) -> list[ShopRun]:
        """Return the shops of the last run."""
        return self._current().shops

    def default_shop(self) -> str:
        """Return the shop to show where none was chosen: the workspace's own, else the first."""
        known = [shop.shop_id for shop in self.shops()]
        own = self.config.default_shop
        return own if own in known else known[0]

    def shop_name(self, shop_id: str) -> str:
        """Return a shop's name."""
        entry = self.config.shops.get(shop_id)
        return entry.name if entry else shop_id

    def money_sign(self, shop_id: str) -> str:
        """Return the sign before a shop's amounts."""
        entry = self.config.shops.get(shop_id)
        code = entry.currency if entry else "CNY"
        return "¥" if code == "CNY" else f"{code} "

    def is_stale(self, shop_id: str) -> bool:
        """Whether data was loaded or settings changed since the last run."""
        state = self._current()
        if shop_id not in state.stale:
            chosen = _chosen(state.shops, shop_id)
            state.stale[shop_id] = self._stale(state.snapshot, chosen)
        return state.stale[shop_id]

    def plans_state(self) -> list[tuple[str, int]]:
        """Return what changes whenever a KPI plan of the workspace does."""
        plans = (self.root / "plans").glob("*.yaml")
        return sorted((path.name, path.stat().st_mtime_ns) for path in plans)

    @property
    def is_inspected(self) -> bool:
        """Whether the last run judged what was said."""
        return "findings" in self._current().snapshot.derived

    def ran_at(self) -> str:
        """Return when the state in force was published, ISO text in UTC."""
        return self._current().snapshot.manifest.at

    def roster(self, shop_id: str) -> Roster:
        """Return agent_id -> name, team, role of the shop's accounts."""

        def read() -> Roster:
            sql = "select agent_id, name, team, role from roster where shop_id = $shop_id"
            with self.derived(shop_id) as (engine, _, _):
                rows = engine.fetch("roster", sql, {"shop_id": shop_id}).to_pylist()
            return {row.pop("agent_id"): row | {"name": row["name"] or ""} for row in rows}

        made: Roster = self.kept(("roster", shop_id), read)
        return made

    def ask(
        self,
        metrics: Sequence[str] | None = None,
        *,
        by: Sequence[str] = (),
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
        trailing: int = 0,
    ) -> MetricsResult:
        """Return figures as `Workspace.ask`, from memory where they were asked for before."""
        codes = None if metrics is None else tuple(metrics)
        asked = (codes, tuple(by), str(first), str(last), judge_rule, shop_id, trailing)
        ask = super().ask
        made = self.memory.figures(
            _digest(self.run_key, asked),
            self.shops,
            lambda: ask(
                metrics,
                by=by,
                first=first,
                last=last,
                judge_rule=judge_rule,
                shop_id=shop_id,
                trailing=trailing,
            ),
        )
        state = self._current()
        return replace(made, is_stale=self._stale(state.snapshot, made.shops))

    def kept(self, question: tuple[Any, ...], answer: Any) -> Any:
        """Return what ``answer()`` gives, asked once per run and question."""
        return self.memory.kept(_digest(self.run_key, question), answer)

    def _current(self) -> _State:
        """Return the state of the last run, a new one when another was published."""
        self._read_config()
        seen_at = self._published_at()
        with self._lock:
            if self._state is not None and seen_at and seen_at == self._seen_at:
                return self._state
        snapshot = self.lake.snapshot()
        with self._lock:
            self._seen_at, old = seen_at, self._state
            if old is not None and old.snapshot.id == snapshot.id:
                old.stale.clear()
                return old
            if snapshot.run is None:
                raise NotRun(
                    f"There are no figures yet; run 'jinpai run {self.root}' first.",
                    zh=f"还没有计算结果；请先计算：jinpai run {self.root}",
                )
            key, upcoming = _run_key(snapshot), self._next
            if old is not None and old.run_key == key:  # something was loaded, nothing computed
                old.snapshot = snapshot
                old.stale.clear()
                return old
            if upcoming is None or upcoming.run_key != key:
                upcoming = _State(snapshot, key, shop_runs(snapshot.run))
                upcoming.sorted_rows = SortedRows.found(self.memory.folder, key, self._said())
            upcoming.snapshot = snapshot
            if old is not None and self.hands_over:
                self._next = upcoming
                return old
            self._state, self._next = upcoming, None
        if old:
            old.close()
        return upcoming

    def published_key(self) -> str:
        """Return the ``run_key`` of the last run that was published, shown already or not."""
        state = self._current()
        return (self._next or state).run_key

    def take_over(self) -> None:
        """Show the last run from now on, with the files its conversations are found in.

        Its engines are opened first: whoever comes first does not wait for them.
        """
        state = self._current()
        made, folder = self._next or state, self.memory.folder
        if made.sorted_rows is None:
            made.sorted_rows = SortedRows.found(folder, made.run_key, self._said())
        self._open(made)
        with self._lock:
            self._state, self._next = made, None
        if made is not state:
            state.close()
        SortedRows.sweep(folder, made.run_key)
        self._said().sweep(_said_files(made))

    def _said(self) -> Said:
        return Said(self.lake.folder.resolve() / "messages", self.memory.folder)

    def _open(self, state: _State) -> None:
        with self._room:
            self._give_back(state, state.idle, self._take(state))
        found = state.sorted_rows
        engines = [self._talker(state, found) for _ in range(TALK_ENGINES)] if found else []
        if found:
            found.open(_said_files(state))
        for engine in engines:
            if engine is not None:
                self._give_back(state, state.talkers, engine)

    def _published_at(self) -> int:
        """When the lake's folder of states last changed; 0 where it is no folder here."""
        if mounted(self.lake.folder):
            return 0
        try:
            return self.lake.states.stat().st_mtime_ns
        except OSError:
            return 0

    def _read_config(self) -> None:
        """Read jinpai.toml again where it changed."""
        with suppress(OSError):
            at = self._config_file.stat().st_mtime_ns
            if at != self._config_at:
                self.config, self._config_at, self._seen_at = load_config(self.root), at, 0

    def sort_talks(self) -> None:
        """Write the files conversations are found in, unless they are there (see `SortedRows`).

        Those of other runs stay until `take_over`: somebody may read them.
        """
        state, folder, said = self._current(), self.memory.folder, self._said()
        paths = said.missing(_said_files(state))
        if state.sorted_rows is not None and not paths:
            return
        with self.derived() as (engine, _, _):
            said.write(engine, paths)
            if state.sorted_rows is None:
                SortedRows.write(engine, folder, state.run_key)
        made = SortedRows(folder, state.run_key, said)
        with self._lock:
            state.sorted_rows = made

    @contextmanager
    def talks(self, shop_id: str) -> Iterator[Talks]:
        """Lend what a shop's conversations are read with; raises as `Workspace.derived`."""
        state = self._current()
        found, shops = state.sorted_rows, _chosen(state.shops, shop_id)
        with self._talk_room:
            engine = None if found is None else self._talker(state, found)
            if found is None or engine is None:
                with self.derived(shop_id) as (other, _, _):
                    yield Talks(other, RunRows(other), "", shops, state.snapshot)
                return
            try:
                yield Talks(engine, found, found.name, shops, state.snapshot)
            finally:
                self._give_back(state, state.talkers, engine)

    def _talker(self, state: _State, found: SortedRows) -> DuckEngine | None:
        """Return an engine that knows the list; None when its file was deleted meanwhile."""
        with self._lock:
            if state.talkers:
                return state.talkers.pop()
        engine = open_engine(self.root, memory=TALK_MEMORY, threads=1)
        try:
            engine.con.execute("set parquet_metadata_cache = true")
            as_read(state.snapshot).register(engine.con, ("products",))
            found.attach(engine)
        except BaseException as error:
            engine.close()
            if isinstance(error, duckdb.IOException):
                state.sorted_rows = None
                return None
            raise
        return engine

    def _take(self, state: _State) -> DuckEngine:
        with self._lock:
            if state.idle:
                return state.idle.pop()
        engine = open_engine(self.root, memory=MEMORY, threads=THREADS)
        try:
            self.prepare(engine, state.shops, state.snapshot)
            as_read(state.snapshot).register(engine.con, _CANONICAL)
        except BaseException:
            engine.close()
            raise
        return engine

    def _give_back(self, state: _State, to: list[DuckEngine], engine: DuckEngine) -> None:
        with self._lock:
            if state is self._state or state is self._next:
                to.append(engine)
                return
        engine.close()


def _said_files(state: _State) -> list[str]:
    """The files of the lake with what all shops' people said."""
    listed = (file.path for shop in state.shops for file in message_files(state.snapshot, shop))
    return sorted(set(listed))


def _chosen(shops: list[ShopRun], shop_id: str | None) -> list[ShopRun]:
    if shop_id is None:
        return shops
    found = [shop for shop in shops if shop.shop_id == shop_id]
    if not found:
        raise UnknownName("shop", shop_id, [shop.shop_id for shop in shops])
    return found


def _run_key(snapshot: Snapshot) -> str:
    versions = {name: snapshot.versions[name] for name in snapshot.derived}
    made = json.dumps([versions, snapshot.run], sort_keys=True, default=str)
    # A shop's own rules are told by the run (`ShopRun.book`), not by what this process has read.
    return _digest(__version__, shipped_registry().model_dump_json(), made)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
