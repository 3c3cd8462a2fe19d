"""Plans with faults, each with the lint rows expected of it worked by hand in its header.

A header line is ``# expect: CODE PATH``, once for each row. The path of what concerns two bands
is the one later in the document; that of a hole, an uncovered end or a wrong direction is all of
the indicator's bands; that of a missing bracket is the interval.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from jinpai.scoring import lint
from jinpai.scoring.lint import CODES
from line.driving import jinpai

PLANS = sorted((Path(__file__).parent / "plans").glob("*.yaml"))


def expected(plan: Path) -> list[tuple[str, str]]:
    text = plan.read_text(encoding="utf-8")
    return sorted(re.findall(r"^# expect: (\w+) (\S+)$", text, re.MULTILINE))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_the_rows_are_those_worked_by_hand(plan: Path) -> None:
    assert sorted((row.code, row.path) for row in lint(plan)) == expected(plan)


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.stem)
def test_every_path_leads_to_something(plan: Path) -> None:
    document = yaml.safe_load(plan.read_text(encoding="utf-8"))
    for _, path in expected(plan):
        there = document
        for step in re.findall(r"\w+", path):
            there = there[int(step) if step.isdigit() else step]
        assert there


def test_there_are_twenty_and_every_code_has_one() -> None:
    broken = [plan for plan in PLANS if expected(plan)]
    assert len(broken) >= 20
    assert {code for plan in broken for code, _ in expected(plan)} == set(CODES)


@pytest.mark.parametrize("plan", PLANS[::5], ids=lambda plan: plan.stem)
def test_the_command_says_so_and_fails(plan: Path) -> None:
    answer = jinpai("plan", "lint", plan, "--format", "json")
    rows = json.loads(answer.out)["rows"]
    assert sorted((row["code"], row["path"]) for row in rows) == expected(plan)
    assert all(row["message"] for row in rows)
    assert answer.code == (1 if rows else 0)
