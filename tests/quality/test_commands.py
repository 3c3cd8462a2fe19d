"""`jinpai qc` through its entry point."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main


def ran(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of ``jinpai qc ARGS``."""
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["qc", *map(str, args)])
    seen = capfd.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, seen.out, seen.err


@pytest.fixture
def items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of our own sentences."""
    monkeypatch.setenv("JINPAI_LANG", "en")
    texts = {"positive": ("很满意", "太好了", "喜欢"), "negative": ("太差了", "骗子", "不满意")}
    path = tmp_path / "items.jsonl"
    rows: list[dict[str, Any]] = [
        {"text": text, "labels": {"sentiment": name}} for name in texts for text in texts[name]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_train_then_eval(capfd: pytest.CaptureFixture[str], items: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.model"
    asked = ("--task", "sentiment", "--data", items, "--label", "item.sentiment")
    code, out, _ = ran(capfd, "train", *asked, "--out", model, "--format", "json")
    assert (code, json.loads(out)["classes"]) == (0, {"negative": 3, "positive": 3})
    code, out, _ = ran(capfd, "eval", *asked, "--model", model, "--format", "json")
    expected = {"task": "sentiment", "n": 6, "accuracy": 1.0, "macro_f1": 1.0, "auc": 1.0}
    assert (code, json.loads(out)) == (0, expected)


def test_eval_of_the_shipped_scorer(capfd: pytest.CaptureFixture[str], items: Path) -> None:
    code, out, _ = ran(
        capfd, "eval", "--task", "sentiment", "--data", items, "--label", "item.sentiment"
    )
    assert code == 0
    assert "1.0000" in out


DIALOGUE = {
    "dialogue_id": "d1",
    "agent_id": "shop:Bo",
    "turns": [
        {"role": "buyer", "text": "在吗", "sent_at": "2026-03-02T10:00:00+08:00"},
        {"role": "agent", "text": "亲，您好", "sent_at": "2026-03-02T10:00:25+08:00"},
        {"role": "buyer", "text": "我拍了", "sent_at": "2026-03-02T10:01:00+08:00"},
        {"role": "agent", "text": "好的亲，今天发货", "sent_at": "2026-03-02T10:01:05+08:00"},
        {"role": "buyer", "text": "怎么还没发货！！", "sent_at": "2026-03-02T20:00:00+08:00"},
    ],
    "orders": [{"order_id": "o1", "created_at": "2026-03-02T10:00:50+08:00", "paid_at": None}],
}


def test_inspect(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(DIALOGUE), "utf-8")
    code, out, _ = ran(capfd, "inspect", path, "--format", "json")
    found = json.loads(out)
    assert (code, found["dialogues"], found["sessions"]) == (0, 1, 2)
    first, second = found["results"]
    codes = {finding["rule"]: finding for finding in first["findings"]}
    assert codes.keys() == {"ignored", "silent_watch"}
    assert (first["score"], first["agent_id"]) == (86.0, "shop:Bo")
    assert codes["ignored"]["reason_zh"] == "首次响应用时 25 秒，超过 20 秒"
    assert [place["message_id"] for place in codes["ignored"]["evidence"]] == ["1", "2"]
    assert codes["silent_watch"]["order_id"] == "o1"
    assert [finding["rule"] for finding in second["findings"]] == ["ignored"]
    assert ran(capfd, "inspect", path, "--strict")[0] == 1


def test_inspect_knows_products_and_transfers(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    turns = [
        {"role": "buyer", "text": "在吗", "product_id": "p1"},
        {"role": "agent", "text": "您好", "product_id": "p2", "kind": "link"},
        {"role": "buyer", "text": "这件会掉色吗"},
    ]
    for second, turn in enumerate(turns):
        turn["sent_at"] = f"2026-03-02T10:00:0{second}+08:00"
    products = [
        {"product_id": "p1", "category": "dress"},
        {"product_id": "p2", "category": "mug", "attributes": {"fabric": "steel"}},
    ]
    thing = {"turns": turns, "products": products, "transfers": ["2026-03-02T10:01:00+08:00"]}
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps(thing), "utf-8")
    code, out, _ = ran(capfd, "inspect", path, "--format", "json")
    (only,) = json.loads(out)["results"]
    codes = {finding["rule"] for finding in only["findings"]}
    assert (code, codes) == (0, {"unlike_product", "left_unanswered"})


def test_inspect_says_which_row_is_wrong(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "en")
    path = tmp_path / "d.jsonl"
    turn = {"role": "buyer", "text": "a", "sent_at": "yesterday"}
    path.write_text("\n" + json.dumps({"turns": [turn]}), "utf-8")
    code, _, err = ran(capfd, "inspect", path)
    assert code == 2
    assert "row 2, column 'sent_at'" in err


def test_rules_and_lint(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINPAI_LANG", "zh")
    code, out, _ = ran(capfd, "rules")
    assert code == 0
    assert "不予理睬" in out
    code, out, _ = ran(capfd, "rules", "--format", "json")
    assert {rule["code"] for rule in json.loads(out)} >= {"ignored", "nagging", "silent_watch"}
    assert ran(capfd, "lint")[0] == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text("ignored: {breaks: [B 在吗, A 您好]}", "utf-8")
    code, out, _ = ran(capfd, "lint", "--rules", rules, "--format", "json")
    assert (code, [problem["code"] for problem in json.loads(out)]) == (1, ["breaks"])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("--label", "sentiment"), "is no label"),
        (("--label", "item.mood"), "nothing here has the label"),
        (("--data", "no-such-file"), "No such file"),
        (("--model", "no-such-model"), "No such file"),
        (("--model", "{items}"), "no model of this version"),
        (("--task", "weather"), "weather"),
    ],
)
def test_what_is_wrong_is_said(
    capfd: pytest.CaptureFixture[str], items: Path, change: tuple[str, str], problem: str
) -> None:
    asked = {"--task": "sentiment", "--data": str(items), "--label": "item.sentiment"}
    asked |= {change[0]: change[1].format(items=items)}
    code, out, err = ran(capfd, "eval", *(word for pair in asked.items() for word in pair))
    assert (code, out) == (2, "")
    assert problem in err
