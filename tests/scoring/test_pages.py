"""The pages about plans and grades: their commands run, their examples hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jinpai
from jinpai.scoring import lint, load_plan, load_policy
from jinpai.scoring.lint import CODES
from jinpai.simulate import simulate

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace my-shop, imported and run."""
    folder = tmp_path_factory.mktemp("pages")
    simulate(folder / "exports", agents=3, days=62, buyers=150, seed=1, start="2026-02-01")
    shop = jinpai.init(folder / "my-shop", shop_id="s1", name="s", platform="taobao")
    shop.import_files([folder / "exports"])
    shop.run()
    return folder


@pytest.mark.parametrize("page", ["plans.md", "grades.md"])
def test_commands_run(place: Path, page: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = _BLOCK.findall((DOCS / page).read_text("utf-8"))
    assert {language for language, _ in found} == {"sh", "python"}
    for language, code in found:
        shell = ["bash", "-euo", "pipefail", "-c", code]
        command = [sys.executable, "-c", code] if language == "python" else shell
        ran = subprocess.run(
            command, cwd=place, env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{code}\n{ran.stdout}\n{ran.stderr}"


def yaml_blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def test_the_plans_shown_are_plans() -> None:
    plan, pay = yaml_blocks("plans.md")
    assert lint(plan) == []
    assert load_plan(plan + pay).pay


def test_the_policy_shown_is_a_policy() -> None:
    (policy,) = yaml_blocks("grades.md")
    assert load_policy(policy).combine == "median"


def test_every_code_of_lint_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "plans.md").read_text("utf-8"), re.MULTILINE)
    assert rows == list(CODES)
