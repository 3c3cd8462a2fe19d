"""Labels: where they are and how they become classes."""

from __future__ import annotations

import pytest

from jinpai.errors import UsageError
from jinpai.quality.labels import parse_label


@pytest.mark.parametrize(
    ("text", "raw", "class_"),
    [
        ("item.sentiment", "negative", "negative"),
        ("turn.handoff", 1, "1"),
        ("turn.handoff", True, "true"),
        ("turn.satisfaction=dissatisfied", "dissatisfied", "true"),
        ("turn.satisfaction=dissatisfied", "neutral", "false"),
        ("turn.handoff=1", 1, "true"),
        ("dialogue.quality_mean.S<0", -0.01, "true"),
        ("dialogue.quality_mean.S<0", 0, "false"),
        ("dialogue.quality_mean.S<=0", 0, "true"),
        ("dialogue.csat>=4", 4, "true"),
        ("dialogue.csat>4", 4.5, "true"),
    ],
)
def test_classes(text: str, raw: object, class_: str) -> None:
    assert parse_label(text).class_of(raw) == class_


def test_path_is_followed() -> None:
    label = parse_label("dialogue.quality_mean.S<0")
    assert label.find({"quality_mean": {"S": -1}}) == -1
    assert label.find({"quality_mean": 3}) is None
    assert label.find({}) is None


@pytest.mark.parametrize(
    "text",
    ["", "sentiment", "item", "item.", "item..a", "word.x", "item.x<", "item.x<much", "a.b=c"],
)
def test_no_label(text: str) -> None:
    with pytest.raises(UsageError, match="is no label"):
        parse_label(text)


@pytest.mark.parametrize("raw", [None, [], {}, ["x"]])
def test_raw_labels_that_cannot_be(raw: object) -> None:
    with pytest.raises(ValueError, match="label"):
        parse_label("item.x").class_of(raw)
