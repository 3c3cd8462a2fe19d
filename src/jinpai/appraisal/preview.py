"""What a change of a setting would do to a shop's figures; nothing is published or kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from jinpai.appraisal.remade import need_one_state, remade
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.metrics.query import MetricRow, query, select_metrics
from jinpai.run import ShopRun
from jinpai.scoring.changes import AT_IMPORT, PLAN_SETTINGS
from jinpai.settings import Settings, Value, parse

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["Changed", "SettingPreview", "checked_value", "preview_setting"]

# Findings are of the run's own rules and rulings: what would become of them is not worked out.
_LEFT_OUT = ("quality_score", "violation_sessions_rate")
Key = tuple[str | None, str]


class Changed(NamedTuple):
    """A figure that a setting changes; without ``agent_id`` and ``is_shop`` it is nobody's.

    Attributes:
        before, after: None where the cell has no such figure.
    """

    metric: str
    agent_id: str | None
    is_shop: bool
    before: Any
    after: Any


@dataclass(frozen=True)
class SettingPreview:
    """The figures of some days as they are and as they would be.

    Attributes:
        old, new: written values of the setting.
        figures: how many were compared; ``changed`` are those that differ, the shop's first, then
            agent by agent in the order of the metrics.
        acts: False for a setting that no figure depends on: scoring, inspection.
    """

    name: str
    old: Value
    new: Value
    first: date
    last: date
    figures: int
    changed: tuple[Changed, ...]
    acts: bool = True


def preview_setting(
    workspace: Workspace, name: str, value: Value, *, first: date, last: date, shop_id: str
) -> SettingPreview:
    """Work the figures of a shop out again under another value of a setting, in memory.

    Raises:
        UsageError: no run yet; a setting that acts at the import; SettingError: a value it refuses.
    """
    written = checked_value(name, value)
    with workspace.derived(shop_id) as (engine, shops, snapshot):
        (shop,) = shops
        own = Settings.of(shop.settings)
        settings = Settings.of(own.values | {name: written})
        values = (own.values[name], settings.values[name])
        if values[0] == values[1] or not _acts(name):
            return SettingPreview(name, *values, first, last, 0, (), _acts(name))
        before = _figures(engine, shop, own, first, last)
        if name in PLAN_SETTINGS:
            after = _figures(engine, shop, settings, first, last)
            return _beside(name, values, (first, last), before, after)
        versions = (snapshot.run or {})["versions"]
    need_one_state(shops)
    unjudged = Settings.of(settings.values | {"inspect": False})
    with remade(workspace, shops, versions, {shop_id: unjudged}) as engine:
        after = _figures(engine, shop, settings, first, last)
    return _beside(name, values, (first, last), before, after)


def checked_value(name: str, value: Value) -> Value:
    """Return a value as it is written; raises UsageError for one that cannot be tried."""
    if name in AT_IMPORT:
        raise UsageError(
            f"{name} acts when files are imported; its effect cannot be shown beforehand.",
            zh=f"{name} 在导入时生效，无法预先试算。",
        )
    return parse(name, value)


def _acts(name: str) -> bool:
    return name == "judge_rule" or name not in (*PLAN_SETTINGS, "inspect")


def _figures(
    engine: DuckEngine, shop: ShopRun, settings: Settings, first: date, last: date
) -> dict[Key, Any]:
    """Return (agent or None, metric) -> value, the shop's under ''."""
    from jinpai.workspace import scopes_of

    (run_scope,) = scopes_of([shop], first, last)
    scope = replace(run_scope, settings=settings)
    rows: list[tuple[str | None, MetricRow]] = []
    for grain in ((), ("agent",)):
        chosen = [one for one in select_metrics(None, grain) if one.code not in _LEFT_OUT]
        found = query(engine, [scope], metrics=chosen, grain=grain, judge_rule=settings.judge_rule)
        rows += [(row.grain["agent_id"] if grain else "", row) for row in found]
    return {(who, row.metric): row.value for who, row in rows}


def _beside(
    name: str,
    values: tuple[Value, Value],
    days: tuple[date, date],
    before: dict[Key, Any],
    after: dict[Key, Any],
) -> SettingPreview:
    keys: Sequence[Key] = list(dict.fromkeys((*before, *after)))
    changed = tuple(
        Changed(metric, who or None, who == "", before.get((who, metric)), after.get((who, metric)))
        for who, metric in keys
        if before.get((who, metric)) != after.get((who, metric))
    )
    return SettingPreview(name, *values, *days, len(keys), changed)
