"""What a report holds beside the figures of the query layer: names, waits, baskets, filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.reports.model import Period
from jinpai.reports.tables import waits_by_agent
from jinpai.reports.waits import Waits
from jinpai.tables.lake import Snapshot
from jinpai.workspace_config import Config

__all__ = ["Extra", "read_extra"]


@dataclass(frozen=True)
class Extra:
    """What the query layer does not answer: names, waits, filters."""

    shop_name: str
    money: str
    roster: dict[str, dict[str, Any]]
    waits: dict[tuple[str | None, bool], Waits]
    baskets: dict[str, dict[str, Any]]
    filters: list[dict[str, Any]]
    titles: dict[str, str]


def read_extra(
    engine: DuckEngine, snapshot: Snapshot, config: Config, shop_id: str, period: Period, rule: str
) -> Extra:
    """Return what the query layer does not answer, of one shop and period."""
    values = {"shop_id": shop_id, "first": period.first, "last": period.last}
    roster = engine.fetch(
        "roster",
        "select agent_id, name, team, role from roster where shop_id = $shop_id",
        {"shop_id": shop_id},
    )
    baskets = _rows(engine, "baskets", values | {"judge_rule": rule})
    titles = engine.fetch(
        "titles",
        f"select product_id, title from ({snapshot.table_sql('products')})"
        " where shop_id = $shop_id and title is not null",
        {"shop_id": shop_id},
    )
    name, money = _shop_words(config, engine, snapshot, shop_id)
    return Extra(
        shop_name=name,
        money=money,
        roster={row.pop("agent_id"): row for row in roster.to_pylist()},
        waits=waits_by_agent(_rows(engine, "waits", values)),
        baskets={row["agent_id"]: row for row in baskets},
        filters=_rows(engine, "filtered", values),
        titles={row["product_id"]: row["title"] for row in titles.to_pylist()},
    )


def _rows(engine: DuckEngine, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    sql = files("jinpai.reports").joinpath(f"{name}.sql").read_text("utf-8")
    return list(engine.fetch(name, sql, values).to_pylist())


def _shop_words(
    config: Config, engine: DuckEngine, snapshot: Snapshot, shop_id: str
) -> tuple[str, str]:
    """A shop's name and the sign before its amounts: its loaded row first, then jinpai.toml."""
    sql = f"select name, currency from ({snapshot.table_sql('shops')}) where shop_id = $shop_id"
    loaded = engine.fetch("shop", sql, {"shop_id": shop_id}).to_pylist()
    row = loaded[0] if loaded else {"name": None, "currency": None}
    entry = config.shops.get(shop_id)
    name = row["name"] or (entry.name if entry else shop_id)
    code = row["currency"] or (entry.currency if entry else "CNY")
    return name, "¥" if code == "CNY" else f"{code} "
