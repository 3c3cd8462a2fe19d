"""Taking an import back: the tables it changed get their files of before, as a new state.

Nothing is deleted and no history is rewritten: the states before stay as they are, and the next run
sees the rows as changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jinpai.errors import UsageError
from jinpai.tables import delta, state
from jinpai.tables.lake import Lake, Snapshot

__all__ = ["ImportState", "Undone", "imports", "undo"]


@dataclass(frozen=True)
class ImportState:
    """A state an import, or taking one back, made.

    Attributes:
        at: when, ISO text in UTC.
        what: import or undo.
        rows: table -> rows it has more than before; tables that did not change are left out.
        rejects: files of rejected rows it added.
        may_undo: no later state changed its tables.
    """

    number: int
    at: str
    what: str
    rows: dict[str, int]
    rejects: tuple[str, ...]
    may_undo: bool


@dataclass(frozen=True)
class Undone:
    """What taking an import back did: its state, the new state, table -> rows now less."""

    number: int
    state: int
    rows: dict[str, int]
    rejects: tuple[str, ...]


def imports(lake: Lake, *, limit: int = 50, before: int | None = None) -> list[ImportState]:
    """Return the latest states that imports made, the newest first; older than ``before``."""
    now, found = lake.snapshot(), list[ImportState]()
    for number in reversed(lake.numbers()):
        if len(found) == limit:
            break
        if before is not None and number >= before:
            continue
        made = lake.at(number)
        if made.manifest.what in ("import", "undo"):
            found.append(_told(made, _before(made), now))
    return found


def _told(made: Snapshot, old: Snapshot, now: Snapshot) -> ImportState:
    changed, rejects = _changed(made, old), _rejects(made, old)
    untouched = all(now.versions.get(name) == made.versions[name] for name in changed)
    there = set(rejects) <= set(now.manifest.rejects)
    return ImportState(
        made.id,
        made.manifest.at,
        made.manifest.what,
        {name: _rows(made, name) - _rows(old, name) for name in changed},
        rejects,
        made.manifest.what == "import" and untouched and there and bool(changed or rejects),
    )


def undo(lake: Lake, number: int) -> Undone:
    """Take the import that made a state back; all or nothing. Waits for another writer.

    Raises:
        UsageError: the state was no import, changed nothing, or a later one changed its tables;
            the files of before were cleaned up.
        WorkspaceError: there is no such state.
    """
    with lake.importing() as writer:
        made, now = lake.at(number), writer.snapshot
        old = _before(made)
        if made.manifest.what != "import":
            raise UsageError(
                f"State {number} was not made by an import; see: jinpai lake history",
                zh=f"第 {number} 号状态不是由导入产生的；可用 jinpai lake history 查看。",
            )
        changed, rejects = _changed(made, old), _rejects(made, old)
        _check(made, old, now, changed, rejects)
        versions = dict(now.manifest.versions)
        for name in changed:
            versions[name] = delta.restore(lake.folder / name, old.versions.get(name, 0))
        manifest = replace(
            now.manifest,
            id=now.id + 1,
            versions=versions,
            rejects=tuple(one for one in now.manifest.rejects if one not in rejects),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            what="undo",
        )
        state.publish(lake.states, manifest)
        less = {name: _rows(made, name) - _rows(old, name) for name in changed}
        return Undone(number, manifest.id, less, rejects)


def _check(
    made: Snapshot, old: Snapshot, now: Snapshot, changed: list[str], rejects: tuple[str, ...]
) -> None:
    if not changed and not (rejects and set(rejects) <= set(now.manifest.rejects)):
        raise UsageError(
            f"The import of state {made.id} changed nothing, or was taken back already.",
            zh=f"第 {made.id} 号状态的导入没有改动数据，或已经撤销。",
        )
    if later := [name for name in changed if _files(now, name) != _files(made, name)]:
        raise UsageError(
            f"Later imports changed the same tables ({', '.join(later)}); take those back first,"
            " the newest first.",
            zh=f"之后的导入改动了相同的表（{'、'.join(later)}）；请先从最新的一次开始依次撤销。",
        )
    needed = {
        old.lake.folder.absolute() / name / one for name in changed for one in _files(old, name)
    }
    if not needed <= old.lake.existing():
        raise UsageError(
            f"The files from before state {made.id} were cleaned up (jinpai lake vacuum), so it"
            " cannot be taken back.",
            zh=f"第 {made.id} 号状态之前的文件已被清理（jinpai lake vacuum），无法撤销。",
        )


def _before(made: Snapshot) -> Snapshot:
    number = made.id - 1
    return made.lake.at(number) if number > 0 else Snapshot(made.lake, state.Manifest())


def _changed(made: Snapshot, old: Snapshot) -> list[str]:
    ours = set(made.derived)
    return [
        name
        for name, version in sorted(made.versions.items())
        if version != old.versions.get(name) and name not in ours
    ]


def _rejects(made: Snapshot, old: Snapshot) -> tuple[str, ...]:
    return tuple(one for one in made.manifest.rejects if one not in old.manifest.rejects)


def _files(snapshot: Snapshot, name: str) -> set[str]:
    version = snapshot.versions.get(name)
    return set() if version is None else set(delta.names_of(snapshot.lake.folder / name, version))


def _rows(snapshot: Snapshot, name: str) -> int:
    version = snapshot.versions.get(name)
    return 0 if version is None else delta.rows_of(snapshot.lake.folder / name, version)
