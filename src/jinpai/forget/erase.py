"""Forgetting one buyer, start to end. Stopped in between, the same call goes on where it was.

1. The list of the forgotten takes them in, so that no import brings them back.
2. Canonical tables and rejects are written anew, in one state; settings name them no more.
3. A run makes the derived tables anew.
4. Old files that still tell of them, and what the web app remembers, are deleted.
5. The store's texts are changed, review cases follow their findings, and the event is written, all
   in one transaction.
6. Where a case followed, another run takes its decision into account.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import tomlkit

from jinpai.errors import UnknownName, UsageError
from jinpai.forget import known as forgotten
from jinpai.forget.known import PREFIX
from jinpai.forget.lake import Person, Purged, Traces, find, holders, pattern, purge, rewrite
from jinpai.forget.leftover import leftovers, remove
from jinpai.store.database import Store, open_store
from jinpai.store.forgetting import Replaced, count_naming, forget_in_store
from jinpai.tables.lake import Snapshot
from jinpai.tables.zones import quoted
from jinpai.toml_file import locked, read_toml, write_whole
from jinpai.workspace_config import load_config

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Forgotten", "as_json", "forget_buyer"]

_LOOKED_AT = 64 << 20  # bytes of a file beside the lake that are searched
_CACHE = "cache"
OnStep = Callable[[str], None]


@dataclass
class Forgotten:
    """What was done, or would be.

    Attributes:
        name: stands for the buyer from now on; empty in a dry run of the first one.
        rows: canonical table -> rows without a person now.
        rejects: rejected rows whose text was taken.
        store: table of the store -> rows changed.
        cases: reviews that follow their finding to its new id; only known once it is done.
        settings: whether jinpai.toml named the buyer.
        ran: whether the figures were made again.
        purged: old files.
        mentions: messages of others that hold the account name or phone; they stay.
        removed: folders of uploads and finished jobs that went at once (see `leftover`).
        left: files of the workspace that still tell of the buyer, for a person to look at.
    """

    name: str = ""
    dry_run: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    store: dict[str, int] = field(default_factory=dict)
    cases: int = 0
    settings: bool = False
    ran: bool = False
    purged: Purged = field(default_factory=Purged)
    mentions: int = 0
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def forget_buyer(
    workspace: Workspace,
    buyer: str,
    *,
    dry_run: bool = False,
    release_locks: bool = False,
    actor: str = "api",
    memory: str = "3GB",
    on_step: OnStep | None = None,
) -> Forgotten:
    """Make everything a workspace knows of a buyer nobody's; sums and times stay.

    Args:
        buyer: the account name, as tables and pages show it; in all shops of the workspace.
        dry_run: change nothing, say what would happen.
        actor: who the event log says did it.
        release_locks: also delete the old files that locked periods could be worked out again from.
        on_step: told what is being done: find, rewrite, store, run, purge, check.

    Raises UnknownName when nobody has the name, UsageError for an account of the shop itself.
    """
    step = on_step or (lambda step: None)
    job = _Job(workspace, forgotten.same_id(buyer), actor, memory, step)
    return job.look(release_locks) if dry_run else job.do(release_locks)


class _Job:
    def __init__(
        self, workspace: Workspace, buyer: str, actor: str, memory: str, step: OnStep
    ) -> None:
        self.workspace, self.buyer, self.memory, self.step = workspace, buyer, memory, step
        self.actor = actor
        self.lake, self.known = workspace.lake, forgotten.load(workspace.lake)
        step("find")
        self.snapshot = self.lake.snapshot()
        name = self.known.name_of(buyer) if self.known.salt else ""
        self.traces = find(self.snapshot, buyer, name)
        self.is_known = bool(self.known.salt) and self.known.holds(buyer) is not None
        self._check()
        self.person = Person(buyer, self.traces.orders)
        self.needles = [buyer, *self.traces.words]
        # A name may be somebody else's too; an account or a number is nobody else's.
        self.account = pattern([buyer, *(one for one in self.traces.words if _is_number(one))])
        self.words = pattern(self.needles)

    def _check(self) -> None:
        if not self.buyer or self.buyer.startswith(PREFIX):
            raise UsageError(
                "Name the buyer's account, as the tables have it.",
                zh="请写买家的账号，与数据表中一致。",
            )
        if _is_agent(self.snapshot, self.buyer):
            raise UsageError(
                f"'{self.buyer}' is an account of the shop, not a buyer.",
                zh=f"“{self.buyer}”是店铺的客服账号，不是买家。",
            )
        if not self.is_known and not sum(self.traces.rows.values()) and not self.traces.rejects:
            raise UnknownName("buyer", self.buyer, ())

    def look(self, release: bool) -> Forgotten:
        """Say what would be done."""
        made = self._result(self.known.name_of(self.buyer) if self.is_known else "")
        made.dry_run = True
        made.settings = _in_settings(self.workspace.root / "jinpai.toml", self.buyer)
        if self.workspace.config.has_store:
            with open_store(self.workspace.config) as store:
                made.store = count_naming(store, self.account, self.words)
                made.removed = self._named(leftovers(self.workspace.root, store, self.needles))
        made.ran = self.snapshot.run is not None
        self.step("purge")
        made.purged = purge(self.lake, self.person, release=release, dry_run=True)
        made.left = [one for one in self._elsewhere() if not one.startswith(tuple(made.removed))]
        return made

    def do(self, release: bool) -> Forgotten:
        """Do it."""
        self.known = forgotten.remember(self.lake, self.buyer, self.traces.words)
        name = self.known.name_of(self.buyer)
        made = self._result(name)
        self.step("rewrite")
        rewrite(self.lake, self.workspace.config, self.buyer, self.known, self.memory)
        made.settings = _out_of_settings(self.workspace, self.buyer, name)
        _keep_internal(self.workspace, self.buyer, name)
        if self.snapshot.run is not None:
            self.step("run")
            self.workspace.run(memory=self.memory)
            made.ran = True
        self.step("purge")
        shutil.rmtree(self.workspace.root / _CACHE, ignore_errors=True)
        made.purged = purge(self.lake, self.person, release=release)
        self.step("store")
        with open_store(self.workspace.config) as store:
            folders = leftovers(self.workspace.root, store, self.needles)
            made.removed = self._named(folders)
            remove(folders)
            replaced = self._in_store(store, name, made)
        made.store, made.cases = replaced.rows, replaced.cases
        if made.cases:
            self.step("run")
            self.workspace.run(memory=self.memory)
        self.step("check")
        made.left = self._in_force() + self._elsewhere()
        return made

    def _result(self, name: str) -> Forgotten:
        traces: Traces = self.traces
        rows = {table: count for table, count in traces.rows.items() if count}
        return Forgotten(name, rows=rows, rejects=traces.rejects, mentions=self._mentions())

    def _in_store(self, store: Store, name: str, made: Forgotten) -> Replaced:
        told = {
            "rows": made.rows,
            "rejects": made.rejects,
            "files": made.purged.files,
            "removed": made.removed,
            "locks_kept": [one.name for one in made.purged.kept],
            "locks_released": [one.name for one in made.purged.released],
        }
        found, patterns = self._found(name), (self.account, self.words)
        return forget_in_store(
            store, self.buyer, name, *patterns, actor=self.actor, told=told, findings=found
        )

    def _found(self, name: str) -> list[dict[str, Any]]:
        """Return the findings of the last run under the name that stands for the buyer."""
        snapshot = self.lake.snapshot()
        if "findings" not in snapshot.derived:
            return []
        with duckdb.connect() as con:
            snapshot.register_derived(con, ["findings"])
            columns = "finding_id, shop_id, agent_id, session_id, rule, rule_version, order_id"
            sql = f"SELECT {columns}, evidence FROM findings WHERE buyer_id = {quoted(name)}"
            found: list[dict[str, Any]] = con.sql(sql).to_arrow_table().to_pylist()
        return found

    def _named(self, folders: Sequence[Path]) -> list[str]:
        return [f"{one.relative_to(self.workspace.root).as_posix()}/" for one in folders]

    def _mentions(self) -> int:
        """Count the messages of others that name the buyer."""
        telling = [one for one in self.needles if len(one) > 4]
        if not telling:
            return 0
        with duckdb.connect() as con:
            self.snapshot.register(con, ["messages"])
            tests = " OR ".join(f"contains(text, {quoted(one)})" for one in telling)
            others = f"FROM messages WHERE buyer_id <> {quoted(self.buyer)}"
            ((count,),) = con.execute(f"SELECT count(*) {others} AND ({tests})").fetchall()
        return int(count)

    def _in_force(self) -> list[str]:
        """Return files of the state in force that still tell of the buyer: mentions by others."""
        snapshot = self.lake.snapshot()
        found = holders(self.lake, sorted(snapshot.needed()), Person(self.buyer))
        return [path.relative_to(self.workspace.root.absolute()).as_posix() for path in found]

    def _elsewhere(self) -> list[str]:
        """Return other files of the workspace that hold the name: exports, reports, drops."""
        root = self.workspace.root.absolute()
        bytes_ = [self.buyer.encode(), self.buyer.encode("gb18030", "ignore")]
        if len(self.buyer) <= 4 and self.buyer.isascii():
            return []
        found = []
        for path in _others(root):
            with open(path, "rb") as file:
                held = file.read(_LOOKED_AT)
            if any(one and one in held for one in bytes_):
                found.append(path.relative_to(root).as_posix())
        return found


def _is_number(word: str) -> bool:
    return len(word) > 5 and sum(letter.isdigit() for letter in word) > len(word) // 2


def _others(root: Path) -> Iterator[Path]:
    """Yield the workspace's files but the lake's, the store's, messages, remembered answers."""
    for path in sorted(root.rglob("*")):
        top = path.relative_to(root).parts[0]
        is_ours = top in ("lake", "rejects", _CACHE) or top.startswith(("store.db", "jobs.db"))
        if not is_ours and path.is_file() and not path.is_symlink():
            yield path


def _is_agent(snapshot: Snapshot, buyer: str) -> bool:
    with duckdb.connect() as con:
        snapshot.register(con, ["agents", "messages"])
        sql = (
            f"SELECT 1 FROM agents WHERE agent_id = {quoted(buyer)}"
            f" UNION ALL SELECT 1 FROM messages WHERE agent_id = {quoted(buyer)} LIMIT 1"
        )
        return bool(con.execute(sql).fetchall())


# -- settings ------------------------------------------------------------------------------------


def _keep_internal(workspace: Workspace, buyer: str, name: str) -> None:
    """Let somebody whom a pattern of internal_accounts covers stay filtered under the new name."""
    config = workspace.config
    for shop in config.shops:
        found = config.settings(shop).internal_accounts
        if name not in found and any(_covers(one, buyer) for one in found):
            config.set("internal_accounts", [*found, name], shop)


def _covers(glob: str, buyer: str) -> bool:
    return fnmatchcase(buyer, glob.replace("[", "[[]"))


def _in_settings(path: Path, buyer: str) -> bool:
    return _quoted_in(buyer).search(read_toml(path)) is not None


def _quoted_in(buyer: str) -> re.Pattern[str]:
    """Return what finds the name as a text of its own; the history has it as JSON in a string."""
    return re.compile(rf"(?<=[\"']){re.escape(buyer)}(?=\\?[\"'])")


def _out_of_settings(workspace: Workspace, buyer: str, name: str) -> bool:
    """Put the new name in the place of the old in jinpai.toml: lists of buyers, and the history."""
    path = workspace.config.path
    with locked(workspace.root):
        text = read_toml(path)
        changed = _quoted_in(buyer).sub(name, text)
        if changed == text:
            return False
        tomlkit.parse(changed)
        write_whole(path, changed)
    workspace.config = load_config(workspace.root)
    return True


def as_json(done: Forgotten) -> Mapping[str, Any]:
    """Return what was done as plain JSON values."""
    purged = done.purged
    locks = {"kept": purged.kept, "released": purged.released}
    return {
        "name": done.name,
        "dry_run": done.dry_run,
        "rows": done.rows,
        "rejects": done.rejects,
        "store": done.store,
        "cases": done.cases,
        "settings": done.settings,
        "ran": done.ran,
        "old_files": {"files": purged.files, "bytes": purged.bytes},
        "locks": {key: [vars(one) for one in found] for key, found in locks.items()},
        "mentions": done.mentions,
        "removed": done.removed,
        "left": done.left,
    }
