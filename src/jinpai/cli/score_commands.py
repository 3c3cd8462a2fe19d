"""The commands ``score``, ``whatif`` and ``grade``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jinpai.cli.console import note, print_json, progress
from jinpai.cli.options import ACTOR, As, First, Last, Shop, Workspace, as_json
from jinpai.cli.words import both, language, say
from jinpai.errors import UsageError
from jinpai.hints import shell_word

if TYPE_CHECKING:
    from jinpai.cli.figures import Names
    from jinpai.scoring.trials import WhatIf
    from jinpai.workspace import Workspace as Opened

__all__ = ["add_scoring"]

Plan = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="PLAN",
        show_default=False,
        help=both("The KPI plan (see jinpai plan example)", "绩效方案（见 jinpai plan example）"),
    ),
]
NeededPlan = Annotated[
    Path,
    typer.Option(
        "--plan",
        metavar="PLAN",
        show_default=False,
        help=both("The KPI plan (see jinpai plan example)", "绩效方案（见 jinpai plan example）"),
    ),
]
By = Annotated[
    Literal["agent", "team"],
    typer.Option(help=both("Who is scored: agent or team", "给谁计分：agent 客服、team 团队")),
]
Mixed = Annotated[
    bool,
    typer.Option(
        "--allow-mixed",
        help=both(
            "Put shops measured by different settings side by side all the same",
            "允许把统计设置不同的店铺放在一起比较",
        ),
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="A",
        show_default=False,
        help=both("Show only this one (id or name)", "只显示此客服（账号或姓名）"),
    ),
]


MaybeWorkspace = Annotated[
    Path | None,
    typer.Argument(
        metavar="[WORKSPACE]",
        show_default=False,
        help=both(
            "Folder of the workspace; none with --values", "工作区文件夹；用 --values 时不需要"
        ),
    ),
]
ValuesFile = Annotated[
    Path | None,
    typer.Option(
        "--values",
        metavar="FILE",
        show_default=False,
        help=both(
            "Score a CSV of agent_id, metric, value instead (88/275, 32%, 13)",
            "改为给 CSV 计分：agent_id、metric、value 三列（可写 88/275、32%、13）",
        ),
    ),
]


def score(
    workspace: MaybeWorkspace = None,
    plan: Plan = None,
    values: ValuesFile = None,
    first: First = None,
    last: Last = None,
    by: By = "agent",
    agent: Only = None,
    lock: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help=both(
                "Lock these scores for ever under a name: the basis of pay",
                "以此名称永久锁定本期得分，作为发薪依据",
            ),
        ),
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help=both(
                "What today's data (and --plan, if given) would change in a locked period",
                "用现在的数据（及 --plan 指定的方案）重看已锁定的一期，差异在哪里",
            ),
        ),
    ] = None,
    recompute: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help=both(
                "Work a locked period out again from the data it was made of; exit 1 if it differs",
                "用锁定时的数据重新计算并核对；不一致时退出码为 1",
            ),
        ),
    ] = None,
    shop: Shop = None,
    allow_mixed: Mixed = False,
    format_: As = "table",
) -> None:
    """Score a period."""
    if values is not None:
        _reject(workspace is not None or lock or diff or recompute, "--values")
        _score_values(values, _needed(plan), (first, last), agent, format_)
        return
    opened = _opened(workspace)
    if recompute is not None:
        _reject(plan is not None or lock or diff, "--recompute")
        _recompute(opened, recompute, format_)
    elif diff is not None:
        _reject(lock, "--diff")
        _diff(opened, diff, plan, format_)
    else:
        asked = (first, last, by, shop, allow_mixed)
        _score(opened, _needed(plan), asked, lock, agent, format_)


def _reject(wrong: Any, option: str) -> None:
    if wrong:
        raise UsageError(
            f"{option} needs no workspace and none of the options that read or write one."
            if option == "--values"
            else f"{option} stands alone; drop the other options of that kind.",
            zh=f"{option} 不需要工作区，也不能与读写工作区的选项一起使用。"
            if option == "--values"
            else f"{option} 不能与其他同类选项一起使用；见 jinpai score --help。",
        )


def _needed(plan: Path | None) -> Path:
    if plan is None:
        raise UsageError(
            "Which plan? Add --plan PLAN; 'jinpai plan example' writes one to start from.",
            zh="缺少方案：请加上 --plan 方案文件；可先用 jinpai plan example 生成一份。",
        )
    return plan


def _opened(workspace: Path | None) -> Opened:
    from jinpai.workspace import Workspace as Opened

    if workspace is None:
        raise UsageError(
            "Which workspace? Name its folder, or score a file with --values.",
            zh="缺少工作区：请写明工作区文件夹，或用 --values 给文件计分。",
        )
    return Opened(workspace)


def _score_values(
    values: Path, plan: Path, days: tuple[str | None, str | None], agent: str | None, format_: str
) -> None:
    from jinpai.cli.score_tables import show_sheets
    from jinpai.periods import parse_range
    from jinpai.scoring import load_plan, read_values
    from jinpai.scoring import score as score_values
    from jinpai.scoring.sheet_json import sheets_json

    start, end = parse_range(*days)
    sheet = score_values(load_plan(plan), read_values(values), first=start, last=end)
    if as_json(format_):
        print_json(_only(sheets_json([sheet]) | {"notes": []}, None, agent))
        return
    show_sheets([sheet], None, only=agent)


def _score(
    opened: Opened, plan: Path, asked: tuple[Any, ...], lock: str | None, agent: str | None,
    format_: str,
) -> None:  # fmt: skip
    from jinpai.appraisal.locks import lock_period
    from jinpai.appraisal.period import score_period
    from jinpai.cli.score_tables import names_of, say_notes, show_sheets

    first, last, by, shop, mixed = asked
    with progress(say("Scoring", "计分")) as advance:
        advance(0, str(plan))
        card = score_period(
            opened, plan, first=first, last=last, by=by, shop_id=shop, allow_mixed=mixed
        )
    locked = lock_period(opened, lock, card, by=ACTOR) if lock is not None else None
    if as_json(format_):
        kept = {"lock": lock, "hash": locked["hash"]} if locked else {}
        print_json(_only(card.to_json() | kept, names_of(opened, shop), agent))
        return
    show_sheets(card.sheets, names_of(opened, shop), only=agent)
    say_notes([*card.notes, *(one for sheet in card.sheets for one in sheet.notes)])
    if locked:
        root = shell_word(opened.root)
        note(
            say(
                f"Locked as '{lock}', {locked['hash'][:12]}…; jinpai score {root} --diff"
                f" {shell_word(str(lock))} shows what later data would change.",
                f"已锁定为“{lock}”，校验值 {locked['hash'][:12]}…；之后可用 jinpai score"
                f" {root} --diff {shell_word(str(lock))} 查看后来的数据会带来的变化。",
            ),
            "green",
        )


def _only(found: dict[str, Any], names: Names | None, agent: str | None) -> dict[str, Any]:
    """Leave the other agents out where one is asked for."""
    wanted = names.agent_id(agent) if names is not None and agent else agent
    agents = [one for one in found["agents"] if wanted is None or one.get("agent_id") == wanted]
    return found | {"agents": agents}


def _diff(opened: Opened, name: str, plan: Path | None, format_: str) -> None:
    from jinpai.appraisal.locks import since_lock
    from jinpai.cli.score_tables import names_of, show_differences

    with progress(say("Comparing", "比较")) as advance:
        advance(0, name)
        found = since_lock(opened, name, plan)
    if as_json(format_):
        print_json(found)
    else:
        show_differences(found, names_of(opened, None))


def _recompute(opened: Opened, name: str, format_: str) -> None:
    from jinpai.appraisal.locks import recompute
    from jinpai.cli.score_tables import names_of, show_differences

    with progress(say("Working out again", "重新计算")) as advance:
        advance(0, name)
        found = recompute(opened, name)
    if as_json(format_):
        print_json(found)
    elif found["same"]:
        note(
            say(
                f"Lock '{name}': worked out again from the stored versions, the same to the last"
                " digit.",
                f"锁定“{name}”：按存档的数据版本重新计算，结果完全一致。",
            ),
            "green",
        )
    else:
        show_differences(found, names_of(opened, None))
    if not found["same"]:
        raise typer.Exit(1)


def whatif(
    plan: NeededPlan,
    workspace: MaybeWorkspace = None,
    values: ValuesFile = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            show_default=False,
            help=both(
                "A change to try, may be repeated: a place of the plan, or settings.NAME",
                "要试的改动，可重复：方案中的位置，或 settings.设置名",
            ),
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    by: By = "agent",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.html",
            show_default=False,
            help=both("Write it as a page too, with the tornado chart", "另存为网页，含龙卷风图"),
        ),
    ] = None,
    lang: Annotated[
        Literal["zh", "en"] | None,
        typer.Option(
            show_default=False,
            help=both("Language of the page; that of the locale", "网页的语言；默认随系统语言"),
        ),
    ] = None,
    shop: Shop = None,
    allow_mixed: Mixed = False,
    format_: As = "table",
) -> None:
    """Try changes."""
    from jinpai.cli.score_tables import names_of, say_notes
    from jinpai.cli.whatif_tables import save_page, show_what_if

    if values is None:
        opened = _opened(workspace)
        found = _tried(opened, plan, change or [], (first, last, by, shop, allow_mixed))
        names = None if as_json(format_) and out is None else names_of(opened, shop)
    else:
        _reject(workspace is not None or shop or by != "agent", "--values")
        found, names = _tried_values(values, plan, change or [], (first, last)), None
    if out is not None:
        save_page(found, names, out, lang or language())
    if as_json(format_):
        print_json(found.to_json())
        return
    show_what_if(found, names)
    say_notes(found.base.notes)


def _tried(opened: Opened, plan: Path, changes: list[str], asked: tuple[Any, ...]) -> WhatIf:
    from jinpai.appraisal.whatif import what_if

    first, last, by, shop, mixed = asked
    with progress(say("Trying", "推演")) as advance:
        return what_if(
            opened,
            plan,
            changes,
            first=first,
            last=last,
            by=by,
            shop_id=shop,
            allow_mixed=mixed,
            told=lambda word: advance(0, word),
        )


def _tried_values(
    values: Path, plan: Path, changes: list[str], days: tuple[str | None, str | None]
) -> WhatIf:
    from jinpai.periods import parse_range
    from jinpai.scoring import load_plan, read_values
    from jinpai.scoring.trials import what_if_values

    first, last = parse_range(*days)
    return what_if_values(load_plan(plan), read_values(values), changes, first=first, last=last)


def grade(
    workspace: Workspace,
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both(
                "Grade policy; the gold-agent standard (jinpai plan example gold-agent)",
                "评级标准；默认金牌客服标准（jinpai plan example gold-agent）",
            ),
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    by: By = "agent",
    agent: Only = None,
    shop: Shop = None,
    allow_mixed: Mixed = False,
    format_: As = "table",
) -> None:
    """Grade a period."""
    from jinpai.appraisal.grades import grade_period
    from jinpai.cli.score_tables import names_of, say_notes
    from jinpai.cli.whatif_tables import show_grades

    opened = _opened(workspace)
    with progress(say("Grading", "评级")) as advance:
        advance(0, "")
        card = grade_period(
            opened, policy, first=first, last=last, by=by, shop_id=shop, allow_mixed=allow_mixed
        )
    if as_json(format_):
        print_json(_only(card.to_json(), names_of(opened, shop), agent))
        return
    show_grades(card, names_of(opened, shop), only=agent)
    say_notes(card.notes)


def add_scoring(app: typer.Typer) -> None:
    """Put the commands into the program."""
    app.command(
        help=both(
            "Score everybody under a KPI plan, with the arithmetic of every line; lock a period.",
            "按绩效方案计分，逐项列出算式；可锁定一期作为发薪依据。",
        ),
        epilog=both(
            "jinpai score my-shop --plan my-plan.yaml --from 2026-03-01 --to 2026-03-31\n"
            "jinpai score my-shop --plan my-plan.yaml --from 2026-03-01 --to 2026-03-31"
            " --lock 2026-03\n"
            "jinpai score my-shop --diff 2026-03\n"
            "jinpai score --values values.csv --plan my-plan.yaml",
            "jinpai score my-shop --plan 方案.yaml --from 2026-03-01 --to 2026-03-31\n"
            "jinpai score my-shop --plan 方案.yaml --from 2026-03-01 --to 2026-03-31"
            " --lock 2026-03\n"
            "jinpai score my-shop --diff 2026-03\n"
            "jinpai score --values 数值.csv --plan 方案.yaml",
        ),
    )(score)
    app.command(
        help=both(
            "Try a change of weight, band, judge rule, window or filter: scores, ranks and pay side"
            " by side, and which single changes move the ranking. Nothing is kept.",
            "试改权重、档位、判定规则、时间窗或过滤条件：得分、名次、奖金并排对比，"
            "并指出哪些单项改动会改变名次。不保存任何结果。",
        ),
        epilog=both(
            "jinpai whatif my-shop --plan my-plan.yaml --set indicators.return_rate.weight=15\n"
            "jinpai whatif my-shop --plan my-plan.yaml --set settings.inquiry_days=1"
            " --set judge_rule=payment --out whatif.html\n"
            "jinpai whatif --values values.csv --plan my-plan.yaml --set missing=zero",
            "jinpai whatif my-shop --plan 方案.yaml --set indicators.return_rate.weight=15\n"
            "jinpai whatif my-shop --plan 方案.yaml --set settings.inquiry_days=1"
            " --set judge_rule=payment --out 推演.html\n"
            "jinpai whatif --values 数值.csv --plan 方案.yaml --set missing=zero",
        ),
    )(whatif)
    app.command(
        help=both(
            "Grade everybody gold, senior, mid or junior, with the reasons; who makes the sales.",
            "评出金牌、高级、中级、初级客服并说明理由；销售额由谁创造（二八）。",
        ),
        epilog=both(
            "jinpai grade my-shop --from 2026-03-01 --to 2026-03-31\n"
            "jinpai grade my-shop --policy policy.yaml --from 2026-03-01 --to 2026-03-31",
            "jinpai grade my-shop --from 2026-03-01 --to 2026-03-31\n"
            "jinpai grade my-shop --policy 评级.yaml --from 2026-03-01 --to 2026-03-31",
        ),
    )(grade)
