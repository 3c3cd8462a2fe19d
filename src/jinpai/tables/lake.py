"""The lake of a workspace: pinned snapshots to read, one writer at a time, all tables at once.

    <workspace>/lake/<table>/            Delta tables, canonical and derived
    <workspace>/lake/_state/<n>.json     manifests: the version of every table in force
    <workspace>/lake/_state/lock         held by the one writer
    <workspace>/lake/_tmp/               what a writer is making; swept by the next one
    <workspace>/lake/_state/locks/       states that are kept for ever, by name
    <workspace>/rejects/                 rows that could not be loaded, a file per import

In an object store (see `mounts`) the same places lie under the lake's URL, the rejects as
``_rejects``, and ``<workspace>/lake`` keeps copies of the files that were read.

A writer makes its files aside, moves them into place, commits every Delta table, and publishes a
manifest last. Killed before that, nothing has happened: the next writer takes the Delta tables back
to the versions in force and sweeps what is left over.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.errors import BalanceError, UnknownName, WorkspaceError
from jinpai.tables import delta, derived, mounts, places, state
from jinpai.tables.conform import TYPES
from jinpai.tables.delta import DataFile
from jinpai.tables.derived import Made, Patch
from jinpai.tables.rejects import REJECTS, empty_rejects
from jinpai.tables.schema import TABLES, Table
from jinpai.tables.zones import ident

__all__ = ["Lake", "Snapshot", "TableChange", "Writer"]

_KEPT_FILES = "_delta_log"
# (SELECT or name, new folder, word in the names) -> schema, (name, rows) of each file.
WriteFiles = Callable[[str | Patch, Path, str], tuple[pa.Schema, list[tuple[str, int]]]]


@dataclass(frozen=True)
class TableChange:
    """What a writer wants to change in one canonical table.

    Attributes:
        adds: files that lie under the writer's folder for the table.
        removes: files of the version in force to leave out from now on.
    """

    adds: Sequence[DataFile]
    removes: Sequence[DataFile] = ()


@dataclass(frozen=True)
class Snapshot:
    """One state of the lake, for ever the same.

    Attributes:
        lake: where it is.
        manifest: what it holds.
    """

    lake: Lake
    manifest: state.Manifest

    @property
    def id(self) -> int:
        """Number of the state; 0 is the empty lake."""
        return self.manifest.id

    @property
    def versions(self) -> dict[str, int]:
        """Table name -> version of its Delta table."""
        return dict(self.manifest.versions)

    @property
    def run(self) -> dict[str, Any] | None:
        """Meta of the last good run as `Lake.write_run` got it, None before the first."""
        return self.manifest.run

    @property
    def derived(self) -> tuple[str, ...]:
        """Names of the tables the last good run wrote."""
        return self.manifest.derived

    def files(self, table: str) -> list[str]:
        """Return the absolute paths of the table's Parquet files; empty when it has no data."""
        pinned = self.manifest.versions.get(table)
        if pinned is None:
            return []
        return delta.paths_of(self.lake.folder / table, pinned)

    def pinned(self) -> set[tuple[str, int]]:
        """Return (table, version) of all it takes to show this state and its run again."""
        run = self.manifest.run or {}
        read = [run.get("versions") or {}]
        read += [shop.get("versions") or {} for shop in run.get("shops", ())]
        return {pair for versions in (self.manifest.versions, *read) for pair in versions.items()}

    def needed(self) -> set[Path]:
        """Return the absolute paths of the files behind `pinned`."""
        folder = self.lake.folder.absolute()
        return {
            folder / table / name
            for table, version in self.pinned()
            for name in delta.names_of(folder / table, version)
        }

    def count(self, table: str) -> int:
        """Return the table's rows, as its log counts them."""
        pinned = self.manifest.versions.get(table)
        return 0 if pinned is None else delta.rows_of(self.lake.folder / table, pinned)

    def data_files(self, table: str) -> list[DataFile]:
        """Return the canonical table's files with their partitions."""
        pinned = self.manifest.versions.get(table)
        return [] if pinned is None else delta.data_files(self.lake.folder / table, pinned)

    def register(self, con: duckdb.DuckDBPyConnection, names: Sequence[str] | None = None) -> None:
        """Make a temporary view per canonical table: its columns and the trace columns.

        Times are TIMESTAMP in UTC, money DECIMAL(18,2). A table without data is an empty view.
        Raises UnknownName for a name that is no canonical table.
        """
        for name in TABLES if names is None else names:
            if name not in TABLES:
                raise UnknownName("table", name, TABLES)
            con.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {self.table_sql(name)}')

    def table_sql(self, name: str) -> str:
        """Return the SELECT behind a canonical table's view."""
        table, files = TABLES[name], self.files(name)
        if not files:
            return _empty_sql(table)
        return f"SELECT {_columns_sql(table)} FROM {delta.parquet(files)}"

    def register_derived(
        self, con: duckdb.DuckDBPyConnection, names: Sequence[str] | None = None
    ) -> None:
        """Make a temporary view per table of the last good run; raises UnknownName."""
        for name in self.derived if names is None else names:
            if name not in self.derived:
                raise UnknownName("table of the last run", name, self.derived)
            folder = self.lake.folder / name
            sql = derived.view_sql(con, folder, self.manifest.versions[name])
            con.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {sql}')

    def zones(self) -> dict[str, str]:
        """Return shop_id -> time zone of the shops that name one."""
        with duckdb.connect() as con:
            found = con.execute(
                f"SELECT shop_id, timezone FROM ({self.table_sql('shops')})"
                " WHERE timezone IS NOT NULL"
            ).fetchall()
        return dict(found)


@dataclass
class Writer:
    """The one writer while it holds the lock (see `Lake.importing`).

    Attributes:
        snapshot: the state it starts from.
        folder: a folder of its own on the lake's file system; gone afterwards.
        tag: a word of its own for the names of its files.
    """

    snapshot: Snapshot
    folder: Path
    tag: str

    def publish(
        self,
        changes: Mapping[str, TableChange],
        rejects: pa.Table,
        *,
        what: str = "import",
        run: Callable[[dict[str, int]], dict[str, Any] | None] | None = None,
        anew: Mapping[str, pa.Table] | None = None,
    ) -> Snapshot:
        """Put changed tables and rejects in force together; returns the new state.

        Args:
            what: what made the state.
            run: makes the meta of the last run from the new versions; default as it was.
            anew: file of rejects in force -> the rows to put in its place.
        """
        lake, old = self.snapshot.lake, self.snapshot.manifest
        named = {
            one: self._rejected(rows, number)
            for number, (one, rows) in enumerate((anew or {}).items(), 1)
        }
        kept = tuple(named.get(one, one) for one in old.rejects)
        if rejects.num_rows:
            kept = (*kept, self._rejected(rejects))
        sums: dict[str, str] = {}
        for name, change in changes.items():
            paths = [file.path for file in change.adds]
            sums |= places.move(self.folder / name, lake.folder / name, paths)
        versions = dict(old.versions)
        for name, change in changes.items():
            folder = lake.folder / name
            versions[name] = delta.commit(folder, TABLES[name], change.adds, change.removes)
        new = replace(old, id=old.id + 1, versions=versions, rejects=kept, at=_now(), what=what)
        return lake._publish(replace(new, run=run(versions)) if run else new, sums)

    def _rejected(self, rows: pa.Table, number: int = 0) -> str:
        """Write a file of rejects; returns its name, which ends in the tag."""
        folder = self.snapshot.lake.rejects_folder
        folder.mkdir(parents=True, exist_ok=True)
        more = f"-{number}" if number else ""
        name = f"{self.snapshot.id + 1:08}{more}-{self.tag}.parquet"
        pq.write_table(rows, folder / name, compression="zstd")
        places.push([folder / name])
        return name


class Lake:
    """The Delta tables of one workspace.

    Attributes:
        root: the workspace.
        folder: the lake inside it.
        rejects_folder: where rejected rows are kept.
        states: where the manifests are.
    """

    def __init__(
        self,
        root: Path,
        url: str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
    ) -> None:
        """Open a workspace's lake; with a URL (``s3://bucket/prefix``) it lies in an object store.

        Raises UsageError for a URL that cannot be used (see `mounts.mount`).
        """
        self.root = Path(root)
        self.folder = self.root / "lake"
        self.rejects_folder = self.folder / "_rejects" if url else self.root / "rejects"
        if url:
            mounts.mount(self.folder, url, endpoint, region)
        self.states = self.folder / "_state"
        self._scratch = self.folder / "_tmp"

    def snapshot(self) -> Snapshot:
        """Return the state in force; raises WorkspaceError when its manifest is damaged."""
        return Snapshot(self, state.latest(self.states))

    @contextmanager
    def importing(self) -> Iterator[Writer]:
        """Hold the lake for writing; waits for another writer, and mends what a dead one left."""
        with state.exclusive(self.states / "lock") as taken:
            self._mend(fence=taken)
            tag = uuid.uuid4().hex[:12]
            folder = self._scratch / tag
            folder.mkdir(parents=True)
            try:
                yield Writer(self.snapshot(), folder, tag)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def repair(self) -> bool:
        """Undo what a killed writer left behind; True when there was anything."""
        with self.locked() as mended:
            return mended

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep writers out; yields whether there was anything of a dead one to mend."""
        with state.exclusive(self.states / "lock") as taken:
            yield self._mend(fence=taken)

    def rejects(self) -> pa.Table:
        """Return all rejected rows, oldest import first (columns: see `rejects.REJECTS`)."""
        names = self.snapshot().manifest.rejects
        paths = [self.rejects_folder / name for name in names]
        if here := mounts.mounted(self.rejects_folder):
            here.fetch(paths)
        parts = [pq.read_table(path, schema=REJECTS) for path in paths]
        return pa.concat_tables(parts) if parts else empty_rejects()

    def write_run(
        self,
        con: duckdb.DuckDBPyConnection | WriteFiles,
        relations: Mapping[str, str | Patch | Made],
        meta: Mapping[str, Any],
        base: Snapshot | None = None,
    ) -> Snapshot:
        """Write a run's relations as derived tables and put them in force together.

        Args:
            con: the connection that knows the relations, or what writes their files as
                `derived.write_files` does.
            relations: table name -> a SELECT or the name of a table or view, which replaces the
                derived table of that name, or a `Patch` of the table in force; or `Made`.
            meta: facts of the run, JSON values (as_of, settings_id, input snapshot …).
            base: the state whose derived tables stay in force where they are not named, and that
                patches were made for; by default tables that are not named are out of force.

        Raises UsageError for a name that is a canonical table or no plain word, WorkspaceError
        when another run was published since ``base``, BalanceError where a patch leaves another
        number of rows than it says.
        """
        for name in relations:
            derived.check_name(name)
        with self.importing() as writer:
            old = writer.snapshot.manifest
            if base is not None and base.manifest.ran != old.ran:
                raise WorkspaceError(
                    "Another run was published while this one was at work; run it again.",
                    zh="本次计算期间另一次计算已发布；请重新计算。",
                )
            made = {
                name: _written(con, one, writer.folder / name, writer.tag)
                for name, one in relations.items()
            }
            sums: dict[str, str] = {}
            for name, (_, files) in made.items():
                paths = [path for path, _ in files]
                sums |= places.move(writer.folder / name, self.folder / name, paths)
            versions = dict(old.versions)
            for name, (schema, files) in made.items():
                folder, one = self.folder / name, relations[name]
                folder.mkdir(parents=True, exist_ok=True)
                if isinstance(one, Patch):
                    gone = [
                        path
                        for path in map(os.path.basename, writer.snapshot.files(name))
                        if derived.bucket_of(path) in one.parts
                    ]
                    versions[name] = delta.patch(folder, schema, files, gone)
                    _count_again(folder, versions[name], one.rows)
                else:
                    versions[name] = delta.overwrite(folder, schema, files)
            return self._publish(
                replace(
                    old,
                    id=old.id + 1,
                    versions=versions,
                    run=dict(meta),
                    derived=tuple(relations) if base is None else old.derived,
                    at=_now(),
                    what="run",
                    ran=old.id + 1,
                ),
                sums,
            )

    def _publish(self, manifest: state.Manifest, sums: Mapping[str, str] | None = None) -> Snapshot:
        if sums:
            places.record_sums(self.states, manifest.id, sums)
        state.publish(self.states, manifest)
        return Snapshot(self, manifest)

    def pin(self, number: int, name: str) -> None:
        """Keep the files of a state for ever, whatever is cleaned up (see `state.pin`).

        Raises WorkspaceError when some of them are gone already.
        """
        gone = sorted(self.at(number).needed() - self.existing())
        if gone:
            raise WorkspaceError(
                f"State {number} cannot be kept: {len(gone)} of its files were cleaned up, such as"
                f" {gone[0]}. Keep a later state (jinpai lake history).",
                zh=f"第 {number} 号状态无法保留：已有 {len(gone)} 个文件被清理，如 {gone[0]}。"
                "请保留较新的状态（jinpai lake history）。",
            )
        state.pin(self.states, number, name)

    def pins(self) -> dict[str, int]:
        """Return name -> number of the states that are kept for ever."""
        return state.pins(self.states)

    def at(self, number: int) -> Snapshot:
        """Return a state by its number; raises WorkspaceError when there is none."""
        return Snapshot(self, state.read(self.states, number))

    def numbers(self) -> list[int]:
        """Return the numbers of all states, ascending."""
        return state.manifests(self.states)

    def tables(self) -> list[Path]:
        """Return the folders of all Delta tables there are, in force or not."""
        here = mounts.mounted(self.folder)
        folders = here.folders() if here else [one for one in self.folder.iterdir() if one.is_dir()]
        return sorted(folder for folder in folders if not folder.name.startswith("_"))

    def existing(self) -> set[Path]:
        """Return the absolute paths of all Parquet files of all tables."""
        return {one.path for folder in self.tables() for one in places.files_under(folder)}

    def _mend(self, fence: bool) -> bool:
        """Take tables that are ahead of the manifest back; sweep scratch and lost rejects.

        ``fence`` takes the next number first, so that a writer who only slept cannot publish.
        """
        old = self.snapshot().manifest
        if fence:
            old = replace(old, id=old.id + 1, at=_now(), what="repair")
            self._publish(old)
        versions = dict(old.versions)
        for folder in self.tables():
            for stray in (folder / _KEPT_FILES).glob("_commit_*.tmp"):
                stray.unlink(missing_ok=True)
            latest, pinned = delta.version(folder), old.versions.get(folder.name)
            if latest is None or latest == pinned:
                continue
            if pinned is None and folder.name not in TABLES:
                places.remove_folder(folder)  # a derived table no state names
                continue
            if pinned is not None and latest < pinned:
                raise WorkspaceError(
                    f"{folder}: the table is at version {latest}, the workspace at {pinned}."
                    " Files of its _delta_log are missing; restore them from a backup."
                )
            if pinned is None and latest == 0:
                continue  # made and never filled
            delta.take_back(folder, pinned or 0)
            versions[folder.name] = int(delta.open_table(folder).version())
        if versions != old.versions:
            new = replace(old, id=old.id + 1, versions=versions, at=_now(), what="repair")
            self._publish(new)
        return self._sweep() or versions != old.versions

    def _sweep(self) -> bool:
        """Delete what a dead writer made and no state names: its tag tells its files."""
        strays = list(self._scratch.iterdir()) if self._scratch.is_dir() else []
        if not strays:
            return False
        snapshot = self.snapshot()
        tags = tuple(f"part-{stray.name}-" for stray in strays)
        for folder in self.tables():
            pinned = snapshot.versions.get(folder.name)
            names = delta.names_of(folder, pinned) if pinned is not None else {}
            named = {(folder / name).absolute() for name in names}
            left = [one.path for one in places.files_under(folder)]
            lost = [path for path in left if path.name.startswith(tags) and path not in named]
            places.remove(lost)
        for stray in strays:
            mine = self.rejects_folder.glob(f"*-{stray.name}.parquet")
            places.remove([path for path in mine if path.name not in snapshot.manifest.rejects])
            shutil.rmtree(stray, ignore_errors=True)
        return True


def _count_again(folder: Path, version: int, rows: int) -> None:
    """Raise BalanceError unless a table has as many rows as it should, by its own log."""
    found = delta.rows_of(folder, version)
    if found != rows:
        raise BalanceError(
            f"The books do not balance: {folder.name} would have {found:,} rows, not {rows:,}. "
            "Nothing was published; this is a fault of Jinpai, please report it.",
            zh=f"账目不平：{folder.name} 将有 {found:,} 行，应为 {rows:,} 行。"
            "结果未发布；这是金牌的缺陷，请反馈。",
        )


def _written(
    con: duckdb.DuckDBPyConnection | WriteFiles, one: str | Patch | Made, folder: Path, tag: str
) -> tuple[pa.Schema, list[tuple[str, int]]]:
    """Write a relation, or the buckets of a patch, into a new folder; or move what is written."""
    if isinstance(one, Made):
        return one.moved(folder, tag)
    if callable(con):
        return con(one, folder, tag)
    if isinstance(one, Patch):
        return derived.write_patch(con, one, folder, tag)
    return derived.write_files(con, one, folder, tag)


def _columns_sql(table: Table) -> str:
    listed = [
        f"make_timestamp(epoch_us({ident(column.name)})) AS {ident(column.name)}"
        if column.kind == "time"
        else ident(column.name)
        for column in table.columns
    ]
    return ", ".join(["shop_id", *listed, "source_file", "source_row"])


def _empty_sql(table: Table) -> str:
    typed = [f"CAST(NULL AS {TYPES[column.kind]}) AS {column.name}" for column in table.columns]
    shop, trace = "CAST(NULL AS VARCHAR) AS shop_id", "CAST(NULL AS VARCHAR) AS source_file"
    row = "CAST(NULL AS BIGINT) AS source_row"
    return f"SELECT {', '.join([shop, *typed, trace, row])} WHERE false"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
