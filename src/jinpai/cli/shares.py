"""Shares for people: complaints by stage and cause, largest first, with a running sum."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.table import Table

from jinpai.cli.console import cell, plain_table, show
from jinpai.cli.figures import GRAIN_NAMES, Names, key_text
from jinpai.cli.words import say
from jinpai.metrics.definition import CLASSES, registry
from jinpai.metrics.query import MetricRow

__all__ = ["class_word", "is_share", "show_shares"]

_CLASS_WORDS = {
    "reception": ("reception", "接待"),
    "answering": ("answering", "答疑"),
    "ordering": ("ordering", "下单"),
    "delivery": ("delivery", "发货物流"),
    "aftersales": ("after-sales", "售后"),
    "attitude": ("attitude", "服务态度"),
    "packaging": ("packaging", "包装破损"),
    "logistics": ("logistics", "物流慢"),
    "size": ("size", "尺寸偏差"),
    "quality": ("quality", "商品质量"),
    "other": ("other", "其他"),
}
_BAR = 20


def is_share(row: MetricRow) -> bool:
    """Tell whether a figure is the share of a class."""
    return row.cumulative is not None


def class_word(name: str) -> str:
    """Return a stage or cause for people.

    >>> class_word("size")
    'size'
    """
    return say(*_CLASS_WORDS.get(name, (name, name)))


def show_shares(rows: Sequence[MetricRow], names: Names, shops: int) -> None:
    """Print a table per metric and kind of class; nothing without rows."""
    for (code, kinds), group in groupby(rows, lambda row: (row.metric, tuple(row.grain))):
        metric = registry().metric(code)
        show(_table(list(group), kinds, names, shops, say(metric.en, metric.zh)))


def _table(
    rows: Sequence[MetricRow], kinds: Sequence[str], names: Names, shops: int, title: str
) -> Table:
    keys = [*(["shop_id"] if shops > 1 else []), *kinds]
    heads = [say(*GRAIN_NAMES[kind]) for kind in keys]
    heads += say("Complaints,Share,Cumulative", "投诉数,占比,累计").split(",")
    lines = []
    for row in rows:
        whole = {"shop_id": row.shop_id} | row.grain
        mark = "*" if row.status == "provisional" else ""
        lines.append(
            [
                *(_key(kind, row.shop_id, whole[kind], names) for kind in keys),
                f"{row.numerator:,}",
                f"{row.value:.2%}{mark}",
                f"{row.cumulative:.2%}",
                cell("█" * round(_BAR * float(row.value or 0)), style="dim"),
            ]
        )
    numbers = range(len(keys), len(keys) + 3)
    return plain_table([*heads, ""], lines, right=numbers, title=title)


def _key(kind: str, shop_id: str, value: Any, names: Names) -> Any:
    if kind in CLASSES and value is not None:
        return class_word(value)
    return key_text(kind, shop_id, value, names)
