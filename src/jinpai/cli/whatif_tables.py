"""What-if and grades for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from jinpai.appraisal.grades import GradeCard, ShopGrades
from jinpai.cli.console import cell, note, out, plain_table, show
from jinpai.cli.figures import Names
from jinpai.cli.score_tables import metric_name, name_text, points_of_rank, signed
from jinpai.cli.words import language, say
from jinpai.errors import UsageError
from jinpai.metrics.definition import registry
from jinpai.reports.frame import save_text
from jinpai.reports.trial import render_trial
from jinpai.reports.words import Language
from jinpai.scoring.concentration import Concentration
from jinpai.scoring.grade import Graded
from jinpai.scoring.grade_words import GRADE_NAMES
from jinpai.scoring.numbers import shown
from jinpai.scoring.trials import WhatIf

__all__ = ["save_page", "show_grades", "show_what_if"]

_BARS, _HALF = 15, 8
_NAMES = 2
_STYLES = {"gold": "bold yellow", "senior": "bold cyan", "mid": "", "junior": "dim", None: "dim"}


def show_what_if(found: WhatIf, names: Names | None) -> None:
    """Show both plans side by side, then what moves the ranking."""
    for path, before, after in found.changes:
        text = f"{path}: {before or '–'} → {after or '–'}"
        note(text, "cyan")
    for at, sheet in enumerate(found.base.sheets):
        rows = [pair for pair in found.pairs if pair["shop_id"] == sheet.shop_id]
        if found.changes and rows:
            show(_side_by_side(rows, found, at, names))
        tornado = [row for row in found.tornado if row["shop_id"] == sheet.shop_id]
        if not sheet.agents:
            note(say("Nobody to score in this period.", "本期没有可计分的客服。"))
        elif tornado:
            show(_tornado(tornado, found, at, names))


def save_page(found: WhatIf, names: Names | None, out: Path, lang: Language) -> None:
    """Write a what-if as a page; raises UsageError for another suffix or where it cannot."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError(
            f"--out {out}: a what-if is a page; name the file .html.",
            zh=f"--out {out}：推演结果是网页；文件名请以 .html 结尾。",
        )

    def named(shop_id: str | None, subject: str) -> str:
        if names is None or shop_id is None or found.base.sheets[0].by != "agent_id":
            return subject
        return names.of("agent_id", shop_id, subject)

    save_text(out, render_trial(found.to_json(), named, lang))
    note(say(f"{out}: open it in a browser.", f"{out}：用浏览器打开即可。"), "green")


def _side_by_side(
    rows: Sequence[Mapping[str, Any]], found: WhatIf, at: int, names: Names | None
) -> Table:
    sheet = found.base.sheets[at]
    paid = any(one.pay for one in (*sheet.agents, *found.sheets[at].agents))
    heads = [
        say("Agent", "客服"), say("Of 100", "折合百分"), say("Then", "改后"), say("Change", "变化"),
        say("Rank", "名次"), say("Then", "改后"),
        *([say("Pay", "奖金"), say("Then", "改后")] if paid else []),
    ]  # fmt: skip
    lines = []
    for row in rows:
        sides = [row["before"] or {}, row["after"] or {}]
        ranks = [points_of_rank(side.get("rank")) for side in sides]
        lines.append(
            [
                name_text(names, sheet, row[sheet.by]),
                *(_points(side.get("total_normalised")) for side in sides),
                signed(row["change"]),
                ranks[0],
                cell(ranks[1], style="" if ranks[0] == ranks[1] else "bold"),
                *([side.get("pay") or "–" for side in sides] if paid else []),
            ]
        )
    title = say("As it is, and as it would be", "现状与推演")
    return plain_table(heads, lines, right=range(1, len(heads)), title=title)


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def _tornado(
    rows: Sequence[Mapping[str, Any]], found: WhatIf, at: int, names: Names | None
) -> Table:
    """Draw the largest fall and rise of anybody's total for each thing that is turned."""
    sheet = found.base.sheets[at]
    widest = max(max(-row["fall"], row["rise"]) for row in rows) or 1.0
    heads = [
        say("Single change", "单项改动"), say("From", "原值"), say("Tried", "试值"),
        say("Fall", "最大降"), "", say("Rise", "最大升"), say("Ranks that move", "名次变动"),
    ]  # fmt: skip
    lines = []
    for row in rows[:_BARS]:
        moved = dict.fromkeys(who for one in row["tried"] for who in one["moved"])
        shown_names = [name_text(names, sheet, who) for who in moved]
        lines.append(
            [
                row[language()],
                row["value"],
                say(", ", "、").join(one["value"] for one in row["tried"]),
                signed(row["fall"]),
                _bar(row["fall"] / widest, row["rise"] / widest),
                signed(row["rise"]),
                say(", ", "、").join(shown_names[:_NAMES])
                + (
                    say(f" +{more}", f" 等 {len(moved)} 人")
                    if (more := len(moved) - _NAMES) > 0
                    else ""
                ),
            ]
        )
    title = say(
        "Which single changes move the ranking (points of 100)",
        "哪些单项改动会改变名次（百分制分数）",
    )
    table = plain_table(heads, lines, right=(3,), title=title)
    table.columns[0].min_width = 26
    return table


def _bar(fall: float, rise: float) -> Text:
    left, right = round(-fall * _HALF), round(rise * _HALF)
    bar = Text(" " * (_HALF - left))
    bar.append("█" * left, style="red")
    bar.append("│", style="dim")
    bar.append("█" * right, style="green")
    return bar.append(" " * (_HALF - right))


def show_grades(card: GradeCard, names: Names, only: str | None = None) -> None:
    """Show grades, why, and how the sales are spread."""
    wanted = names.agent_id(only) if only else None
    for shop in card.shops:
        graded = [one for one in shop.graded if wanted in (None, one.subject)]
        if not graded:
            note(say("Nobody to grade in this period.", "本期没有可评级的客服。"))
            continue
        title = f"{card.policy.name} · {shop.shop_id} · {card.first} – {card.last}"
        show(_grades(card, shop, graded, names, title))
        for one in graded:
            console = out()
            console.print(cell(_who(card, shop, names, one.subject), style="bold"))
            for reason in one.reasons_zh if language() == "zh" else one.reasons_en:
                console.print(cell(f"  {reason}"), soft_wrap=True)
        out().print()
        _show_concentration(card, shop, names)


def _who(card: GradeCard, shop: ShopGrades, names: Names, subject: str) -> str:
    return names.of("agent_id", shop.shop_id, subject) if card.by == "agent" else subject


def _grade_word(grade: str | None) -> Text:
    return cell(say(*GRADE_NAMES[grade]), style=_STYLES[grade])


def _grades(
    card: GradeCard, shop: ShopGrades, graded: Sequence[Graded], names: Names, title: str
) -> Table:
    codes = [one.metric for one in card.policy.metrics]
    heads = [
        say("Agent", "客服") if card.by == "agent" else say("Team", "团队"),
        say("Grade", "等级"), say("This period", "本期"), *(metric_name(code) for code in codes),
    ]  # fmt: skip
    lines = []
    for one in graded:
        values = [
            Text.assemble(
                shown(registry().metric(line.metric), line.value.exact),
                "\n",
                _grade_word(line.grade),
            )
            for line in one.lines
        ]
        mark = "*" if one.status == "provisional" else ""
        held = _grade_word(one.grade).append(mark)
        lines.append(
            [_who(card, shop, names, one.subject), held, _grade_word(one.computed), *values]
        )
    return plain_table(heads, lines, right=range(3, len(heads)), title=title)


def _show_concentration(card: GradeCard, shop: ShopGrades, names: Names) -> None:
    spread: Concentration = shop.concentration
    if spread.top_share is None or spread.share_at_fifth is None:
        return
    people, top = len(spread.values), spread.top
    share = f"{float(spread.top_share):.1%}"
    whole = sum(value for _, value in spread.values)
    so_far, lines = 0.0, []
    for who, value in spread.values:
        so_far += float(value / whole)
        lines.append(
            [
                _who(card, shop, names, who),
                f"{float(value):,.2f}",
                f"{float(value / whole):.1%}",
                f"{so_far:.1%}",
                Text("█" * round(so_far * 30), style="cyan"),
            ]
        )
    heads = [say("Agent", "客服"), say("Sales", "销售额"), say("Share", "占比"),
             say("So far", "累计"), ""]  # fmt: skip
    title = say("Who makes the sales (20/80)", "销售额由谁创造（二八曲线）")
    show(plain_table(heads, lines, right=(1, 2, 3), title=title))
    note(
        say(
            f"The top fifth ({top} of {people}) make {share} of the sales; {spread.agents_for_80}"
            f" of {people} make 80%.",
            f"前五分之一（{people} 人中的 {top} 人）创造 {share} 的销售额；"
            f"80% 由 {spread.agents_for_80} 人创造。",
        ),
        "dim",
    )
