"""Options of the commands of reviews, each explained once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from jinpai.cli.words import both

__all__ = [
    "Agent",
    "Comment",
    "Finding",
    "N",
    "Per",
    "Reviewer",
    "Rule",
    "Ruling",
    "Seed",
    "Share",
    "Viewer",
    "What",
    "asked_draw",
]

Ruling = Annotated[
    Literal["right", "wrong", "partly"],
    typer.Argument(
        metavar="right|wrong|partly",
        show_default=False,
        help=both("Is the finding right?", "right 正确、wrong 错误、partly 部分正确"),
    ),
]
Finding = Annotated[
    str,
    typer.Argument(
        metavar="FINDING",
        show_default=False,
        help=both(
            "Id of the finding (jinpai qc queue, qc list)", "质检结果编号（见 qc queue、qc list）"
        ),
    ),
]
Reviewer = Annotated[
    str,
    typer.Option("--as", metavar="NAME", show_default=False, help=both("Who you are", "您的名字")),
]
Viewer = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        show_default=False,
        help=both("See what this person may see", "以此人的身份查看"),
    ),
]
Comment = Annotated[
    str,
    typer.Option("--comment", metavar="TEXT", show_default=False, help=both("Why", "说明理由")),
]
Per = Annotated[
    Literal["agent", "rule", "agent-rule", "all"],
    typer.Option(
        help=both(
            "Draw from every agent, every rule, every rule of every agent, or from all together",
            "按客服 agent、按规则 rule、按客服与规则 agent-rule 分层，或 all 整体抽取",
        )
    ),
]
N = Annotated[
    int | None,
    typer.Option(
        "--n",
        metavar="N",
        min=1,
        show_default=False,
        help=both("Findings from each; default 5", "每层抽取条数；默认 5"),
    ),
]
Share = Annotated[
    float | None,
    typer.Option(
        metavar="PART",
        show_default=False,
        help=both("Part of each instead, such as 0.1", "改为按比例抽取，如 0.1"),
    ),
]
Seed = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help=both("The same seed draws the same findings", "相同种子抽到相同的结果"),
    ),
]
Rule = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CODE",
        show_default=False,
        help=both("Only this rule; may be repeated", "只抽这条规则，可重复"),
    ),
]
Agent = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        show_default=False,
        help=both("Only this account; may be repeated", "只抽这个账号，可重复"),
    ),
]
What = Annotated[
    Literal["faults", "merits", "all", "none"],
    typer.Option(
        help=both(
            "What to draw; none: sessions in which no fault was found (with --rule: none of that"
            " rule), to see what is missed",
            "抽取问题 faults、亮点 merits 或全部 all；none 抽取未发现问题（或指定 --rule"
            " 未发现）的会话，用于查漏",
        )
    ),
]


def asked_draw(
    per: Per,
    n: int | None,
    share: float | None,
    seed: str,
    what: What,
    first: str | None,
    last: str | None,
    shop: str | None,
    rule: list[str] | None,
    agent: list[str] | None,
) -> Any:
    """Return the draw the options ask for."""
    from jinpai.review.candidates import Draw

    return Draw(
        per=per,
        n=5 if n is None and share is None else n,
        share=share,
        seed=seed,
        first=first,
        last=last,
        shop_id=shop,
        agents=tuple(agent or ()),
        rules=tuple(rule or ()),
        what=what,
    )
