"""Back-testing on the command line: rules against labels, and other rules on the same sessions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, First, Last, Shop, Workspace, as_json
from jinpai.cli.qc_options import Acts, Gap, OnlyRules
from jinpai.cli.words import both, say
from jinpai.errors import UnknownName, UsageError

__all__ = ["add_backtest"]

_TEST_HELP = both(
    "Say how right rules are on labelled dialogues (--data), else on what reviewers decided:"
    " precision, recall and F1 with 95 % intervals.",
    "用带标签的对话（--data）检验规则是否准确；不给时用复核结论：精确率、召回率、F1 及 95% 区间。",
)
_TEST_USE = both(
    "jinpai qc test my-shop\n"
    "jinpai qc test --data labelled.jsonl --rule ignored,insult\n"
    "jinpai qc test --data labelled.jsonl --curve ignored.seconds --values 10,20,30,60",
    "jinpai qc test my-shop\n"
    "jinpai qc test --data labelled.jsonl --rule ignored,insult\n"
    "jinpai qc test --data labelled.jsonl --curve ignored.seconds --values 10,20,30,60",
)
_BACKTEST_HELP = both(
    "Show what the sessions would look like under other rules: findings gained and lost, scores.",
    "查看换一套规则后会话的结果：新增与消失的质检结果、得分变化。",
)
_BACKTEST_USE = both(
    "jinpai qc backtest my-shop --rules new-rules.yaml --from 2026-03-01 --to 2026-03-31",
    "jinpai qc backtest my-shop --rules 新规则.yaml --from 2026-03-01 --to 2026-03-31",
)

Own = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help=both(
            "Rules to test, besides the shipped ones; default the workspace's",
            "要检验的规则文件（与内置规则合用）；默认取工作区的",
        ),
    ),
]


def check_(
    workspace: Annotated[
        Path | None,
        typer.Argument(
            metavar="[WORKSPACE]",
            show_default=False,
            help=both("Whose rules, acts and rulings count", "使用其规则、词语与复核结论"),
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both(
                "Dialogues with labels.rules or labels.rulings, .jsonl(.gz)",
                "带 labels.rules 或 labels.rulings 的对话文件，.jsonl(.gz)",
            ),
        ),
    ] = None,
    rule: OnlyRules = None,
    curve: Annotated[
        str | None,
        typer.Option(
            metavar="RULE.SETTING",
            show_default=False,
            help=both("The figures for values of a setting", "按某个设置项的不同取值给出结果"),
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            metavar="N,...",
            show_default=False,
            help=both(
                "Values of --curve; default a quarter to four times the one in force",
                "--curve 的取值；默认取现值的四分之一到四倍",
            ),
        ),
    ] = None,
    rules: Own = None,
    acts: Acts = None,
    gap: Gap = 600.0,
    format_: As = "table",
) -> None:
    """Test rules on labels."""
    from jinpai.quality import backtest
    from jinpai.quality.book import own_files
    from jinpai.quality.inspect import judge_of

    own_rules, own_acts = own_files(workspace)
    judge, scanner = judge_of(rules or own_rules, acts or own_acts)
    with progress(say("Testing", "检验")), _labelled(workspace, data) as file:
        truths = backtest.read_truth(file, scanner, gap)
        if curve is not None:
            code, _, setting = curve.partition(".")
            (chosen,) = _chosen(judge.rules, code)
            found = backtest.curve(chosen, setting, _numbers(values), scanner, truths)
        else:
            counts = backtest.measure(_chosen(judge.rules, rule), scanner, truths)
            found = [one.figures() for one in counts]
    if as_json(format_):
        print_json({"dialogues": len(truths), "rules": found})
        return
    show(_figures_table([one for one in found if one["right"] or one["wrong"] or one["missed"]]))
    note(
        say(
            f"{len(truths):,} labelled dialogues. Recall needs dialogues labelled with all that is"
            " in them (labels.rules).",
            f"共 {len(truths):,} 段带标签的对话。召回率需要标全的对话（labels.rules）。",
        ),
        "dim",
    )


@contextmanager
def _labelled(workspace: Path | None, data: Path | None) -> Iterator[Path]:
    """Yield the labelled file: the one named, else the workspace's rulings in a passing one."""
    if data is not None:
        yield data
        return
    if workspace is None:
        raise UsageError(
            "Name a labelled file with --data, or a workspace with decided findings.",
            zh="请用 --data 指定带标签的文件，或指定有复核结论的工作区。",
        )
    from jinpai.review import open_desk
    from jinpai.review.labels import write_labels

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rulings.jsonl"
        with open_desk(workspace) as desk, path.open("w", encoding="utf-8") as file:
            write_labels(desk.workspace, desk.store, file)
        yield path


def _chosen(rules: Sequence[Any], codes: str | None) -> list[Any]:
    if codes is None:
        return list(rules)
    known = {rule.code: rule for rule in rules}
    wanted = [code.strip() for code in codes.split(",") if code.strip()]
    for code in wanted:
        if code not in known:
            raise UnknownName("rule", code, known)
    return [known[code] for code in wanted]


def _numbers(values: str | None) -> list[float]:
    try:
        return [float(value) for value in (values or "").split(",") if value.strip()]
    except ValueError:
        raise UsageError(
            f"--values: '{values}' is no list of numbers; write 10,20,30.",
            zh=f"--values：“{values}”不是数字列表；请写成 10,20,30。",
        ) from None


def _figures_table(found: Sequence[dict[str, Any]]) -> Any:
    by_value = bool(found) and "value" in found[0]
    rows = [
        (
            f"{one['value']:g}" if by_value else one["rule"],
            f"{one['right']:,}",
            f"{one['wrong']:,}",
            "–" if one["missed"] is None else f"{one['missed']:,}",
            *(_share(one, name) for name in ("precision", "recall", "f1")),
        )
        for one in found
    ]
    first = say("Value", "取值") if by_value else say("Rule", "规则")
    heads = say("Right,Wrong,Missed,Precision,Recall,F1", "正确,误报,漏报,精确率,召回率,F1").split(
        ","
    )
    return plain_table((first, *heads), rows, right=(1, 2, 3, 4, 5, 6))


def _share(one: dict[str, Any], name: str) -> str:
    value, bounds = one[name], one[f"{name}_interval"]
    if value is None or bounds is None:
        return "–"
    return f"{value:.3f} [{bounds[0]:.2f}, {bounds[1]:.2f}]"


def backtest_(
    workspace: Workspace,
    rules: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both(
                "The other rules, in place of the workspace's own; besides the shipped ones",
                "另一套规则，代替工作区自己的规则文件（与内置规则合用）",
            ),
        ),
    ],
    shop: Shop = None,
    first: First = None,
    last: Last = None,
    format_: As = "table",
) -> None:
    """Compare rules."""
    from jinpai.periods import parse_day
    from jinpai.quality.book import own_files
    from jinpai.quality.inspect import judge_of
    from jinpai.quality.rule_diff import compare
    from jinpai.workspace import Workspace as Opened

    own_rules, own_acts = own_files(workspace)
    old, scanner = judge_of(own_rules, own_acts)
    new, _ = judge_of(rules, own_acts)
    opened = Opened(workspace)
    days = [None if day is None else parse_day(day) for day in (first, last)]
    with progress(say("Comparing", "对比")) as advance:
        sessions = _within(opened.inspect(old, scanner, shop_id=shop), days, opened.config, advance)
        found = compare(sessions, old, new).to_json()
    if as_json(format_):
        print_json(found)
        return
    _show_diff(found)


def _within(sessions: Any, days: Sequence[Any], config: Any, advance: Any) -> Iterator[Any]:
    """Yield the sessions that began on one of the days, in their shop's time."""
    from jinpai.quality.rule_diff import day_of

    first, last = days
    for done, one in enumerate(sessions, 1):
        day = day_of(one, lambda shop_id: config.shop(shop_id).timezone)
        if (first is None or first <= day) and (last is None or day <= last):
            yield one
        advance(done, f"{done:,}")


def _show_diff(found: dict[str, Any]) -> None:
    changed = [
        (
            one["rule"],
            say(one["en"], one["zh"]),
            *(f"{one[name]:,}" for name in ("before", "after", "gained", "lost")),
        )
        for one in found["rules"]
        if one["gained"] or one["lost"] or one["version_before"] != one["version_after"]
    ]
    heads = say("Rule,Name,Before,After,Gained,Lost", "规则,名称,现有,之后,新增,消失").split(",")
    show(plain_table(heads, changed, right=(2, 3, 4, 5)))
    agents = [
        (
            one["agent_id"] or say("nobody", "无人"),
            f"{one['sessions']:,}",
            *(f"{one[f'quality_score_{when}']:.2f}" for when in ("before", "after")),
            *(f"{one[f'violation_sessions_rate_{when}']:.1%}" for when in ("before", "after")),
        )
        for one in found["agents"]
    ]
    heads = say(
        "Agent,Sessions,Score,Score after,With faults,After",
        "客服,会话,得分,之后得分,有问题占比,之后",
    ).split(",")
    show(plain_table(heads, agents, right=(1, 2, 3, 4, 5)))
    note(
        say(
            f"{found['sessions']:,} sessions; examples of what changes: --format json.",
            f"共 {found['sessions']:,} 个会话；变化的实例见 --format json。",
        ),
        "dim",
    )


def add_backtest(app: typer.Typer) -> None:
    """Add the commands to ``jinpai qc``."""
    app.command("test", help=_TEST_HELP, epilog=_TEST_USE)(check_)
    app.command("backtest", help=_BACKTEST_HELP, epilog=_BACKTEST_USE)(backtest_)
