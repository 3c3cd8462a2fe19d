"""Labelled files: forms, what may be seen, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.errors import InputError, UnreadableFile
from jinpai.quality.examples import labelled
from jinpai.quality.labels import parse_label

DIALOGUE = {
    "dialogue_id": "d1",
    "turns": [
        {"role": "buyer", "text": "有货吗", "sent_at": None, "labels": {}},
        {"role": "agent", "text": "没有", "sent_at": None, "labels": {}},
        {"role": "buyer", "text": "太差了", "labels": {"satisfaction": "dissatisfied"}},
        {"role": "buyer", "text": "算了谢谢", "labels": {"satisfaction": "neutral"}},
    ],
    "labels": {"quality_mean": {"S": -0.5}},
}


def write(path: Path, *things: Any) -> Path:
    path.write_text("".join(json.dumps(thing, ensure_ascii=False) + "\n" for thing in things))
    return path


def test_a_turn_is_judged_with_what_came_before_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", DIALOGUE)
    first, second = labelled(path, parse_label("turn.satisfaction"))
    assert [turn.text for turn in first.seen] == ["有货吗", "没有", "太差了"]
    assert (first.text, first.label) == ("太差了", "dissatisfied")
    assert (second.text, second.label, second.group) == ("算了谢谢", "neutral", first.group)


def test_a_dialogue_is_judged_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", DIALOGUE)
    (whole,) = labelled(path, parse_label("dialogue.quality_mean.S<0"))
    assert (len(whole.seen), whole.label, whole.value) == (4, "true", -0.5)


def test_gzip_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    item = json.dumps({"id": "1", "text": "好", "labels": {"sentiment": "positive"}})
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(f"\ufeff{item}\n\n{item}".encode()))
    assert [found.text for found in labelled(path, parse_label("item.sentiment"))] == ["好", "好"]


def test_word_ids_become_characters(tmp_path: Path) -> None:
    dialogue = {
        "meta": {"text_is_token_ids": True},
        "turns": [{"role": "buyer", "text": "8 2 8", "labels": {"handoff": 1}}],
    }
    (found,) = labelled(write(tmp_path / "a.jsonl", dialogue), parse_label("turn.handoff"))
    assert len(found.text) == 3
    assert found.text[0] == found.text[2] != found.text[1]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "row 2: the line is not JSON"),
        ("[" * 100_000, "row 2: the line is not JSON"),
        ("[1]", "row 2: the line is not a JSON object"),
        ('{"text": 5, "labels": {"x": "a"}}', "row 2, column 'text': 'text' is not a text"),
        ('{"turns": "ab"}', "row 2, column 'turns'"),
        ('{"turns": [{"role": "cat", "text": ""}]}', "row 2, column 'role'"),
        ('{"turns": [{"role": "buyer", "text": "", "sent_at": 3}]}', "column 'sent_at'"),
        ('{"text": "a", "labels": {"x": ["b"]}}', "row 2, column 'item.x'"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "labels": {"x": "b"}}\n' + line + "\n")
    with pytest.raises(InputError, match=problem):
        labelled(path, parse_label("item.x"))


def test_a_number_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"text": "a", "labels": {"x": "low"}})
    with pytest.raises(InputError, match=r"row 1, column 'item.x': the label is 'low', not"):
        labelled(path, parse_label("item.x<0"))


def test_labels_that_exist_are_offered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", DIALOGUE)
    with pytest.raises(InputError, match=r"dialogue\.quality_mean, turn\.satisfaction"):
        labelled(path, parse_label("item.sentiment"))


def test_damaged_gzip(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", DIALOGUE)
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        labelled(path, parse_label("turn.satisfaction"))
