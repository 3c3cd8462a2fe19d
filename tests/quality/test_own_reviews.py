"""Learning sentiment from a shop's own reviews, by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main
from jinpai.quality.evaluate import evaluate
from jinpai.quality.examples import Example, Turn
from jinpai.quality.model import load_model
from jinpai.workspace import init

REVIEWS = [
    *[("good", f"做工很扎实，第{n}次买了") for n in range(6)],
    *[("bad", f"线头太多，用了{n}天就散架") for n in range(6)],
    ("good", "评价方未及时做出评价,系统默认好评!"),
    ("good", ""),
    ("", "没有评级"),
]


def run(*arguments: str) -> Any:
    with pytest.raises(SystemExit) as ended:
        main(["qc", "train", *arguments])
    return ended.value.code


def test_reviews_are_learned_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    rows = ["review_id,order_id,buyer_id,posted_at,rating,text"]
    rows += [
        f'r{n},o{n},b{n},2026-03-02T10:00:00+08:00,{rating},"{text}"'
        for n, (rating, text) in enumerate(REVIEWS)
    ]
    (exports / "reviews.csv").write_text("\n".join(rows), "utf-8")
    talk = ["message_id,sent_at,agent_id,buyer_id,sender,text"]
    talk += ["m1,2026-03-02T10:00:00+08:00,A,b1,buyer,在吗"]
    (exports / "messages.csv").write_text("\n".join(talk), "utf-8")
    shop = init(tmp_path / "shop", shop_id="s", name="s", platform="taobao")
    shop.import_files([exports])
    shop.run()
    out = tmp_path / "my.model"
    asked = ["--task", "sentiment", "--from-reviews", str(tmp_path / "shop"), "--out", str(out)]
    assert run(*asked, "--format", "json") == 0
    # The platform's words, an empty text and a text without a rating teach nothing.
    said = json.loads(capsys.readouterr().out)
    assert (said["n"], said["classes"]) == (12, {"negative": 6, "positive": 6})
    new = [
        Example((Turn("buyer", text),), 1, label)
        for text, label in (("做工扎实", "positive"), ("散架了，线头多", "negative"))
    ]
    assert evaluate(load_model(out), new)["accuracy"] == 1.0


def test_reviews_since_the_last_run_are_seen_by_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = tmp_path / "messages.csv"
    talk.write_text(
        "message_id,sent_at,agent_id,buyer_id,sender,text\n"
        "m1,2026-03-02T10:00:00+08:00,A,b1,buyer,在吗\n",
        "utf-8",
    )
    shop = init(tmp_path / "shop", shop_id="s", name="s", platform="taobao")
    shop.import_files([talk])
    shop.run()
    asked = ("--task", "sentiment", "--from-reviews", str(tmp_path / "shop"), "--out", "x.model")
    assert run(*asked) == 2
    assert "jinpai run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more", [[], ["--data", "x"], ["--from-reviews", "x", "--label", "item.s"]]
)
def test_one_or_the_other(tmp_path: Path, more: list[str]) -> None:
    assert run("--task", "sentiment", "--out", str(tmp_path / "m"), *more) == 2
