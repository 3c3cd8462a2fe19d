"""Keeping a lake in order: small files put together, old ones deleted, everything proven.

None of this changes a figure: `optimize` writes the same rows into fewer files, `vacuum` deletes
files that no state in use names, `verify` and `history` only read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.tables import delta, places, write
from jinpai.tables.contents import contents
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Lake, Snapshot, TableChange, Writer
from jinpai.tables.load import working_engine
from jinpai.tables.rejects import empty_rejects
from jinpai.tables.schema import TABLES, Table

__all__ = [
    "Fault",
    "Optimized",
    "State",
    "Vacuumed",
    "Verified",
    "history",
    "optimize",
    "vacuum",
    "verify",
]

SMALL = 32 << 20  # bytes under which a file is worth putting together with others
_WHOLE = 256 << 20  # bytes put into one file at most
_DAYS, _HOURS = 7.0, 24.0


@dataclass(frozen=True)
class Optimized:
    """What became of one table: files and bytes before and after."""

    table: str
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True)
class Vacuumed:
    """What was deleted, or would be: paths under the lake, and their bytes."""

    files: tuple[str, ...]
    bytes: int
    kept_states: tuple[int, ...]


@dataclass(frozen=True)
class State:
    """One state of the lake.

    Attributes:
        number: of the state; the highest is in force.
        at: when it was published, ISO text in UTC.
        what: import, run, optimize or repair.
        changed: tables that differ from the state before it.
        pins: names that keep it for ever.
        is_readable: all its files are still there.
    """

    number: int
    at: str
    what: str
    changed: tuple[str, ...]
    pins: tuple[str, ...]
    is_readable: bool


@dataclass(frozen=True)
class Fault:
    """Something wrong with one file.

    ``problem`` is missing, size, checksum, rows, unreadable or state (a pinned state whose files
    are gone; ``file`` is then the pin's name).
    """

    table: str
    file: str
    problem: str
    expected: str = ""
    found: str = ""


@dataclass
class Verified:
    """What was looked at.

    Attributes:
        state: its number.
        unproven: files without a checksum (written before checksums were kept).
        contents: what the derived tables hold (see `contents.contents`); empty with faults.
    """

    state: int
    files: int = 0
    rows: int = 0
    bytes: int = 0
    unproven: int = 0
    faults: list[Fault] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)


# -- optimize ------------------------------------------------------------------------------------


def optimize(
    lake: Lake, *, small: int = SMALL, memory_limit: str = "3GB", threads: int = 2
) -> list[Optimized]:
    """Put the small files of every canonical table together, by month.

    The rows stay as they are, sorted by shop, buyer and time, in as many files as an import of all
    of them would make (`write.cells`); a run made before stays up to date. Returns the tables that
    changed. Waits while another writer is at work; all or nothing.

    Args:
        small: bytes under which a file is put together with others.
    """
    with (
        lake.importing() as writer,
        working_engine(writer.folder, memory_limit, threads) as con,
    ):
        old = writer.snapshot
        changes = {}
        for name in old.versions:
            bins = _bins(old.data_files(name), small) if name in TABLES else []
            adds, removes = list[DataFile](), list[DataFile]()
            for files in bins:
                if made := _together(con, TABLES[name], files, writer):
                    adds, removes = adds + made, removes + files
            if removes:
                changes[name] = TableChange(adds, removes)
        if not changes:
            return []
        new = writer.publish(
            changes, empty_rejects(), what="optimize", run=lambda versions: _moved(old, versions)
        )
    return [_compared(name, old, new) for name in changes]


def _bins(files: Sequence[DataFile], small: int) -> list[list[DataFile]]:
    """Return the small files to put together, at least two of a month each time."""
    months: dict[str | None, list[list[DataFile]]] = {}
    for file in sorted(files, key=lambda one: (one.first_shop, one.last_shop, one.path)):
        if file.size >= small:
            continue
        bins = months.setdefault(file.month, [[]])
        if sum(one.size for one in bins[-1]) + file.size > _WHOLE:
            bins.append([])
        bins[-1].append(file)
    return [found for bins in months.values() for found in bins if len(found) > 1]


def _together(
    con: duckdb.DuckDBPyConnection, table: Table, files: list[DataFile], writer: Writer
) -> list[DataFile]:
    """Write the rows of files of one month into fewer files; none where that cannot be."""
    root = writer.snapshot.lake.folder / table.name
    source = delta.parquet([str(root / file.path) for file in files])
    rows = f"SELECT {write.own_times(table)}, source_file, source_row FROM {source}"
    rows = f"(SELECT *, {write.month_sql(table)} AS _month FROM ({rows}))"
    wanted = write.cells_in(con, rows)
    if len(wanted) >= len(files):
        return []
    return write.write_cells(
        con,
        table,
        wanted,
        lambda cell: f"SELECT * FROM {rows} WHERE {cell.test}",
        writer.folder / table.name,
        writer.tag,
    )


def _moved(old: Snapshot, versions: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the last run's meta, telling the new versions where it had read the old: same rows."""
    if old.run is None:
        return None

    def now(read: Mapping[str, int]) -> dict[str, int]:
        return {
            name: versions[name] if at == old.versions.get(name) else at
            for name, at in read.items()
        }

    run = dict(old.run)
    if run.get("versions"):
        run["versions"] = now(run["versions"])
    if run.get("shops"):
        run["shops"] = [
            {**shop, "versions": now(shop["versions"])} if shop.get("versions") else shop
            for shop in run["shops"]
        ]
    return run


def _compared(name: str, old: Snapshot, new: Snapshot) -> Optimized:
    before, after = old.data_files(name), new.data_files(name)
    sizes = [sum(file.size for file in files) for files in (before, after)]
    return Optimized(name, len(before), len(after), sizes[0], sizes[1])


# -- vacuum --------------------------------------------------------------------------------------


def vacuum(
    lake: Lake, *, days: float = _DAYS, hours: float = _HOURS, dry_run: bool = False
) -> Vacuumed:
    """Delete the Parquet files that no state in use needs.

    In use are the state in force, pinned states, and those that were in force in the last ``days``;
    each with the versions its run was made from. Files written in the last ``hours`` stay, for a
    writer or a reader that is still at work. Waits while another writer is at work.
    """
    with lake.locked():
        kept = _kept(lake, datetime.now(UTC) - timedelta(days=days))
        pairs = {pair for snapshot in kept for pair in snapshot.pinned()}
        folder = lake.folder.absolute()
        needed = {
            folder / table / name
            for table, version in pairs
            for name in delta.names_of(folder / table, version)
        }
        limit = datetime.now(UTC) - timedelta(hours=hours)
        found = [one for table in lake.tables() for one in places.files_under(table)]
        gone = [one for one in found if one.path not in needed and one.at <= limit]
        if not dry_run:
            places.remove([one.path for one in gone])
    names = tuple(one.path.relative_to(folder).as_posix() for one in gone)
    return Vacuumed(names, sum(one.size for one in gone), tuple(one.id for one in kept))


def _kept(lake: Lake, since: datetime) -> list[Snapshot]:
    numbers, pinned = lake.numbers(), set(lake.pins().values())
    kept: list[Snapshot] = []
    until = datetime.now(UTC)
    for number in reversed(numbers):  # a state was in force until the next was published
        snapshot = lake.at(number)
        if until >= since or number in pinned or number == numbers[-1]:
            kept.append(snapshot)
        until = datetime.fromisoformat(snapshot.manifest.at)
    return kept[::-1]


# -- history and verify --------------------------------------------------------------------------


def history(lake: Lake) -> list[State]:
    """Return all states, oldest first."""
    existing, before = lake.existing(), dict[str, int]()
    named = lake.pins()
    found = []
    for number in lake.numbers():
        snapshot = lake.at(number)
        versions = snapshot.versions
        changed = sorted(name for name in versions if versions[name] != before.get(name))
        manifest, before = snapshot.manifest, versions
        pins = tuple(sorted(name for name, at in named.items() if at == number))
        whole = snapshot.needed() <= existing
        found.append(State(number, manifest.at, manifest.what, tuple(changed), pins, whole))
    return found


def verify(lake: Lake, number: int | None = None) -> Verified:
    """Read every file of a state (default the one in force) and compare it with what was written.

    Missing files, sizes, checksums and row counts are looked at, and that pinned states are whole;
    the contents of derived tables are summed up in a word each.
    """
    snapshot = lake.snapshot() if number is None else lake.at(number)
    sums, seen = places.known_sums(lake.states), Verified(snapshot.id)
    for name, version in sorted(snapshot.versions.items()):
        folder = lake.folder.absolute() / name
        sizes = {one.path: one.size for one in places.files_under(folder)}
        for file in delta.facts_of(folder, version):
            path = folder / file.path
            seen.files, seen.rows, seen.bytes = (
                seen.files + 1,
                seen.rows + file.rows,
                seen.bytes + file.size,
            )
            known = sums.get(f"{name}/{file.path}")
            seen.unproven += known is None
            seen.faults += _faults(name, file, path, sizes.get(path), known)
    existing = lake.existing()
    for pin, at in sorted(lake.pins().items()):
        lost = lake.at(at).needed() - existing
        if lost:
            seen.faults.append(Fault("", pin, "state", "", f"{len(lost)}"))
    if not seen.faults:
        seen.contents = contents(snapshot)
    return seen


def _faults(
    table: str, file: DataFile, path: Path, size: int | None, known: str | None
) -> Iterator[Fault]:
    if size is None:
        yield Fault(table, file.path, "missing")
        return
    if size != file.size:
        yield Fault(table, file.path, "size", str(file.size), str(size))
        return
    if known is not None and (found := places.digest(path)) != known:
        yield Fault(table, file.path, "checksum", known, found)
        return
    try:
        rows = pq.read_metadata(delta.here(path)).num_rows
    except (OSError, pa.ArrowException) as error:
        yield Fault(table, file.path, "unreadable", "", str(error).splitlines()[0])
        return
    if rows != file.rows:
        yield Fault(table, file.path, "rows", str(file.rows), str(rows))
