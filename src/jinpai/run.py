"""The line itself: stages in order on one pinned state of the lake, checked, then published.

A run reads one snapshot, makes the derived relations, proves that the books balance, and puts the
relations in force together. A crash at any point leaves the last good run in force.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from jinpai import attribution, conversations
from jinpai.conversations.inputs import RunShop, run_relations, settings_in_use
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.errors import BalanceError, EngineError, UsageError
from jinpai.periods import day_of, parse_as_of
from jinpai.settings import Settings
from jinpai.tables.lake import Lake, Snapshot
from jinpai.workspace_config import Config

__all__ = ["RESULTS", "RunReport", "ShopRun", "make", "open_engine", "run_line", "shop_runs"]

RESULTS = ("roster", *conversations.RESULTS, *attribution.RESULTS)
# Keys are 63-bit: a clash among a billion threads is rarer than one in ten.
_SALTS = 5

OnStep = Callable[[str, int, int], None]

ROSTER = Step(
    "roster",
    "select shop_id, agent_id, name, person_id, team, role, active_from, active_to from agents",
)


@dataclass(frozen=True)
class ShopRun:
    """What a run did for one shop, as kept in the manifest; days are ISO texts."""

    shop_id: str
    timezone: str
    settings_id: str
    settings: Mapping[str, Any]
    as_of_us: int
    first_day: str
    last_day: str


@dataclass(frozen=True)
class RunReport:
    """What a run made.

    Attributes:
        rows: derived table -> rows.
        seconds: step -> seconds.
        checks: balance check -> broken rows (all 0, or the run would have failed).
    """

    shops: tuple[ShopRun, ...]
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)


def open_engine(root: Path, *, memory: str | None = None, threads: int | None = None) -> DuckEngine:
    """Return an engine that spills inside the workspace, where there is room for its data."""
    spill = root / ".spill"
    spill.mkdir(exist_ok=True)
    for left in spill.iterdir():
        if not _alive(left.name):
            shutil.rmtree(left, ignore_errors=True)
    mine = spill / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return DuckEngine(memory_limit=memory, threads=threads, spill=mine)


def _alive(name: str) -> bool:
    try:
        os.kill(int(name), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        return True
    return True


def run_line(
    lake: Lake,
    config: Config,
    *,
    as_of: str | None = None,
    memory: str | None = None,
    threads: int | None = None,
    on_step: OnStep | None = None,
) -> RunReport:
    """Make and publish all derived relations.

    Args:
        as_of: a date or time (see `periods.parse_as_of`); default each shop's latest message,
            order or payment.
        memory: such as ``1GB``; beyond it the engine spills to disk.
    Raises:
        UsageError: nothing is loaded, or as_of lies before everything.
        BalanceError: the books do not balance; nothing was published.
        EngineError: a step failed.
    """
    snapshot = lake.snapshot()
    with open_engine(config.root, memory=memory, threads=threads) as engine:
        snapshot.register(engine.con)
        shops = _shops(engine, snapshot, config, as_of)
        seconds = make(engine, shops, on_step)
        report = RunReport(
            shops=tuple(_shop_run(shop) for shop in shops),
            seconds=seconds,
            checks=_check(engine),
        )
        started = time.perf_counter()
        relations = {name: name for name in RESULTS}
        published = lake.write_run(engine.con, relations, _meta(report, snapshot))
        seconds["publish"] = time.perf_counter() - started
        report.rows.update({name: published.count(name) for name in RESULTS})
        return report


def make(
    engine: DuckEngine, shops: Sequence[RunShop], on_step: OnStep | None = None
) -> dict[str, float]:
    """Make the relations of RESULTS in an engine that has the canonical tables; return the seconds.

    Starts again under another salt when two things share a key within the run.
    """
    steps = [
        ROSTER,
        *conversations.conversation_steps(
            settings_in_use(shops), any(shop.settings.duty_hours for shop in shops)
        ),
        *attribution.attribution_steps(),
    ]
    for salt in map(str, range(_SALTS)):
        for name, table in run_relations(shops, salt).items():
            engine.put(name, table)
        kept = (*RESULTS, "thread_names", "threads", "order_facts", "winners")
        seconds = engine.run(steps, keep=kept, on_step=on_step)
        if not engine.fetch("key clashes", attribution.key_clashes()).num_rows:
            return seconds
    raise EngineError("key clashes", attribution.key_clashes(), f"after {_SALTS} salts")


def shop_runs(meta: Mapping[str, Any]) -> list[ShopRun]:
    """Return the shops of a run from its meta in the manifest."""
    return [ShopRun(**entry) for entry in meta["shops"]]


def _meta(report: RunReport, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "snapshot": snapshot.id,
        "versions": snapshot.versions,
        "shops": [vars(shop) | {"settings": dict(shop.settings)} for shop in report.shops],
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "checks": report.checks,
    }


def _shop_run(shop: RunShop) -> ShopRun:
    start = shop.settings.business_day_start
    first, last = (day_of(at, shop.timezone, start) for at in (shop.first_event_us, shop.last_us))
    return ShopRun(
        shop_id=shop.shop_id,
        timezone=shop.timezone,
        settings_id=shop.settings.settings_id,
        settings=shop.settings.values,
        as_of_us=shop.as_of_us,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
    )


# Per shop: first instant of anything; first and last message, order or payment until as_of.
_BOUNDS = """
with seen as (
    select m.shop_id, m.sent_at as seen_at
    from messages as m
    left join asked_as_of as a on a.shop_id = m.shop_id
    where a.as_of_us is null or us(m.sent_at) <= a.as_of_us
),

created as (
    select o.shop_id, o.created_at as seen_at
    from orders as o
    left join asked_as_of as a on a.shop_id = o.shop_id
    where a.as_of_us is null or us(o.created_at) <= a.as_of_us
),

paid as (
    select o.shop_id, o.paid_at as seen_at
    from orders as o
    left join asked_as_of as a on a.shop_id = o.shop_id
    where a.as_of_us is null or us(o.paid_at) <= a.as_of_us
),

times as (
    select shop_id, min(seen_at) as first_at, max(seen_at) as last_at, true as is_event
    from seen
    group by shop_id
    union all
    select shop_id, min(seen_at), max(seen_at), true from created group by shop_id
    union all
    select shop_id, min(seen_at), max(seen_at), true from paid group by shop_id
    union all
    select shop_id, min(opened_at), null, false from refunds group by shop_id
    union all
    select shop_id, min(opened_at), null, false from complaints group by shop_id
    union all
    select shop_id, min(posted_at), null, false from reviews group by shop_id
    union all
    select shop_id, min(online_at), null, false from online_sessions group by shop_id
)

select
    shop_id,
    us(min(first_at)) as first_us,
    us(min(case when is_event then first_at end)) as first_event_us,
    us(max(case when is_event then last_at end)) as last_us
from times
group by shop_id
order by shop_id
"""


def _shops(
    engine: DuckEngine, snapshot: Snapshot, config: Config, as_of: str | None
) -> list[RunShop]:
    """Return every shop with a message, order or payment until as_of."""
    zones = snapshot.zones()
    asked = _asked(engine, config, zones, as_of)
    shops = []
    for row in engine.fetch("bounds", _BOUNDS).to_pylist():
        if row["first_event_us"] is None:
            continue
        shop_id, last_us = row["shop_id"], row["last_us"]
        timezone, settings = shop_place(config, zones, shop_id)
        shops.append(
            RunShop(
                shop_id=shop_id,
                timezone=timezone,
                settings=settings,
                first_us=row["first_us"],
                as_of_us=asked.get(shop_id, last_us),
                first_event_us=row["first_event_us"],
                last_us=last_us,
            )
        )
    if not shops:
        raise _nothing(as_of)
    return shops


def _asked(
    engine: DuckEngine, config: Config, zones: Mapping[str, str], as_of: str | None
) -> dict[str, int]:
    """Put and return the instant that --as-of means in each shop; none without --as-of."""
    asked = {}
    if as_of is not None:
        sql = "select shop_id from messages union select shop_id from orders"
        for shop_id in engine.fetch("shops", sql)["shop_id"].to_pylist():
            timezone, settings = shop_place(config, zones, shop_id)
            asked[shop_id] = parse_as_of(as_of, timezone, settings.business_day_start)
    columns = {
        "shop_id": pa.array(asked.keys(), pa.string()),
        "as_of_us": pa.array(asked.values(), pa.int64()),
    }
    engine.put("asked_as_of", pa.table(columns))
    return asked


def _nothing(as_of: str | None) -> UsageError:
    if as_of is not None:
        return UsageError(
            f"Nothing had happened yet at --as-of {as_of}; choose a later day.",
            zh=f"到 --as-of {as_of} 为止还没有任何数据；请选晚一些的日期。",
        )
    return UsageError(
        "No messages or orders are loaded; run 'jinpai import WORKSPACE PATH...' first.",
        zh="还没有导入聊天或订单；请先导入：jinpai import 工作区 文件或文件夹",
    )


def shop_place(config: Config, zones: Mapping[str, str], shop_id: str) -> tuple[str, Settings]:
    """Return a shop's time zone and settings: its loaded row first, then jinpai.toml."""
    known = shop_id in config.shops
    entry = config.shop(shop_id) if known else config.shop()
    settings = config.settings(shop_id if known else None)
    default = entry.timezone if known else "Asia/Shanghai"
    return zones.get(shop_id, default), settings


def _check(engine: DuckEngine) -> dict[str, int]:
    broken: dict[str, int] = {}
    for name, sql in attribution.balance_checks().items():
        rows = engine.fetch(name, sql)
        broken[name] = rows.num_rows
        if rows.num_rows:
            raise BalanceError(
                f"The books do not balance: check '{name}' found {rows.num_rows} row(s), "
                f"the first: {rows.slice(0, 1).to_pylist()[0]}. Nothing was published; "
                "this is a fault of Jinpai, please report it.",
                zh=f"账目不平：检查项 {name} 查出 {rows.num_rows} 行，"
                f"第一行：{rows.slice(0, 1).to_pylist()[0]}。结果未发布；这是金牌的缺陷，请反馈。",
            )
    return broken
