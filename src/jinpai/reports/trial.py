"""A what-if as one HTML file: both plans side by side, and the tornado of single changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinpai import __version__
from jinpai.metrics.definition import registry
from jinpai.reports.frame import framed
from jinpai.reports.words import NONE, Language, Words
from jinpai.scoring.numbers import points_text, signed_text

__all__ = ["NameOf", "render_trial"]

# Shop and subject to the name people know.
NameOf = Callable[[str | None, str], str]
_BARS = 15
Row = Mapping[str, Any]


def render_trial(found: Row, name_of: NameOf, language: Language, money: str = "") -> str:
    """Return a what-if as an HTML document.

    Args:
        found: `scoring.trials.WhatIf` as JSON values.
        money: the sign before amounts of pay.
    """
    words = Words(language, money)
    blocks = [_block(found, shop, name_of, words) for shop in found["before"]["shops"]]
    values = {
        "w": words,
        "version": __version__,
        "plan": found["plan"],
        "first": found["from"],
        "last": found["to"],
        "changes": found["changes"],
        "notes": [note[language] for note in found["notes"]],
        "blocks": blocks,
    }
    charts = {block["chart"]: block["drawn"] for block in blocks}
    return framed("trial.html.j2", values, {"language": language, "money": money, "charts": charts})


def _block(found: Row, shop: Row, name_of: NameOf, words: Words) -> dict[str, Any]:
    """What the page says of one shop."""
    by, shop_id = found["before"]["by"], shop["shop_id"]
    pairs = [pair for pair in found["agents"] if pair["shop_id"] == shop_id]
    rows = [row for row in found["tornado"] if row["shop_id"] == shop_id and pairs]
    shown = sorted(rows, key=lambda row: row["fall"] - row["rise"])[:_BARS]

    def named(subject: str) -> str:
        return name_of(shop_id, subject)

    return {
        "shop": shop_id or "",
        "chart": f"c-tornado-{found['before']['shops'].index(shop)}",
        "drawn": _chart(shown, words),
        "height": 70 + 26 * len(shown),
        "pairs": [_pair(pair, named(pair[by]), words) for pair in pairs],
        "has_pay": any(side and side["pay"] for pair in pairs for side in _sides(pair)),
        "lines": [
            _changed(line, named(pair[by]), words) for pair in pairs for line in pair["lines"]
        ],
        "tried": [_tried(row, named, words) for row in rows],
        "movers": sum(row["moves_ranking"] for row in rows),
    }


def _sides(pair: Row) -> tuple[Row | None, Row | None]:
    return pair["before"], pair["after"]


def _pair(pair: Row, name: str, words: Words) -> dict[str, Any]:
    sides = [side or {} for side in _sides(pair)]
    ranks = [NONE if side.get("rank") is None else str(side["rank"]) for side in sides]
    pays = [side.get("pay") for side in sides]
    return {
        "name": name,
        "totals": [points_text(side.get("total_normalised")) for side in sides],
        "change": signed_text(pair["change"]),
        "tone": _tone(pair["change"]),
        "ranks": ranks,
        "is_moved": ranks[0] != ranks[1],
        "pays": [NONE if pay is None else f"{words.money}{float(pay):,.2f}" for pay in pays],
    }


def _tone(change: float | None) -> str:
    return "" if not change else "better" if change > 0 else "worse"


def _changed(line: Row, name: str, words: Words) -> dict[str, Any]:
    """A line of the arithmetic that differs: value, band, score, weight, points of both."""
    metric = registry().metric(line["metric"])
    cells = []
    for key in ("value", "band", "score", "weight", "points"):
        texts = []
        for side in _sides(line):
            value = None if side is None else side[key]
            texts.append(
                words.in_unit(metric, value) if key == "value"
                else (value or NONE) if key == "band"
                else points_text(value)
            )  # fmt: skip
        cells.append(texts[0] if texts[0] == texts[1] else " → ".join(texts))
    return {"name": name, "metric": words.name(line["metric"]), "cells": cells}


def _tried(row: Row, named: Callable[[str], str], words: Words) -> dict[str, Any]:
    """What one thing that was turned does, value by value."""
    values = []
    for one in row["tried"]:
        moved = set(one["moved"])
        subjects = [
            (next(iter(set(agent) & {"agent_id", "team"})), agent) for agent in one["agents"]
        ]
        moves = [
            f"{named(agent[key])} {agent['rank_before'] or NONE}→{agent['rank'] or NONE}"
            for key, agent in subjects
            if agent[key] in moved
        ]
        values.append({"value": one["value"], "moves": words("comma").join(moves)})
    return {
        "what": row[words.language],
        "path": row["path"],
        "is_asked": row["is_asked"],
        "value": row["value"] or NONE,
        "values": values,
        "fall": signed_text(row["fall"]),
        "rise": signed_text(row["rise"]),
    }


def _chart(rows: Sequence[Row], words: Words) -> dict[str, Any]:
    return {
        "kind": "tornado",
        "labels": [row[words.language] for row in rows],
        "falls": [row["fall"] for row in rows],
        "rises": [row["rise"] for row in rows],
        "moves": [row["moves_ranking"] for row in rows],
        "tried": [[one["value"] for one in row["tried"]] for row in rows],
        "names": [words("trial_fall"), words("trial_rise")],
    }
