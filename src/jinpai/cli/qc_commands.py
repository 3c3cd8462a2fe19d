"""The command ``qc`` and its own commands: quality inspection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jinpai.cli.console import note, plain_table, print_json, progress, show
from jinpai.cli.options import As, as_json
from jinpai.cli.words import both, say

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
    data: Data,
    label: LabelText,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help=both("Where the model goes", "模型写到哪里"))
    ],
    format_: As = "table",
) -> None:
    """Train a scorer."""
    from jinpai.quality.examples import labelled
    from jinpai.quality.labels import parse_label
    from jinpai.quality.train import class_counts, train

    parsed = parse_label(label)
    with progress(say("Training", "训练")) as advance:
        examples = labelled(data, parsed)
        advance(0, f"{len(examples):,}")
        train(task, parsed, examples, label).save(out)
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
        found = {"task": task} | evaluate(_scorer(task, parsed, examples, model), examples)
    if as_json(format_):
        print_json(found)
    else:
        show(_figures(found))


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
