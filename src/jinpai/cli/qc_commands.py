"""The command ``qc`` and its own commands: quality inspection."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, Shop, Workspace, as_json
from jinpai.cli.qc_options import Acts, Gap
from jinpai.cli.words import both, say
from jinpai.errors import UsageError

__all__ = ["qc_app"]

qc_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "Quality inspection: judge what was said in conversations.", "质检：判断聊天中说了什么。"
    ),
    epilog=both(
        "jinpai qc eval --task sentiment --data items.jsonl.gz --label item.sentiment\n"
        "jinpai qc train --task sentiment --data items.jsonl.gz --label item.sentiment"
        " --out my.model",
        "jinpai qc eval --task sentiment --data items.jsonl.gz --label item.sentiment\n"
        "jinpai qc train --task sentiment --data items.jsonl.gz --label item.sentiment"
        " --out my.model",
    ),
)
Task = Annotated[
    Literal["sentiment", "satisfaction", "handoff"],
    typer.Option(help=both("What is judged", "判断什么")),
]
Data = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help=both("Labelled .jsonl or .jsonl.gz", "带标签的 .jsonl 或 .jsonl.gz 文件"),
    ),
]
LabelText = Annotated[
    str,
    typer.Option(
        "--label",
        metavar="LABEL",
        help=both(
            "Where the label is: item.NAME, turn.NAME or dialogue.NAME; add =VALUE or <NUMBER to"
            " make two classes, such as turn.satisfaction=dissatisfied",
            "标签位置：item.名称、turn.名称或 dialogue.名称；加 =值 或 <数字 分成两类，"
            "如 turn.satisfaction=dissatisfied",
        ),
    ),
]


@qc_app.callback()
def _qc() -> None:
    """Keep ``qc`` a group, whatever it holds."""


@qc_app.command(
    help=both(
        "Fit a scorer on labelled texts; a turn is judged with what came before it, never after.",
        "用带标签的文本训练判断模型；判断一句话时只看它和它之前的内容。",
    ),
    epilog=both(
        "jinpai qc train --task satisfaction --data dialogues.jsonl.gz"
        " --label turn.satisfaction=dissatisfied --out my.model",
        "jinpai qc train --task satisfaction --data dialogues.jsonl.gz"
        " --label turn.satisfaction=dissatisfied --out my.model",
    ),
)
def train(
    task: Task,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help=both("Where the model goes", "模型写到哪里"))
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("Labelled .jsonl or .jsonl.gz", "带标签的 .jsonl 或 .jsonl.gz 文件"),
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL", show_default=False, help=both("As in qc eval", "写法同 qc eval")
        ),
    ] = None,
    from_reviews: Annotated[
        Path | None,
        typer.Option(
            metavar="WORKSPACE",
            show_default=False,
            help=both(
                "Learn sentiment from its reviews (rating as label) instead of --data and --label",
                "改用该工作区的评价学习情感（以评级为标签），不需要 --data 与 --label",
            ),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Train a scorer."""
    from jinpai.quality.labels import parse_label
    from jinpai.quality.train import class_counts, train

    with progress(say("Training", "训练")) as advance:
        examples, label = _examples(task, data, label, from_reviews)
        advance(0, f"{len(examples):,}")
        train(task, parse_label(label), examples, label).save(out)
    counts = class_counts(examples)
    if as_json(format_):
        print_json({"task": task, "model": str(out), "n": len(examples), "classes": counts})
        return
    heads = say("Class,Examples", "类别,样本").split(",")
    show(plain_table(heads, [(name, f"{count:,}") for name, count in counts.items()], right=(1,)))
    note(
        say(
            f"Model in {out}. Next, on other data: jinpai qc eval --task {task} --data FILE"
            f" --label '{label}' --model {out}",
            f"模型已写入 {out}。下一步请用其他数据检验：jinpai qc eval --task {task} --data 文件"
            f" --label '{label}' --model {out}",
        ),
        "green",
    )


def _examples(
    task: str, data: Path | None, label: str | None, workspace: Path | None
) -> tuple[list[Any], str]:
    """Return what to learn from, of a file or of a workspace's reviews, and its label."""
    from jinpai.quality.examples import labelled
    from jinpai.quality.labels import parse_label

    if workspace is None and data is not None and label is not None:
        return labelled(data, parse_label(label)), label
    if workspace is None or data is not None or label is not None or task != "sentiment":
        raise UsageError(
            "Give --data and --label, or --task sentiment with --from-reviews alone.",
            zh="请给出 --data 与 --label，或单独使用 --task sentiment 与 --from-reviews。",
        )
    from jinpai.quality.own_reviews import REVIEW_LABEL, review_examples
    from jinpai.refresh.as_read import as_read
    from jinpai.workspace import Workspace as Opened

    with Opened(workspace).derived() as (engine, shops, snapshot):
        as_read(snapshot).register(engine.con, ("reviews",))
        return review_examples(engine, [shop.shop_id for shop in shops]), REVIEW_LABEL


@qc_app.command(
    "eval",
    help=both(
        "Say how well a scorer judges labelled texts; without --model, the shipped one.",
        "检验判断模型的准确程度；不给 --model 时检验内置的判断器。",
    ),
    epilog=both(
        "jinpai qc eval --task satisfaction --data dialogues.jsonl.gz"
        " --label 'dialogue.quality_mean.S<0' --format json",
        "jinpai qc eval --task satisfaction --data dialogues.jsonl.gz"
        " --label 'dialogue.quality_mean.S<0' --format json",
    ),
)
def eval_(
    task: Task,
    data: Data,
    label: LabelText,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("Model of 'jinpai qc train'", "jinpai qc train 训练的模型"),
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default=False,
            help=both(
                "Ask a chat model there (OpenAI-compatible, such as http://localhost:8000/v1);"
                " texts are masked first; the key is JINPAI_JUDGE_KEY",
                "由该地址的对话模型评判（OpenAI 兼容，如 http://localhost:8000/v1）；"
                "文本先隐去个人信息；密钥取 JINPAI_JUDGE_KEY",
            ),
        ),
    ] = None,
    model_name: Annotated[
        str,
        typer.Option(metavar="NAME", help=both("Model of --judge", "--judge 使用的模型")),
    ] = "default",
    judge_calls: Annotated[
        int, typer.Option(metavar="N", min=1, help=both("Most calls", "最多调用次数"))
    ] = 1000,
    judge_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, help=both("Most tokens", "最多令牌数"))
    ] = 1_000_000,
    judge_cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help=both("Keep answers here; asked once only", "把回答存到这里，同一问题只问一次"),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Evaluate a scorer."""
    from jinpai.quality.evaluate import evaluate
    from jinpai.quality.examples import labelled
    from jinpai.quality.labels import parse_label

    parsed = parse_label(label)
    with progress(say("Judging", "判断")) as advance:
        examples = labelled(data, parsed)
        advance(0, f"{len(examples):,}")
        if judge is None:
            scorer = _scorer(task, parsed, examples, model)
        else:
            scorer = _judge_at(
                judge, model_name, task, examples, judge_calls, judge_tokens, judge_cache
            )
        found = {"task": task} | evaluate(scorer, examples)
    if as_json(format_):
        print_json(found)
    else:
        show(_figures(found))


def _judge_at(
    url: str, name: str, task: Any, examples: Any, calls: int, tokens: int, cache: Path | None
) -> Any:
    """Return the scorer that asks a chat model."""
    from jinpai.quality.endpoint import Budget, EndpointScorer

    return EndpointScorer(
        url,
        name,
        task,
        tuple(sorted({example.label for example in examples})),
        key=os.environ.get("JINPAI_JUDGE_KEY"),
        budget=Budget(calls, tokens),
        cache=cache,
    )


def _scorer(task: Any, label: Any, examples: Any, model: Path | None) -> Any:
    from jinpai.quality.scorer import default_scorer

    if model is None:
        return default_scorer(task, label, sorted({example.label for example in examples}))
    from jinpai.quality.model import load_model

    return load_model(model).for_use(task, label.level)


def _figures(found: dict[str, Any]) -> Any:
    names = {
        "n": say("Examples", "样本"),
        "accuracy": say("Accuracy", "准确率"),
        "macro_f1": say("Macro F1", "宏平均 F1"),
        "auc": "AUC",
    }
    rows = [(name, _figure(found[key])) for key, name in names.items()]
    return plain_table((say("Figure", "指标"), say("Value", "值")), rows, right=(1,))


def _figure(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


Rules = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help=both(
            "Own rules (YAML), besides the shipped ones", "自定义规则（YAML），与内置规则合用"
        ),
    ),
]
Ruled = Annotated[
    Path | None,
    typer.Argument(
        metavar="[WORKSPACE]",
        show_default=False,
        help=both(
            "Its rules.yaml and acts.yaml count; without one, the shipped rules alone",
            "使用该工作区的 rules.yaml 与 acts.yaml；不给时只有内置规则",
        ),
    ),
]


@qc_app.command(
    help=both(
        "Inspect dialogues of a file: faults, merits, evidence and a score for every session.",
        "检查文件中的对话：逐个会话给出问题、亮点、证据与得分。",
    ),
    epilog=both(
        "jinpai qc inspect dialogues.jsonl.gz --format json\n"
        "jinpai qc inspect dialogues.jsonl --rules my-rules.yaml",
        "jinpai qc inspect dialogues.jsonl.gz --format json\n"
        "jinpai qc inspect dialogues.jsonl --rules my-rules.yaml",
    ),
)
def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", show_default=False, help=both("Dialogues, .jsonl(.gz)", "对话文件")
        ),
    ],
    rules: Rules = None,
    acts: Acts = None,
    gap: Gap = 600.0,
    strict: Annotated[
        bool,
        typer.Option("--strict", help=both("Exit 1 when there are faults", "有问题时退出码为 1")),
    ] = False,
    format_: As = "table",
) -> None:
    """Inspect a file."""
    from jinpai.cli.qc_tables import inspect_table, summary
    from jinpai.quality.inspect import inspect_file, inspected_json, judge_of

    judge, scanner = judge_of(rules, acts)
    found = []
    with progress(say("Inspecting", "质检")) as advance:
        for done, one in enumerate(inspect_file(file, judge, scanner, gap), 1):
            found.append(one)
            advance(done, f"{done:,}")
    if as_json(format_):
        known = {rule.code: rule for rule in judge.rules}
        results = [inspected_json(one, known) for one in found]
        print_json(summary(found) | {"results": results})
    else:
        show(inspect_table(found, judge.rules))
    if strict and any(
        finding.points < 0 or finding.fatal for one in found for finding in one.findings
    ):
        raise typer.Exit(1)


def _judge(workspace: Path | None, rules: Path | None, acts: Path | None) -> Any:
    """Return judge and scanner by the files named, else by those of the workspace."""
    from jinpai.quality.book import own_files
    from jinpai.quality.inspect import judge_of

    own_rules, own_acts = own_files(workspace)
    return judge_of(rules or own_rules, acts or own_acts)


@qc_app.command(
    help=both("List the rules in force.", "列出生效的规则。"),
    epilog=both("jinpai qc rules my-shop", "jinpai qc rules my-shop"),
)
def rules(
    workspace: Ruled = None, rules: Rules = None, acts: Acts = None, format_: As = "table"
) -> None:
    """List rules."""
    from jinpai.cli.qc_tables import rules_table

    judge, _ = _judge(workspace, rules, acts)
    if as_json(format_):
        print_json(
            [
                rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
                | {"version": judge.version(rule.code)}
                for rule in judge.rules
            ]
        )
        return
    show(rules_table(judge))


@qc_app.command(
    help=both(
        "Check rules: names, sequences, and that each finds its own example and spares the other.",
        "检查规则：名称、序列，以及每条规则能否命中自己的反例、放过正例。",
    ),
    epilog=both(
        "jinpai qc lint my-shop\njinpai qc lint --rules my-rules.yaml",
        "jinpai qc lint my-shop\njinpai qc lint --rules my-rules.yaml",
    ),
)
def lint(
    workspace: Ruled = None, rules: Rules = None, acts: Acts = None, format_: As = "table"
) -> None:
    """Lint rules."""
    from jinpai.quality.inspect import lint

    judge, scanner = _judge(workspace, rules, acts)
    found = lint(judge, scanner)
    if as_json(format_):
        heads = ("rule", "code", "what")
        print_json([dict(zip(heads, problem, strict=True)) for problem in found])
    elif found:
        show(plain_table(say("Rule,Problem,Acts seen", "规则,问题,识别到的动作").split(","), found))
    else:
        note(
            say(
                f"{len(judge.rules)} rules, nothing wrong.",
                f"共 {len(judge.rules)} 条规则，没有问题。",
            ),
            "green",
        )
    if found:
        raise typer.Exit(1)


@qc_app.command(
    help=both(
        "Inspect every conversation and publish the findings; each 'jinpai run' keeps them up to"
        " date from then on. With --rules, --acts or --out: judge the last run's sessions again,"
        " such as by rules to try, and publish nothing.",
        "质检全部会话并发布结果；此后每次 jinpai run 都会保持更新。用 --rules、--acts 或 --out 时："
        "重新检查最近一次计算的会话，可用于试验规则，不改动已发布的结果。",
    ),
    epilog=both(
        "jinpai qc run my-shop\n"
        "jinpai qc run my-shop --rules new-rules.yaml\n"
        "jinpai qc run my-shop --agent 'shop:Bo' --out findings.jsonl",
        "jinpai qc run my-shop\n"
        "jinpai qc run my-shop --rules new-rules.yaml\n"
        "jinpai qc run my-shop --agent 店铺:小波 --out findings.jsonl",
    ),
)
def run(
    workspace: Workspace,
    shop: Shop = None,
    agent: Annotated[
        str | None,
        typer.Option(
            metavar="ID", show_default=False, help=both("Only this account", "只看这个账号")
        ),
    ] = None,
    rules: Rules = None,
    acts: Acts = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help=both("Write every session, one JSON a line", "把每个会话写入文件，每行一个 JSON"),
        ),
    ] = None,
    format_: As = "table",
) -> None:
    """Inspect a workspace."""
    from jinpai.cli.qc_tables import agents_table, by_agent, summary
    from jinpai.quality.inspect import inspected_json
    from jinpai.workspace import Workspace as Opened

    judge, scanner = _judge(workspace, rules, acts)
    if rules is None and acts is None and out is None:
        _publish(Opened(workspace), shop, agent, judge.rules, format_)
        return
    found = []
    with progress(say("Inspecting", "质检")) as advance:
        for done, one in enumerate(Opened(workspace).inspect(judge, scanner, shop_id=shop), 1):
            if agent is None or one.session.agent_id == agent:
                found.append(one)
            advance(done, f"{done:,}")
    if out is not None:
        known = {rule.code: rule for rule in judge.rules}
        with out.open("w", encoding="utf-8") as file:
            for one in found:
                file.write(json.dumps(inspected_json(one, known), ensure_ascii=True) + "\n")
    if as_json(format_):
        print_json(summary(found) | {"agents": by_agent(found)})
    else:
        show(agents_table(by_agent(found), judge.rules))


def _publish(
    opened: Any, shop: str | None, agent: str | None, rules: Sequence[Any], format_: str
) -> None:
    """Inspect with the line, and show what it published."""
    from jinpai.cli.qc_published import begin_inspection, published
    from jinpai.cli.qc_tables import agents_table

    begin_inspection(opened, shop)
    with progress(say("Inspecting", "质检"), total=1.0) as advance:
        opened.run(on_step=lambda name, done, of: advance(done / max(of, 1), name))
    whole, agents = published(opened, shop, agent)
    if as_json(format_):
        print_json(whole | {"agents": agents})
    else:
        show(agents_table(agents, rules))
