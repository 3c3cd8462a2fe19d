"""Reviews as tables, in the language of the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from jinpai.cli.console import note, plain_table, show
from jinpai.cli.words import say
from jinpai.quality.names import rule_names
from jinpai.review.unfound import NOTHING

__all__ = [
    "calibrations_table",
    "cases_table",
    "show_agreement",
    "show_calibration",
    "show_queue",
    "show_story",
]


def word(name: str | None) -> str:
    """Return a state, verdict or event in the language of the user."""
    words = {
        "listed": say("not in a queue", "未入队"),
        "open": say("waits", "待复核"),
        "second": say("waits for a second", "待第二人复核"),
        "third": say("waits for a third", "待第三人复核"),
        "settled": say("settled", "已有结论"),
        "appealed": say("appealed", "申诉中"),
        "upheld": say("appeal upheld", "申诉成立"),
        "rejected": say("appeal rejected", "申诉驳回"),
        "right": say("right", "正确"),
        "wrong": say("wrong", "错误"),
        "partly": say("partly", "部分正确"),
        "revealed": say("revealed", "已公开"),
    }
    return "–" if name is None else words.get(name, name)


def rule_word(code: str) -> str:
    """Return what a rule is called in the language of the user; its code where it is gone."""
    names = {name.code: say(name.en, name.zh) for name in rule_names()}
    return names.get(code, say("Nothing found", "未发现问题") if code == NOTHING else code)


def instant(text: str | None) -> str:
    """Return an instant in the zone of this machine, to the minute."""
    if text is None:
        return "–"
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"


def cases_table(cases: Sequence[Mapping[str, Any]]) -> Table:
    """Return cases, one a row."""
    heads = say(
        "Finding,Day,Agent,Rule,Points,State,Why", "编号,日期,客服,规则,分数,状态,原因"
    ).split(",")
    rows = [
        (
            case["finding_id"],
            case["day"],
            case["agent_id"] or "–",
            rule_word(case["rule"]),
            f"{case['points']:g}",
            word(case["verdict"] if case["state"] == "settled" else case["state"]),
            say(case["reason_en"], case["reason_zh"]),
        )
        for case in cases
    ]
    return _whole_ids(plain_table(heads, rows, right=(4,)))


def _whole_ids(table: Table) -> Table:
    """Keep the ids of the first column in one piece: people copy them."""
    table.columns[0].no_wrap = True
    return table


def show_queue(found: Mapping[str, Any], workspace: Path) -> None:
    """Show what waits; where nothing does, what to do next."""
    if found["reviews"]:
        show(cases_table(found["reviews"]))
    if found["appeals"]:
        heads = say("Finding,Agent,Rule,Due,Reason", "编号,客服,规则,裁决期限,申诉理由").split(",")
        rows = [
            (
                case["finding_id"],
                case["agent_id"],
                rule_word(case["rule"]),
                instant(case["appeal"]["due_at"]),
                case["appeal"]["reason"],
            )
            for case in found["appeals"]
        ]
        show(_whole_ids(plain_table(heads, rows, title=say("Appeals", "申诉"))))
    counts = [f"{word(state)} {count}" for state, count in found["states"].items()]
    told = say(", ", "，").join(counts)
    if not found["reviews"] and not found["appeals"]:
        note(
            say(
                f"Nothing waits. Draw a sample with: jinpai qc sample {workspace}",
                f"没有等待处理的事项。抽样：jinpai qc sample {workspace}",
            ),
            "green",
        )
    if told:
        note(say(f"All cases: {told}", f"全部：{told}"), "dim")


def show_story(story: Mapping[str, Any]) -> None:
    """Show a case with what became of it."""
    show(cases_table([story]))
    if story["rulings"]:
        show(_rulings(story["rulings"]))
    appeal = story["appeal"]
    if appeal is not None:
        heads = say(
            "Appealed,Reason,Outcome,By,Comment", "申诉时间,申诉理由,裁决,裁决人,说明"
        ).split(",")
        row = (
            instant(appeal["at"]),
            appeal["reason"],
            word(appeal["outcome"]),
            appeal["decided_by"] or "–",
            appeal["comment"] or "",
        )
        show(plain_table(heads, [row]))
    _say_next(story)


def _say_next(story: Mapping[str, Any]) -> None:
    state, until = story["state"], instant(story["appeal_until"])
    told = {
        "second": say(
            "The ruling is kept; another reviewer comes next.", "结论已记录，等待另一位复核人。"
        ),
        "third": say(
            "Two reviewers disagree; a third comes next.", "两位复核人意见不一，等待第三位复核人。"
        ),
        "settled": say(
            f"Settled. The agent may appeal until {until}.", f"已有结论。客服可申诉至 {until}。"
        ),
        "appealed": say("A reviewer who has not ruled on it decides.", "将由未参与复核的人裁决。"),
        "upheld": say("It costs nothing from the next run on.", "自下次计算起不再扣分。"),
        "rejected": say("The finding stands.", "质检结果维持不变。"),
    }
    if state == "settled" and story["verdict"] == "wrong":
        told["settled"] = told["upheld"]
    if state in told:
        note(told[state], "green")


def _rulings(rulings: Sequence[Mapping[str, Any]], *, by_finding: bool = False) -> Table:
    heads = say("Reviewer,Ruling,Comment,When", "复核人,结论,说明,时间").split(",")
    rows = [
        (one["reviewer"], word(one["verdict"]), one["comment"], instant(one["at"]))
        for one in rulings
    ]
    if by_finding:
        heads = [say("Finding", "编号"), *heads]
        named = zip(rulings, rows, strict=True)
        ids = [(one["finding_id"], *row) for one, row in named]
        return _whole_ids(plain_table(heads, ids))
    return plain_table(heads, rows)


def show_agreement(found: Mapping[str, Any]) -> None:
    """Show kappa by pair of reviewers, and verdicts by rule."""
    _show_pairs(found["double"])
    if found["rules"]:
        heads = say(
            "Rule,Right,Partly,Wrong,Precision,Missed", "规则,正确,部分正确,错误,准确率,漏判"
        ).split(",")
        rows = [
            (
                rule_word(one["rule"]),
                one["right"],
                one["partly"],
                one["wrong"],
                "–" if one["precision"] is None else f"{one['precision']:.0%}",
                one["missed"],
            )
            for one in found["rules"]
        ]
        show(plain_table(heads, rows, right=(1, 2, 3, 4, 5)))


def _show_pairs(found: Mapping[str, Any]) -> None:
    if not found["n"]:
        note(
            say(
                "No finding has been ruled on by two reviewers; draw some with: jinpai qc sample"
                " WORKSPACE --double",
                "还没有由两人复核的结果；请抽样：jinpai qc sample 工作区 --double",
            )
        )
        return
    heads = say("Reviewers,Findings,Agree,Kappa", "复核人,条数,一致率,Kappa").split(",")
    rows = [_agreed(" · ".join(one["reviewers"]), one) for one in found["pairs"]]
    if len(rows) > 1:
        rows.append(_agreed(say("all", "合计"), found))
    show(plain_table(heads, rows, right=(1, 2, 3)))


def _agreed(name: str, one: Mapping[str, Any]) -> tuple[str, str, str, str]:
    kappa = "–" if one["kappa"] is None else f"{one['kappa']:.2f}"
    return name, f"{one['n']:,}", f"{one['agreement']:.0%}", kappa


def calibrations_table(listed: Sequence[Mapping[str, Any]]) -> Table:
    """Return calibration sessions, one a row."""
    heads = say("No,Name,State,Opened,Findings,Ruled", "编号,名称,状态,开始,条数,进度").split(",")
    rows = [
        (
            one["calibration"],
            one["name"],
            _session_state(one),
            instant(one["opened_at"]),
            one["size"],
            _ruled(one),
        )
        for one in listed
    ]
    return plain_table(heads, rows, right=(0, 4))


def _session_state(one: Mapping[str, Any]) -> str:
    return word("revealed") if one["state"] == "revealed" else say("open", "进行中")


def _ruled(one: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}/{one['size']}" for name, count in one["ruled"].items())


def show_calibration(found: Mapping[str, Any]) -> None:
    """Show a session: its findings, the rulings one may see, and agreement once revealed."""
    show(cases_table(found["findings"]))
    if found["rulings"]:
        show(_rulings(found["rulings"], by_finding=True))
    if found["agreement"] is not None:
        _show_pairs(found["agreement"])
    note(f"{found['name']}: {_session_state(found)}. {_ruled(found)}", "dim")
