"""Scorers on the development parts of the public sets; the sealed parts decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.quality.evaluate import evaluate
from jinpai.quality.examples import labelled
from jinpai.quality.labels import parse_label
from jinpai.quality.scorer import Task, default_scorer
from jinpai.quality.train import train

CHAT = ("sentiment", "cn_chat_sentiment/items.jsonl.gz", "item.sentiment")
REVIEWS = ("sentiment", "online_shopping_10_cats/items.jsonl.gz", "item.sentiment")
TURNS = ("satisfaction", "uss_jddc/dialogues.jsonl.gz", "turn.satisfaction=dissatisfied")
DIALOGUES = ("satisfaction", "dch_stc3/dialogues.jsonl.gz", "dialogue.quality_mean.S<0")


@pytest.mark.parametrize(
    ("case", "figure", "least"), [(CHAT, "macro_f1", 0.70), (TURNS, "auc", 0.70)]
)
def test_untrained(shared: Path, case: tuple[Task, str, str], figure: str, least: float) -> None:
    task, file, text = case
    label = parse_label(text)
    examples = labelled(shared / "data" / file, label)
    classes = sorted({example.label for example in examples})
    assert evaluate(default_scorer(task, label, classes), examples)[figure] >= least


@pytest.mark.parametrize(
    ("case", "figure", "least"),
    [
        (CHAT, "macro_f1", 0.90),
        (REVIEWS, "macro_f1", 0.935),
        (TURNS, "auc", 0.81),
        (DIALOGUES, "auc", 0.91),
    ],
    ids=["chat", "reviews", "turns", "dialogues"],
)
def test_trained_on_four_fifths(
    shared: Path, case: tuple[Task, str, str], figure: str, least: float
) -> None:
    """Grouped by dialogue; the bounds leave room for the smaller training part and its chance."""
    task, file, text = case
    label = parse_label(text)
    examples = labelled(shared / "data" / file, label)
    learned = [example for example in examples if example.group % 5]
    kept = [example for example in examples if not example.group % 5]
    assert evaluate(train(task, label, learned, text), kept)[figure] >= least
