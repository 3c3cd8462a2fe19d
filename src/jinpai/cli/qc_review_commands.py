"""Reviews on the command line: sampling, queues, rulings, appeals, what they teach."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jinpai.cli.console import note, print_json, progress, show
from jinpai.cli.options import As, First, Last, Shop, Workspace, as_json
from jinpai.cli.qc_review_options import (
    Agent,
    Comment,
    Finding,
    N,
    Per,
    Reviewer,
    Rule,
    Ruling,
    Seed,
    Share,
    Viewer,
    What,
    asked_draw,
)
from jinpai.cli.words import both, say
from jinpai.errors import UsageError

__all__ = ["add_reviews"]


def sample(
    workspace: Workspace,
    as_: Reviewer = "jinpai",
    per: Per = "agent",
    n: N = None,
    share: Share = None,
    seed: Seed = "1",
    what: What = "faults",
    double: Annotated[
        bool,
        typer.Option(
            "--double",
            help=both(
                "Each is judged by two reviewers, neither seeing the other's ruling",
                "每条由两位复核人各自判断，互不可见",
            ),
        ),
    ] = False,
    rule: Rule = None,
    agent: Agent = None,
    shop: Shop = None,
    first: First = None,
    last: Last = None,
    format_: As = "table",
) -> None:
    """Draw a sample."""
    from jinpai.cli.qc_review_tables import cases_table
    from jinpai.review import open_desk

    asked = asked_draw(per, n, share, seed, what, first, last, shop, rule, agent)
    with progress(say("Sampling", "抽样")), open_desk(workspace) as desk:
        found = desk.sample(asked, by=as_, wanted=2 if double else 1)
    if as_json(format_):
        print_json(found)
        return
    show(cases_table(found["findings"]))
    note(
        say(
            f"Sample {found['sample']}: {found['drawn']} drawn, {found['opened']} of them new in"
            f" the queue. Next: jinpai qc queue {workspace} --as NAME",
            f"第 {found['sample']} 号样本：抽取 {found['drawn']} 条，"
            f"其中 {found['opened']} 条新入队列。下一步：jinpai qc queue {workspace} --as 名字",
        ),
        "green",
    )


def queue(
    workspace: Workspace,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            show_default=False,
            help=both("Only what this person may judge", "只看此人可以判断的"),
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", show_default=False, help=both("Only this sample", "只看这一号样本")
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, help=both("Show at most", "最多显示"))
    ] = 50,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Show what waits."""
    from jinpai.cli.qc_review_tables import show_queue
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        found = desk.queue(as_, shop_id=shop, sample=sample, limit=limit)
    if as_json(format_):
        print_json(found)
    else:
        show_queue(found, workspace)


def rule(
    workspace: Workspace,
    finding: Finding,
    verdict: Ruling,
    as_: Reviewer,
    comment: Comment = "",
    format_: As = "table",
) -> None:
    """Rule on a finding."""
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        _told(desk.rule(finding, verdict, reviewer=as_, comment=comment), format_)


def missing(
    workspace: Workspace,
    finding: Finding,
    rules: Annotated[
        list[str],
        typer.Argument(
            metavar="RULE...",
            show_default=False,
            help=both("Codes of the rules (jinpai qc rules)", "规则代码（见 qc rules）"),
        ),
    ],
    as_: Reviewer,
    comment: Comment = "",
    format_: As = "table",
) -> None:
    """Report findings that are missing."""
    from jinpai.cli.qc_review_tables import cases_table
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        found = desk.report(finding, rules, reviewer=as_, comment=comment)
    if as_json(format_):
        print_json(found)
    else:
        show(cases_table(found))


def appeal(
    workspace: Workspace,
    finding: Finding,
    as_: Reviewer,
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", show_default=False, help=both("Why the finding is wrong", "申诉理由")
        ),
    ] = None,
    decide: Annotated[
        Literal["upheld", "rejected"] | None,
        typer.Option(
            show_default=False,
            help=both(
                "Decide the appeal, as a reviewer who has not ruled on it",
                "裁决申诉（upheld 成立、rejected 驳回），须由未参与复核的人",
            ),
        ),
    ] = None,
    comment: Comment = "",
    format_: As = "table",
) -> None:
    """Appeal against a finding, or decide an appeal."""
    from jinpai.review import open_desk

    if (reason is None) == (decide is None):
        raise UsageError(
            "Give --reason to appeal, or --decide to decide an appeal.",
            zh="申诉请给出 --reason；裁决申诉请给出 --decide。",
        )
    with open_desk(workspace) as desk:
        if decide is not None:
            _told(desk.decide(finding, decide, reviewer=as_, comment=comment), format_)
        else:
            _told(desk.appeal(finding, agent=as_, reason=reason or ""), format_)


def history(
    workspace: Workspace,
    finding: Finding,
    as_: Viewer = None,
    format_: As = "table",
) -> None:
    """Show what became of a finding."""
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        _told(desk.story(finding, viewer=as_), format_)


def _told(story: dict[str, Any], format_: str) -> None:
    from jinpai.cli.qc_review_tables import show_story

    if as_json(format_):
        print_json(story)
    else:
        show_story(story)


def kappa(workspace: Workspace, format_: As = "table") -> None:
    """Show how far reviewers agree."""
    from jinpai.cli.qc_review_tables import show_agreement
    from jinpai.review import open_desk

    with open_desk(workspace) as desk:
        found = desk.agreement()
    if as_json(format_):
        print_json(found)
    else:
        show_agreement(found)


def labels(
    workspace: Workspace,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help=both("Write to this .jsonl file", "写入该 .jsonl 文件")),
    ],
    format_: As = "table",
) -> None:
    """Export decided findings."""
    from jinpai.review import open_desk
    from jinpai.review.labels import write_labels

    with (
        progress(say("Exporting", "导出")),
        open_desk(workspace) as desk,
        out.open("w", encoding="utf-8") as file,
    ):
        written = write_labels(desk.workspace, desk.store, file)
    if as_json(format_):
        print_json(vars(written) | {"out": str(out)})
        return
    note(
        say(
            f"{written.labels} rulings on {written.sessions} sessions in {out}. Train on them:"
            f" jinpai qc train --task satisfaction --data {out}"
            " --label dialogue.rulings.RULE=right --out MODEL",
            f"已把 {written.sessions} 个会话的 {written.labels} 条结论写入 {out}。用于训练："
            f"jinpai qc train --task satisfaction --data {out}"
            " --label dialogue.rulings.规则=right --out 模型",
        ),
        "green",
    )
    if written.missing:
        note(
            say(
                f"{written.missing} sessions are not in the last run any more; left out.",
                f"有 {written.missing} 个会话已不在最近一次计算中，未导出。",
            )
        )


def add_reviews(app: typer.Typer) -> None:
    """Give ``qc`` the commands of reviews."""
    app.command(
        help=both(
            "Draw findings by hash for people to review; the same seed draws the same ones.",
            "按哈希抽取质检结果供人工复核；相同种子抽到相同的结果。",
        ),
        epilog=both(
            "jinpai qc sample my-shop --per agent --n 5 --seed week-12 --from 2026-03-16\n"
            "jinpai qc sample my-shop --per rule --share 0.05 --double\n"
            "jinpai qc sample my-shop --what none --per agent --n 2",
            "jinpai qc sample my-shop --per agent --n 5 --seed 第12周 --from 2026-03-16\n"
            "jinpai qc sample my-shop --per rule --share 0.05 --double\n"
            "jinpai qc sample my-shop --what none --per agent --n 2",
        ),
    )(sample)
    app.command(
        help=both("What waits for a ruling or a decision.", "等待复核与裁决的事项。"),
        epilog=both("jinpai qc queue my-shop --as Cai", "jinpai qc queue my-shop --as 小蔡"),
    )(queue)
    app.command(
        help=both(
            "Rule on a finding: right, wrong or partly.", "复核一条质检结果：正确、错误或部分正确。"
        ),
        epilog=both(
            "jinpai qc rule my-shop 826ee8a6d3a1f7a199f41a3d wrong --as Cai --comment 'A joke'",
            "jinpai qc rule my-shop 826ee8a6d3a1f7a199f41a3d wrong --as 小蔡 --comment 玩笑话",
        ),
    )(rule)
    app.command(
        help=both(
            "Report what the rules missed in the session of a drawn case or a finding.",
            "报告规则在该会话中漏判的问题。",
        ),
        epilog=both(
            "jinpai qc missing my-shop 1be99bd0a8f45aa0a0b3bb9a no_soothing --as Cai",
            "jinpai qc missing my-shop 1be99bd0a8f45aa0a0b3bb9a no_soothing --as 小蔡",
        ),
    )(missing)
    app.command(
        help=both(
            "Appeal against a finding about oneself, once and in time; or decide an appeal.",
            "客服对自己的质检结果申诉（限一次、限期）；或裁决申诉。",
        ),
        epilog=both(
            "jinpai qc appeal my-shop 826ee8a6d3a1f7a199f41a3d --as 'shop:Bo' --reason 'Offline'\n"
            "jinpai qc appeal my-shop 826ee8a6d3a1f7a199f41a3d --decide upheld --as Dan",
            "jinpai qc appeal my-shop 826ee8a6d3a1f7a199f41a3d --as 店铺:小波 --reason 当时断网\n"
            "jinpai qc appeal my-shop 826ee8a6d3a1f7a199f41a3d --decide upheld --as 小丁",
        ),
    )(appeal)
    app.command(
        help=both(
            "What became of a finding: rulings, appeal, every change.",
            "一条质检结果的经过：复核、申诉与每次变动。",
        ),
        epilog=both(
            "jinpai qc history my-shop 826ee8a6d3a1f7a199f41a3d",
            "jinpai qc history my-shop 826ee8a6d3a1f7a199f41a3d",
        ),
    )(history)
    app.command(
        help=both(
            "How far reviewers agree (Cohen's kappa), and how right each rule was found.",
            "复核人之间的一致程度（Cohen's kappa），以及每条规则的准确程度。",
        ),
        epilog=both("jinpai qc kappa my-shop", "jinpai qc kappa my-shop"),
    )(kappa)
    app.command(
        help=both(
            "Write decided findings as labelled dialogues, for qc train.",
            "把已有结论的质检结果导出为带标签的对话，供 qc train 使用。",
        ),
        epilog=both(
            "jinpai qc labels my-shop --out rulings.jsonl",
            "jinpai qc labels my-shop --out 结论.jsonl",
        ),
    )(labels)
