"""The shipped scorers, on sentences of our own."""

from __future__ import annotations

import pytest

from jinpai.errors import UsageError
from jinpai.quality.examples import Example, Turn
from jinpai.quality.labels import parse_label
from jinpai.quality.scorer import Task, default_scorer

FEELINGS = {
    "positive": ["质量非常好，很满意", "谢谢你，太好了", "好可爱呀，超喜欢", "物流很快，给力"],
    "negative": ["垃圾东西，骗子", "质量太差，我要投诉", "气死我了", "一点都不好用", "不满意"],
    "neutral": ["四十二码", "我在上海", "图片发你看看"],
}


def item(text: str) -> Example:
    return Example((Turn("buyer", text),), 1)


def judged(task: Task, label: str, classes: list[str], *examples: Example) -> list[str]:
    scorer = default_scorer(task, parse_label(label), classes)
    return [scorer.classes[place] for place in scorer.scores(examples).argmax(axis=1)]


@pytest.mark.parametrize("feeling", FEELINGS)
def test_feelings(feeling: str) -> None:
    examples = [item(text) for text in FEELINGS[feeling]]
    found = judged("sentiment", "item.sentiment", ["negative", "neutral", "positive"], *examples)
    assert found == [feeling] * len(examples)


def test_only_the_classes_a_file_has() -> None:
    found = judged("sentiment", "item.sentiment", ["negative", "positive"], item("四十二码"))
    assert found == ["negative"]


def test_a_label_of_two_classes() -> None:
    happy = Example((Turn("buyer", "在吗"), Turn("agent", "在的"), Turn("buyer", "好的，谢谢")), 3)
    angry = Example((Turn("buyer", "怎么还不发货？你们到底什么时候发！"),), 1)
    assert judged("satisfaction", "turn.s=dissatisfied", [], happy, angry) == ["false", "true"]
    assert judged("satisfaction", "turn.s=satisfied", [], happy, angry) == ["true", "false"]
    assert judged("satisfaction", "turn.s<0", [], happy, angry) == ["false", "true"]
    assert judged("satisfaction", "turn.s>0", [], happy, angry) == ["true", "false"]


def test_wants_a_human() -> None:
    asks = [item(text) for text in ("转人工", "能不能找个真人", "你是机器人吗？我要人工客服")]
    asks_not = [item(text) for text in ("有红色的吗", "好的谢谢", "什么时候发货")]
    assert judged("handoff", "turn.handoff", ["0", "1"], *asks) == ["1"] * 3
    assert judged("handoff", "turn.handoff", ["false", "true"], *asks_not) == ["false"] * 3


def test_what_comes_later_is_not_seen() -> None:
    turns = [Turn("buyer", "在吗"), Turn("agent", "在的"), Turn("buyer", "垃圾！骗子！投诉！")]
    scorer = default_scorer("satisfaction", parse_label("turn.s=dissatisfied"), [])
    alone, among = scorer.scores([Example(turns[:1], 1), Example(turns, 1)])
    assert alone.tolist() == among.tolist()


def test_empty_things() -> None:
    scorer = default_scorer("satisfaction", parse_label("dialogue.s<0"), [])
    assert scorer.scores([]).shape == (0, 2)
    assert scorer.scores([Example((), 0, is_dialogue=True), item("")]).shape == (2, 2)


def test_unknown_classes() -> None:
    with pytest.raises(UsageError, match="does not know happy"):
        default_scorer("sentiment", parse_label("item.mood"), ["happy", "negative"])
    with pytest.raises(UsageError, match="does not know neutral"):
        default_scorer("sentiment", parse_label("item.mood=neutral"), ["false", "true"])
