"""A run made again in an engine of its own: other settings, or data as they once were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jinpai.conversations.inputs import RunShop
from jinpai.engine.duckdb import DuckEngine
from jinpai.run import ShopRun, make, open_engine
from jinpai.settings import Settings
from jinpai.tables.lake import Snapshot

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["remade_shops", "versions_of"]

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


def versions_of(shop: ShopRun, run: Mapping[str, Any]) -> dict[str, int]:
    """Return the versions of the canonical tables that a shop's figures were made from."""
    return dict(shop.versions or run["versions"])


def remade_shops(
    workspace: Workspace,
    shops: Sequence[ShopRun],
    versions: Mapping[str, Mapping[str, int]],
    settings: Mapping[str, Settings],
) -> Iterator[tuple[DuckEngine, list[ShopRun]]]:
    """Yield engines with a run's relations made again, and the shops in each; nothing is published.

    Args:
        versions: of each shop, the version of every canonical table to read.
        settings: of each shop; its as_of is that of the run.
    """
    groups: dict[tuple[tuple[str, int], ...], list[ShopRun]] = {}
    for shop in shops:
        groups.setdefault(tuple(sorted(versions[shop.shop_id].items())), []).append(shop)
    for read, group in groups.items():
        with open_engine(workspace.root) as engine:
            state = replace(workspace.lake.snapshot().manifest, versions=dict(read))
            Snapshot(workspace.lake, state).register(engine.con)
            rows = engine.fetch("first events", _FIRST_EVENTS).to_pylist()
            first = {row["shop_id"]: row["first_us"] for row in rows}
            make(engine, [_run_shop(one, settings, first[one.shop_id]) for one in group])
            yield engine, group


def _run_shop(shop: ShopRun, settings: Mapping[str, Settings], first_us: int) -> RunShop:
    own = settings[shop.shop_id]
    as_of = shop.as_of_us
    return RunShop(shop.shop_id, shop.timezone, own, first_us, as_of, first_us, as_of)
