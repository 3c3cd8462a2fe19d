"""``jinpai qc cases``: a training pack of bad cases and good ones in the same situations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jinpai.cli.console import note, print_json, progress
from jinpai.cli.options import As, Shop, Workspace, as_json
from jinpai.cli.qc_options import OnlyRules
from jinpai.cli.words import both, say
from jinpai.errors import UnknownName, UsageError

__all__ = ["add_cases"]

_HELP = both(
    "Write a training pack: of each fault the clearest cases, and the best sessions of others in"
    " the same situation; numbers, names, accounts and addresses masked.",
    "生成培训案例：每类问题最典型的会话，以及同样情形下做得最好的会话；号码、姓名、账号与地址均隐去。",
)
_USE = both(
    "jinpai qc cases my-shop --out cases.html\n"
    "jinpai qc cases my-shop --rule no_soothing --agent 'shop:Bo' --out cases.json",
    "jinpai qc cases my-shop --out 案例.html\n"
    "jinpai qc cases my-shop --rule no_soothing --agent 店铺:小波 --out 案例.json",
)


def cases(
    workspace: Workspace,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("Where it goes: .html to read and print, .json", "写到哪里：.html 或 .json"),
        ),
    ],
    rule: OnlyRules = None,
    agent: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            show_default=False,
            help=both("Bad cases of this account only", "只取这个账号的问题案例"),
        ),
    ] = None,
    number: Annotated[
        int,
        typer.Option(
            "--cases", metavar="N", min=1, max=20, help=both("Cases of each kind", "每类几个案例")
        ),
    ] = 2,
    shop: Shop = None,
    format_: As = "table",
) -> None:
    """Write a training pack."""
    from jinpai.quality.book import own_files
    from jinpai.quality.cases import lessons, lessons_json
    from jinpai.quality.inspect import judge_of
    from jinpai.workspace import Workspace as Opened

    if out.suffix not in (".html", ".json"):
        raise UsageError(
            f"--out {out}: write .html or .json.", zh=f"--out {out}：请写 .html 或 .json。"
        )
    judge, scanner = judge_of(*own_files(workspace))
    chosen = _chosen(judge.rules, rule)
    opened = Opened(workspace)
    with progress(say("Choosing cases", "挑选案例")):
        credited, names = _people(opened, shop)
        if agent is not None and agent not in names:
            raise UnknownName("agent", agent, names)
        found = lessons(
            opened.inspect(judge, scanner, shop_id=shop),
            chosen,
            credited,
            agent=agent,
            bad=number,
            good=number,
        )
        acts = {act.name: (act.zh, act.en) for act in scanner.acts}
        made = lessons_json(found, names, acts)
    _write(opened, made, out, shop)
    bad, good = (sum(len(one[kind]) for one in made) for kind in ("bad", "good"))
    if as_json(format_):
        print_json({"out": str(out), "rules": len(made), "bad": bad, "good": good})
        return
    rules = "1 rule" if len(made) == 1 else f"{len(made)} rules"
    note(
        say(
            f"{bad} bad and {good} good cases of {rules} in {out}.",
            f"{len(made)} 条规则的 {bad} 个问题案例与 {good} 个优秀案例已写入 {out}。",
        ),
        "green",
    )


def _chosen(rules: Sequence[Any], codes: str | None) -> list[Any]:
    faults = {one.code: one for one in rules if not one.is_merit}
    wanted = list(faults) if codes is None else [code.strip() for code in codes.split(",")]
    for code in wanted:
        if code not in faults:
            raise UnknownName("rule", code, faults)
    return [faults[code] for code in wanted]


def _people(opened: Any, shop: str | None) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Return (buyer, account) of credited orders, and what accounts are called."""
    with opened.derived(shop) as (engine, shops, _):
        rules = {one.shop_id: str(one.settings["judge_rule"]) for one in shops}
        credits_ = engine.fetch(
            "credited buyers",
            "select distinct shop_id, judge_rule, buyer_id, agent_id from credits"
            " where status = 'credited'",
        ).to_pylist()
        roster = engine.fetch("accounts", "select shop_id, agent_id, name from roster").to_pylist()
    credited = {
        (row["buyer_id"], row["agent_id"])
        for row in credits_
        if rules.get(row["shop_id"]) == row["judge_rule"]
    }
    names = {row["agent_id"]: row["name"] or row["agent_id"] for row in roster if row["agent_id"]}
    return credited, names


def _write(opened: Any, made: list[dict[str, Any]], out: Path, shop: str | None) -> None:
    from jinpai.reports.frame import save_text

    if out.suffix == ".json":
        save_text(out, json.dumps(made, ensure_ascii=False, indent=1) + "\n")
        return
    from jinpai.cli.words import language
    from jinpai.reports.training_pack import render_pack

    with opened.derived(shop) as (_, shops, _snapshot):
        when = " / ".join(dict.fromkeys(f"{one.first_day} – {one.last_day}" for one in shops))
        title = "、".join(opened.config.shop(one.shop_id).name for one in shops)
    save_text(out, render_pack(made, language(), shop=title, when=when))


def add_cases(app: typer.Typer) -> None:
    """Add the command to ``jinpai qc``."""
    app.command("cases", help=_HELP, epilog=_USE)(cases)
