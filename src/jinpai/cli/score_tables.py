"""Scores, plans and locks for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rich.table import Table
from rich.text import Text

from jinpai.cli.console import cell, note, plain_table, show
from jinpai.cli.figures import Names
from jinpai.cli.words import say
from jinpai.metrics.definition import registry
from jinpai.scoring.lint import LintRow
from jinpai.scoring.numbers import cents, points, shown
from jinpai.scoring.score import Line, Scored, Sheet
from jinpai.workspace import Workspace

__all__ = [
    "lint_table", "metric_name", "name_text", "names_of", "say_notes", "show_differences",
    "show_sheets", "signed",
]  # fmt: skip

_FLAGS = {
    "missing": ("no value", "缺数据"),
    "gap": ("in no band", "无对应档"),
    "overlap": ("in two bands", "落在两档"),
    "provisional": ("provisional", "暂定"),
}


def names_of(workspace: Workspace, shop_id: str | None) -> Names:
    """Return the names of a workspace's agents."""
    return Names(workspace, shop_id)


def metric_name(code: str) -> str:
    """Return a metric's name in the user's language."""
    metric = registry().metric(code)
    return say(metric.en, metric.zh)


def name_text(names: Names | None, sheet: Sheet, subject: str) -> str:
    """Return the name of an agent; teams and agents of files are named as they are."""
    if names is None or sheet.by != "agent_id" or sheet.shop_id is None:
        return subject
    return names.of("agent_id", sheet.shop_id, subject)


def signed(number: float | None) -> Text:
    """Return a change of points."""
    if number is None:
        return cell("–", style="dim")
    text = f"{number:+,.2f}".rstrip("0").rstrip(".")
    style = "green" if number > 0 else "red" if number < 0 else "dim"
    return cell("0" if text in ("+0", "-0") else text, style=style)


def say_notes(notes: Iterable[tuple[str, str]]) -> None:
    """Say what a reader should know."""
    for en, zh in dict.fromkeys(notes):
        note(say(en, zh))


def lint_table(rows: Sequence[LintRow]) -> Table:
    """Return a plan's defects."""
    lines = [
        (
            cell(row.code, style="bold"),
            row.path + (say(f" (line {row.line})", f"（第 {row.line} 行）") if row.line else ""),
            say(row.message_en, row.message_zh),
        )
        for row in rows
    ]
    return plain_table([say("Code", "代码"), say("Where", "位置"), say("What", "说明")], lines)


def show_sheets(sheets: Sequence[Sheet], names: Names | None, only: str | None = None) -> None:
    """Show score sheets: the ranking, then everybody's arithmetic, the weakest line first."""
    for sheet in sheets:
        wanted = names.agent_id(only) if names is not None and only else only
        agents = [one for one in sheet.agents if wanted is None or one.subject == wanted]
        if not agents:
            note(say("Nobody to score in this period.", "本期没有可计分的客服。"))
            continue
        show(_ranking(sheet, agents, names))
        for one in agents:
            show(_arithmetic(sheet, one, names))


def _title(sheet: Sheet) -> str:
    days = f"{sheet.first} – {sheet.last}" if sheet.first else ""
    return " · ".join(part for part in (sheet.plan, sheet.variant, sheet.shop_id, days) if part)


def _ranking(sheet: Sheet, agents: Sequence[Scored], names: Names | None) -> Table:
    paid = any(one.pay for one in agents)
    compared = any(one.previous for one in agents)
    heads = [
        "#", say("Agent", "客服") if sheet.by == "agent_id" else say("Team", "团队"),
        say("Total", "总分"), say("Of 100", "折合百分"),
        *([say("Change", "环比")] if compared else []),
        *([say("Pay", "奖金")] if paid else []),
        say("Weakest first", "短板优先"),
    ]  # fmt: skip
    lines = [
        [
            points_of_rank(one.rank),
            name_text(names, sheet, one.subject),
            points(one.total),
            cell(points(one.total_normalised), style="bold"),
            *([signed(_change(one))] if compared else []),
            *([_pay(one)] if paid else []),
            _weakest(one),
        ]
        for one in agents
    ]
    right = [0, 2, 3, 4, 5][: 3 + compared + paid]
    return plain_table(heads, lines, right=right, title=_title(sheet))


def points_of_rank(rank: int | None) -> str:
    """Return a rank, or a dash."""
    return "–" if rank is None else str(rank)


def _change(one: Scored) -> float | None:
    then = one.previous.total_normalised if one.previous else None
    if then is None or one.total_normalised is None:
        return None
    return float(one.total_normalised - then)


def _pay(one: Scored) -> str:
    if one.pay is None:
        return "–"
    return cents(one.pay.total) + (say(" (capped)", "（封顶）") if one.pay.capped else "")


def _weakest(one: Scored) -> str:
    worst = [line for line in one.weakest_first if line.score is not None and line.score < 100][:2]
    return say(", ", "、").join(
        f"{metric_name(line.metric)} {points(line.score)}" for line in worst
    )


def _arithmetic(sheet: Sheet, one: Scored, names: Names | None) -> Table:
    heads = [
        say("Indicator", "指标"), say("Value", "数值"), "n", say("Band", "档位"),
        say("Score", "得分"), say("Weight", "权重"), say("Points", "加权"),
        say("Before", "上期"), "",
    ]  # fmt: skip
    weak = list(one.weakest_first)
    lines = [_line(line, one) for line in (*weak, *(ln for ln in one.lines if ln not in weak))]
    weights = [line.weight for line in one.lines if line.points is not None]
    total = [say("Total", "合计"), "", "", "", "", f"{points(sum(weights) or None)}%",
             cell(points(one.total), style="bold"), "", ""]  # fmt: skip
    return plain_table(
        heads, [*lines, total], right=(1, 2, 4, 5, 6, 7), title=name_text(names, sheet, one.subject)
    )


def _line(line: Line, one: Scored) -> list[Any]:
    metric = registry().metric(line.metric)
    before = one.previous.scores.get(line.metric) if one.previous else None
    flags = say(", ", "、").join(say(*_FLAGS[flag]) for flag in line.flags)
    return [
        metric_name(line.metric),
        shown(metric, line.value.exact),
        "" if line.value.n is None else f"{line.value.n:,}",
        line.band or "–",
        points(line.score),
        f"{points(line.weight)}%",
        points(line.points),
        points(before),
        cell(flags, style="dim"),
    ]


def show_differences(found: Mapping[str, Any], names: Names) -> None:
    """Show what changed in a locked period."""
    for setting in found.get("settings", ()):
        note(
            say(
                f"Setting {setting['setting']}: {setting['before']} → {setting['after']}.",
                f"设置 {setting['setting']}：{setting['before']} → {setting['after']}。",
            )
        )
    if not found["differences"]:
        text = say("Nothing differs from the locked scores.", "与锁定的得分没有差异。")
        note(text, "green")
        return
    show(_changed_totals(found["differences"], names))
    show(_changed_lines(found["differences"], names))


def _subject(row: Mapping[str, Any], names: Names) -> str:
    if "team" in row:
        return str(row["team"])
    return names.of("agent_id", row["shop_id"], row["agent_id"])


def _changed_totals(rows: Sequence[Mapping[str, Any]], names: Names) -> Table:
    heads = [say("Agent", "客服"), say("Total", "总分"), say("Of 100", "折合百分"),
             say("Rank", "名次"), say("Pay", "奖金")]  # fmt: skip
    lines = [
        [
            _subject(row, names),
            *(_arrow(row, name) for name in ("total", "total_normalised", "rank")),
            _arrow(row, "pay"),
        ]
        for row in rows
    ]
    return plain_table(heads, lines, right=(1, 2, 3, 4), title=say("Locked → now", "锁定时 → 现在"))


def _arrow(row: Mapping[str, Any], name: str, metric: str = "") -> str:
    """Return before and after; a ``value`` as its metric is written."""
    values = [side[name] if side else None for side in (row["before"], row["after"])]
    if name == "value" and metric:
        exact = [None if value is None else Fraction(str(value)) for value in values]
        sides = [shown(registry().metric(metric), value) for value in exact]
    else:
        sides = [_plain(value) for value in values]
    return sides[0] if sides[0] == sides[1] else f"{sides[0]} → {sides[1]}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value["total"])
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return "–" if value is None else str(value)


def _changed_lines(rows: Sequence[Mapping[str, Any]], names: Names) -> Table:
    heads = [say("Agent", "客服"), say("Indicator", "指标"), say("Value", "数值"),
             say("Score", "得分"), say("Points", "加权")]  # fmt: skip
    lines = [
        [
            _subject(row, names),
            metric_name(line["metric"]),
            *(_arrow(line, name, line["metric"]) for name in ("value", "score", "points")),
        ]
        for row in rows
        for line in row["lines"]
    ]
    return plain_table(heads, lines, right=(2, 3, 4))
