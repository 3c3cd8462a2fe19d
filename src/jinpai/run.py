"""The line itself: stages in order on one pinned state of the lake, checked, then published.

A run reads one snapshot, makes the derived relations, proves that the books balance, and puts the
relations in force together. A crash at any point leaves the last good run in force. What the last
good run made is made again only where it can differ now (`jinpai.refresh`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from jinpai.conversations.inputs import RunShop
from jinpai.engine.base import Engine
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.line import RESULTS, OnStep, ShopRun, make, shop_runs
from jinpai.periods import parse_as_of
from jinpai.quality.inspector import Inspector
from jinpai.quality.rulings import overruled
from jinpai.refresh.ground import AnyGround, Ground
from jinpai.refresh.job import Job
from jinpai.refresh.report import RunReport
from jinpai.settings import Settings
from jinpai.spark_run import SparkCluster, spark_ground
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Lake, Snapshot
from jinpai.workspace_config import Config

__all__ = [
    "RESULTS",
    "OnStep",
    "RunReport",
    "ShopRun",
    "make",
    "open_engine",
    "run_line",
    "shop_runs",
]


def open_engine(root: Path, *, memory: str | None = None, threads: int | None = None) -> DuckEngine:
    """Return an engine that spills inside the workspace, where there is room for its data."""
    return DuckEngine(memory_limit=memory, threads=threads, spill=_spill(root))


def _spill(root: Path) -> Path:
    """Return a folder of this process in the workspace; those of dead processes are removed."""
    spill = root / ".spill"
    spill.mkdir(exist_ok=True)
    for left in spill.iterdir():
        if not _alive(left.name):
            shutil.rmtree(left, ignore_errors=True)
    mine = spill / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return mine


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
    full: bool = False,
    shop_id: str | None = None,
    memory: str | None = None,
    threads: int | None = None,
    spark: SparkCluster | None = None,
    on_step: OnStep | None = None,
    rulings: pa.Table | None = None,
) -> RunReport:
    """Make the derived relations where they can differ from the last good run's, and publish them.

    Args:
        as_of: a date or time (see `periods.parse_as_of`); default each shop's latest message,
            order or payment.
        full: make everything again.
        shop_id: only this shop; the others stay as the last run left them.
        memory: such as ``1GB``; beyond it the engine spills to disk.
        spark: compute there, all rows of the shops, instead of in this process.
        rulings: what appeals decided about findings (`quality.rulings.RULINGS`).
    Raises:
        UsageError: nothing is loaded, or as_of lies before everything; Spark cannot be reached.
        UnknownName: the shop has no message and no order.
        BalanceError: the books do not balance; nothing was published.
        EngineError: a step failed.
    """
    snapshot = lake.snapshot()
    inspector = Inspector(config.root, overruled(rulings))
    if spark is not None:
        with spark.engine(_spill(config.root)) as cluster:
            ground: AnyGround = spark_ground(cluster, snapshot)
            return _run_on(ground, config, inspector, as_of, full, shop_id, on_step)
    with open_engine(config.root, memory=memory, threads=threads) as engine:
        snapshot.register(engine.con)
        ground = Ground(engine, snapshot)
        return _run_on(ground, config, inspector, as_of, full, shop_id, on_step)


def _run_on(
    ground: AnyGround,
    config: Config,
    inspector: Inspector,
    as_of: str | None,
    full: bool,
    only: str | None,
    on_step: OnStep | None,
) -> RunReport:
    edges = "messages" if as_of is not None else _edges(ground)
    shops = _shops(ground.engine, ground.snapshot, config, as_of, edges)
    _check_known(only, shops)
    return Job(ground, shops, inspector=inspector, only=only, on_step=on_step).run(full=full)


def _check_known(shop_id: str | None, shops: Sequence[RunShop]) -> None:
    known = [shop.shop_id for shop in shops]
    if shop_id is not None and shop_id not in known:
        raise UnknownName("shop", shop_id, known)


# Per shop: first instant of anything; first and last message, order or payment until as_of.
_BOUNDS = """
with seen as (
    select m.shop_id, m.sent_at as seen_at
    from {messages} as m
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
    engine: Engine, snapshot: Snapshot, config: Config, as_of: str | None, messages: str
) -> list[RunShop]:
    """Return every shop with a message, order or payment until as_of.

    ``messages``: a relation with the first and the last of every shop among its rows.
    """
    zones = snapshot.zones()
    asked = _asked(engine, config, zones, as_of)
    shops = []
    for row in engine.fetch("bounds", _BOUNDS.format(messages=messages)).to_pylist():
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


def _edges(ground: AnyGround) -> str:
    """Return a relation of messages in which each shop's first and last are.

    Of a shop with files of its own, those of their first and last month will do.
    """
    months: dict[str, list[str]] = {}
    messages = ground.snapshot.data_files("messages")
    for file in messages:
        months.setdefault(_owner(file), []).append(file.month or "")
    ends = {shop: {min(listed), max(listed)} for shop, listed in months.items()}
    near = [
        file for file in messages if not _owner(file) or (file.month or "") in ends[_owner(file)]
    ]
    if not near:
        return "messages"
    edges = ground.source("messages", near)
    return f"(select shop_id, instant(us(sent_at)) as sent_at from {edges})"


def _owner(file: DataFile) -> str:
    """Return the one shop of a file, '' where there may be several."""
    return file.first_shop if file.first_shop == file.last_shop else ""


def _asked(
    engine: Engine, config: Config, zones: Mapping[str, str], as_of: str | None
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
