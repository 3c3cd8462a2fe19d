"""What docs/inspection.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

from jinpai.quality.checks import CHECKS
from jinpai.quality.inspect import judge_of, lint

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "inspection.md").read_text("utf-8")


def test_the_examples_work(tmp_path: Path) -> None:
    acts, rules = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "acts.yaml").write_text(acts, "utf-8")
    (tmp_path / "rules.yaml").write_text(rules, "utf-8")
    judge, scanner = judge_of(tmp_path / "rules.yaml", tmp_path / "acts.yaml")
    codes = {rule.code for rule in judge.rules}
    assert "asks_then_recommends" in codes
    assert "single_emoji" not in codes
    assert "mentions_gift" in scanner.codes("agent", "有赠品")
    assert not list(lint(judge, scanner))  # each rule has its two examples


def test_every_check_is_named() -> None:
    assert [name for name in CHECKS if f"`{name}`" not in PAGE] == []
