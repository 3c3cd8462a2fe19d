"""Settings as JSON and as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.table import Table

from jinpai.cli.console import cell, plain_table
from jinpai.cli.words import say
from jinpai.settings import REGISTRY, setting
from jinpai.workspace_config import Change, Config

if TYPE_CHECKING:
    from jinpai.appraisal.preview import SettingPreview

__all__ = [
    "change_json",
    "history_table",
    "preview_json",
    "preview_table",
    "setting_json",
    "settings_json",
    "settings_table",
]

_SOURCES = {"default": "默认", "workspace": "工作区", "shop": "店铺"}
_UNITS = {
    "seconds": "秒",
    "hours": "小时",
    "days": "天",
    "messages": "条",
    "rounds": "轮",
    "periods": "期",
}


def setting_json(config: Config, name: str, shop_id: str | None) -> dict[str, Any]:
    """Return one setting in force with what it takes; raises UnknownName."""
    entry, found = setting(name), config.get(name, shop_id)
    return {
        "name": name,
        "value": found.value,
        "source": found.source,
        "default": entry.default,
        "unit": entry.unit or (entry.kind if entry.kind in _UNITS else None),
        "takes": entry.takes,
        "section": entry.section,
        "en": entry.en,
        "zh": entry.zh,
    }


def settings_json(config: Config, shop_id: str | None) -> dict[str, Any]:
    """Return every setting in force, and their hash."""
    return {
        "shop_id": shop_id,
        "settings_id": config.settings(shop_id).settings_id,
        "settings": [setting_json(config, name, shop_id) for name in REGISTRY],
    }


def settings_table(found: dict[str, Any]) -> Table:
    """Return the settings as a table; what differs from the default stands out."""
    heads = say("Setting,Value,Unit,From,What it means", "设置,值,单位,来源,含义").split(",")
    rows = []
    for one in found["settings"]:
        style = "" if one["source"] == "default" else "bold green"
        value = cell(json.dumps(one["value"], ensure_ascii=False), style=style)
        unit = one["unit"] or ""
        rows.append(
            (
                one["name"],
                value,
                say(unit, _UNITS.get(unit, unit)),
                say(one["source"], _SOURCES[one["source"]]),
                say(one["en"], one["zh"]),
            )
        )
    return plain_table(heads, rows)


def change_json(change: Change) -> dict[str, Any]:
    """Return one change; times are ISO UTC."""
    return {
        "at": change.at.isoformat(),
        "setting": change.name,
        "shop_id": change.shop_id,
        "old": change.old,
        "new": change.new,
        "by_hand": change.by_hand,
    }


def history_table(changes: Iterable[Change]) -> Table:
    """Return the changes as a table."""
    heads = say("When (UTC),Setting,Shop,Old,New,", "时间（UTC）,设置,店铺,原值,新值,").split(",")
    unset = say("not set", "未设")
    rows = [
        (
            change.at.strftime("%Y-%m-%d %H:%M:%S"),
            change.name,
            change.shop_id or say("all", "全部"),
            unset if change.old is None else json.dumps(change.old, ensure_ascii=False),
            unset if change.new is None else json.dumps(change.new, ensure_ascii=False),
            say("by hand", "手工") if change.by_hand else "",
        )
        for change in changes
    ]
    return plain_table(heads, rows)


def preview_json(found: SettingPreview) -> dict[str, Any]:
    """Return what a change would do; the shop's own figures have ``agent_id`` null, ``is_shop``."""
    from jinpai.metrics.result import json_value

    made = {"setting": found.name, "old": found.old, "new": found.new}
    span = {"from": found.first.isoformat(), "to": found.last.isoformat()}
    changed = [
        one._asdict() | {"before": json_value(one.before), "after": json_value(one.after)}
        for one in found.changed
    ]
    return made | span | {"figures": found.figures, "changed": changed}


def preview_table(found: SettingPreview) -> Table:
    """Return the figures that a change would alter as a table."""
    from jinpai.cli.figures import figure_text
    from jinpai.metrics.definition import registry

    heads = say("Metric,Agent,Now,Then", "指标,客服,现在,改后").split(",")
    rows = []
    for one in found.changed:
        metric = registry().metric(one.metric)
        nobody = say("the shop", "全店") if one.is_shop else say("nobody", "无人")
        values = (figure_text(metric, value) for value in (one.before, one.after))
        rows.append((say(metric.en, metric.zh), one.agent_id or nobody, *values))
    return plain_table(heads, rows, right=(2, 3))
