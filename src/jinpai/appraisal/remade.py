"""A run made again in an engine of its own: other settings, or data as they once were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from jinpai.conversations.inputs import RunShop
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.line import make, put_views, shop_run
from jinpai.run import ShopRun, open_engine
from jinpai.settings import Settings
from jinpai.tables.lake import Snapshot

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["need_one_state", "remade"]

_FIRST_EVENTS = """
select shop_id, us(min(seen_at)) as first_us
from (
    select shop_id, min(sent_at) as seen_at from messages group by shop_id
    union all select shop_id, min(created_at) from orders group by shop_id
    union all select shop_id, min(paid_at) from orders group by shop_id
    union all select shop_id, min(opened_at) from refunds group by shop_id
    union all select shop_id, min(opened_at) from complaints group by shop_id
    union all select shop_id, min(posted_at) from reviews group by shop_id
    union all select shop_id, min(online_at) from online_sessions group by shop_id
) as events
group by shop_id
"""


@contextmanager
def remade(
    workspace: Workspace,
    shops: Sequence[ShopRun],
    versions: Mapping[str, int],
    settings: Mapping[str, Settings],
) -> Iterator[DuckEngine]:
    """Make a run's relations again, in an engine that closes afterwards; nothing is published.

    Args:
        versions: of every canonical table to read.
        settings: of each shop; its as_of is that of the run.
    """
    with open_engine(workspace.root) as engine:
        state = replace(workspace.lake.snapshot().manifest, versions=dict(versions))
        Snapshot(workspace.lake, state).register(engine.con)
        rows = engine.fetch("first events", _FIRST_EVENTS).to_pylist()
        first = {row["shop_id"]: row["first_us"] for row in rows}
        runs = [_run_shop(one, settings, first[one.shop_id]) for one in shops]
        make(engine, runs)
        put_views(engine, [shop_run(run) for run in runs])
        yield engine


def _run_shop(shop: ShopRun, settings: Mapping[str, Settings], first_us: int) -> RunShop:
    own = settings[shop.shop_id]
    as_of = shop.as_of_us
    return RunShop(shop.shop_id, shop.timezone, own, first_us, as_of, first_us, as_of)


def need_one_state(shops: Sequence[ShopRun]) -> None:
    """Raise UsageError when figures of a shop come from older data than those of the others."""
    behind = [shop.shop_id for shop in shops if shop.versions is not None]
    if behind:
        listed = ", ".join(behind)
        raise UsageError(
            f"The figures of {listed} are older than the data of the last run; run 'jinpai run' for"
            " all shops first.",
            zh=f"{listed} 的结果早于上次计算所用的数据；请先对全部店铺执行 jinpai run。",
        )
