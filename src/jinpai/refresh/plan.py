"""Whether a run computes all, a part or nothing, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

import duckdb
import pyarrow as pa

from jinpai import quality
from jinpai.conversations.inputs import RunShop
from jinpai.engine.plan import Step
from jinpai.errors import EngineError
from jinpai.line import RESULTS, ShopRun, every_step, shop_runs
from jinpai.quality.inspector import Inspector
from jinpai.refresh.changes import FOLLOWED, Change, Move, find_changes
from jinpai.refresh.ground import AnyGround
from jinpai.refresh.lineage import downstream, reads, setting_words
from jinpai.refresh.narrow import is_laid_out
from jinpai.settings import Settings
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES
from jinpai.tables.zones import quoted

__all__ = ["Plan", "Reason", "code_id", "make_plan", "widened"]

Mode = Literal["full", "partial", "nothing"]
# Beyond this share of all messages, sorting out who is touched costs more than it spares.
_MOST = 0.5
# What decides the rows of the derived tables and how they lie.
_CODE = ("conversations", "attribution", "engine", "refresh", "line.py", "run.py", "periods.py")
_CODE_TOO = ("duty.py", "settings.py", "settings.yaml", "tables/schema.py", "tables/derived.py")


@dataclass(frozen=True)
class Reason:
    """Why something is computed, in both languages."""

    en: str
    zh: str


@dataclass(frozen=True)
class Plan:
    """What a run shall do.

    Attributes:
        mode: ``full`` computes all rows of ``results``, ``partial`` those of touched buyers.
        results: derived tables to make; the others stay in force.
        whole: shops all of whose rows count as touched.
        changes: what was found in the canonical tables.
        since_us: no row that belongs to an earlier time changed; None where any may have.
    """

    mode: Mode
    results: tuple[str, ...]
    why: tuple[Reason, ...]
    whole: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    since_us: int | None = None


@dataclass
class _Finding:
    """What is known of the difference to the last run."""

    why: list[Reason] = field(default_factory=list)
    results: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)


def make_plan(
    ground: AnyGround,
    shops: Sequence[RunShop],
    *,
    inspector: Inspector,
    full: bool = False,
    only: str | None = None,
) -> Plan:
    """Compare the snapshot with the last good run; leaves marks if partial.

    Args:
        shops: those that have rows now.
        inspector: judges their sessions.
        only: the one shop to look at; the others stay as the last run left them.
    """
    snapshot = ground.snapshot
    run, steps = snapshot.run, every_step()
    obstacle = _obstacle(snapshot, run, steps, full)
    if obstacle is not None or run is None:
        return Plan("full", RESULTS, (obstacle or _FIRST,))
    idle = _idle(snapshot, shops)
    shops = [shop for shop in shops if only in (None, shop.shop_id)]
    then = {shop.shop_id: shop for shop in shop_runs(run) if only in (None, shop.shop_id)}
    finding = _Finding()
    _compare_shops(finding, steps, shops, then)
    _compare_books(finding, inspector, shops, then)
    known = [shop for shop in shops if shop.shop_id in then]
    bases = {shop.shop_id: then[shop.shop_id].versions or run["versions"] for shop in known}
    moves = [
        Move(
            shop.shop_id,
            min(shop.as_of_us, then[shop.shop_id].as_of_us),
            max(shop.as_of_us, then[shop.shop_id].as_of_us),
            inspector.watch_us if shop.settings.inspect else 0,
        )
        for shop in known
        if shop.as_of_us != then[shop.shop_id].as_of_us
    ]
    try:
        found = find_changes(ground, reads(steps, FOLLOWED), bases, moves)
    except (EngineError, duckdb.Error, OSError) as error:
        return Plan("full", RESULTS, (_unreadable(error),))
    finding.results |= downstream(steps, found.tables) & set(RESULTS)
    if any(change.table == "agents" for change in found.changes):
        finding.results.add("roster")
    finding.why += [_loaded(change) for change in found.changes]
    if run.get("overruled", "") != inspector.overruled_id:
        _compare_rulings(ground, finding, inspector)
        found.is_timeless = True
    finding.results -= idle
    since = None if finding.whole or found.is_timeless else found.since_us
    plan = _decided(finding, tuple(found.changes), since)
    if plan.mode != "partial" or only is not None:
        return plan
    return widened(plan, _rows_of(ground, plan.whole), message_rows(snapshot))


def _idle(snapshot: Snapshot, shops: Iterable[RunShop]) -> set[str]:
    """Return results that have no row and get none: nobody has sessions inspected."""
    if any(shop.settings.inspect for shop in shops):
        return set()
    return {name for name in quality.RESULTS if not snapshot.count(name)}


def _decided(finding: _Finding, changes: tuple[Change, ...], since: int | None) -> Plan:
    results = tuple(name for name in RESULTS if name in finding.results)
    plan = Plan("partial", results, tuple(finding.why), frozenset(finding.whole), changes, since)
    if not results:
        return Plan("nothing", (), plan.why or (_SAME,), changes=changes)
    return plan


def _rows_of(ground: AnyGround, shops: Collection[str]) -> int:
    """Return how many messages the shops have."""
    near = [file for file in ground.snapshot.data_files("messages") if file.may_hold(shops)]
    if not near:
        return 0
    listed = ", ".join(map(quoted, shops))
    source = ground.source("messages", near)
    sql = f"select count(*) as n from {source} where shop_id in ({listed})"
    return int(ground.engine.fetch("messages of whole shops", sql)["n"][0].as_py())


def widened(plan: Plan, rows: int, of: int) -> Plan:
    """Return the plan, or a full one where touched buyers have more than half of the messages."""
    if rows <= _MOST * of:
        return plan
    why = Reason(
        "more than half of all messages are touched, so all are computed",
        "受影响的消息超过一半，因此全部重算",
    )
    return replace(plan, mode="full", why=(*plan.why, why))


def message_rows(snapshot: Snapshot) -> int:
    """Return how many messages the snapshot has."""
    return sum(file.rows for file in snapshot.data_files("messages"))


def _obstacle(
    snapshot: Snapshot, run: Mapping[str, Any] | None, steps: Sequence[Step], full: bool
) -> Reason | None:
    """Why a part of the work will not do."""
    if full:
        return Reason("--full was asked for", "指定了 --full")
    if run is None:
        return _FIRST
    if run.get("code") != code_id():
        return Reason(
            "Jinpai or its engine is another version than in the last run",
            "金牌或计算引擎的版本与上次不同",
        )
    if not is_laid_out(snapshot, RESULTS):
        return Reason(
            "the files of the last run do not tell their weeks", "上次结果的文件没有按周分开"
        )
    strange = reads(steps, TABLES) - set(FOLLOWED)
    if strange:
        return Reason(
            f"changes of {', '.join(sorted(strange))} cannot be followed",
            f"无法跟踪 {'、'.join(sorted(strange))} 的变化",
        )
    return None


def _compare_shops(
    finding: _Finding,
    steps: Sequence[Step],
    shops: Iterable[RunShop],
    then: Mapping[str, ShopRun],
) -> None:
    """Find shops that came, went, or are under other settings or in another zone."""
    now = {shop.shop_id: shop for shop in shops}
    for name in sorted(now.keys() ^ then.keys()):
        finding.whole.add(name)
        finding.results |= set(RESULTS)
        what = (
            ("has its first rows", "首次有数据") if name in now else ("has none left", "已无数据")
        )
        finding.why.append(Reason(f"shop {name} {what[0]}", f"店铺 {name} {what[1]}"))
    told: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(now.keys() & then.keys()):
        shop, old = now[name], then[name]
        if (shop.timezone, shop.settings.settings_id) == (old.timezone, old.settings_id):
            continue
        words = setting_words(shop, old.timezone, Settings.of(old.settings))
        affected = downstream(steps, words) & set(RESULTS)
        if affected:
            finding.whole.add(name)
            finding.results |= affected
        told.setdefault(_differing(shop, old), []).append(name)
    finding.why += [_set(names, shops_) for names, shops_ in told.items()]


def _compare_books(
    finding: _Finding,
    inspector: Inspector,
    shops: Iterable[RunShop],
    then: Mapping[str, ShopRun],
) -> None:
    """Find shops whose sessions were judged by other rules."""
    told = [
        shop.shop_id
        for shop in shops
        if shop.settings.inspect
        and shop.shop_id in then
        and then[shop.shop_id].book != inspector.book_id
    ]
    if told:
        finding.whole |= set(told)
        finding.results |= set(quality.RESULTS)
        finding.why.append(
            Reason(
                f"the rules or acts of inspection changed for {len(told)} shop(s)",
                f"{len(told)} 家店铺的质检规则或动作有变",
            )
        )


def _compare_rulings(ground: AnyGround, finding: _Finding, inspector: Inspector) -> None:
    """Touch the buyers of findings that an appeal took out of the score, or no longer does."""
    engine = ground.engine
    engine.put("overruled", pa.table({"finding_id": sorted(inspector.overruled)}, _OVERRULED))
    engine.hold(
        "ruled",
        f"select f.shop_id, f.buyer_id from ({ground.old('findings')}) as f"
        " left join overruled as o on o.finding_id = f.finding_id"
        " where f.is_overruled <> (o.finding_id is not null)",
    )
    ground.marks.add("buyer", "ruled")
    rows = engine.fetch("rulings", "select count(*) as n from ruled")["n"][0].as_py()
    if rows:
        finding.results |= set(quality.RESULTS)
        finding.why.append(
            Reason(f"appeals decided {rows} finding(s)", f"申诉改变了 {rows} 条质检结果")
        )


_OVERRULED = pa.schema([("finding_id", pa.string())])


def _differing(shop: RunShop, old: ShopRun) -> tuple[str, ...]:
    now, then = shop.settings.values, dict(old.settings)
    names = [name for name in now if now[name] != then.get(name)]
    return (*(["timezone"] if shop.timezone != old.timezone else []), *names)


def _set(names: Sequence[str], shops: Sequence[str]) -> Reason:
    listed = ", ".join(shops[:3]) + (" …" if len(shops) > 3 else "")
    return Reason(
        f"{', '.join(names)} changed in {len(shops)} shop(s): {listed}",
        f"{len(shops)} 家店铺（{listed}）改了 {'、'.join(names)}",
    )


def _loaded(change: Change) -> Reason:
    span = f", {change.first} – {change.last} UTC" if change.first else ""
    if change.why == "as_of":
        return Reason(
            f"{change.rows:,} rows of {change.table} between the old as_of and the new one",
            f"{change.table} 有 {change.rows:,} 行处于新旧数据截止时间之间",
        )
    return Reason(
        f"{change.rows:,} rows of {change.table} loaded, replaced or gone{span}",
        f"{change.table} 有 {change.rows:,} 行新增、替换或消失{span.replace(', ', '，')}",
    )


def _unreadable(error: Exception) -> Reason:
    text = str(error).splitlines()[0][:200]
    return Reason(
        f"what the last run read cannot be compared ({text})", f"无法与上次读取的数据比较（{text}）"
    )


_FIRST = Reason("this is the first run", "首次计算")
_SAME = Reason("nothing has changed since the last run", "上次计算之后没有变化")


@cache
def code_id() -> str:
    """Return a hash of all that decides how rows are computed: code and the engine's version."""
    made = hashlib.sha256(duckdb.__version__.encode())
    root = files("jinpai")
    for name in (*_CODE, *_CODE_TOO):
        for path, text in _texts(root.joinpath(*name.split("/")), name):
            made.update(f"{path}\0{len(text)}\0".encode() + text)
    return made.hexdigest()[:16]


def _texts(place: Traversable, path: str) -> Iterable[tuple[str, bytes]]:
    if not place.is_dir():
        yield path, place.read_bytes()
        return
    for inner in sorted(place.iterdir(), key=lambda one: one.name):
        if inner.is_dir() and inner.name != "__pycache__":
            yield from _texts(inner, f"{path}/{inner.name}")
        elif inner.name.endswith((".py", ".sql")):
            yield f"{path}/{inner.name}", inner.read_bytes()
