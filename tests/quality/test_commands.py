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
