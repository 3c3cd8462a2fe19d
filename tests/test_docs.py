"""The documents say what is so: pages made from registries, links, and commands that run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jinpai.metrics.definition import registry
from jinpai.metrics.reference_page import page
from jinpai.quality.rule import shipped_rules
from jinpai.simulate import simulate
from jinpai.tables.schema import REASONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("benchmarks/*.md")])
READMES = ("README.md", "README.zh-CN.md")
_BLOCK = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(name: str) -> list[tuple[str, str]]:
    """Return (language, code) of the blocks of a page that are marked for testing."""
    return _BLOCK.findall(text_of(name))


def anchors(page_text: str) -> set[str]:
    """Return the anchors a page offers, as the usual renderers make them from its headings."""
    heads = re.findall(r"^#+ (.+)$", page_text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.usefixtures("shipped_rules")
def test_metrics_page_is_up_to_date() -> None:
    assert text_of("docs/metrics.md") == page(registry()), "run: make docs"


@pytest.mark.usefixtures("shipped_rules")
def test_every_metric_is_defined() -> None:
    section = text_of("docs/definitions.md").split("### 4.1")[1].split("### 4.5")[0]
    defined = set(re.findall(r"`([a-z0-9_]+)`", section))
    # "`silent_amount`, `excluded_amount` (and `_orders`)"
    defined |= {f"{code.removesuffix('amount')}orders" for code in defined if "amount" in code}
    # "one rate per rule"
    defined |= {f"rule_{rule.code}_rate" for rule in shipped_rules()}
    assert {metric.code for metric in registry().metrics} - defined == set()


def test_every_reject_reason_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", text_of("docs/troubleshooting.md"), re.MULTILINE)
    assert rows == list(REASONS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if link.startswith("http"):
            continue
        target, _, anchor = link.partition("#")
        page_path = path.parent / target if target else path
        assert page_path.exists(), link
        assert not anchor or anchor in anchors(page_path.read_text("utf-8")), link


def test_both_readmes_teach_the_same_commands() -> None:
    english, chinese = (blocks(name) for name in READMES)
    assert english == chinese
    assert {language for language, _ in english} == {"sh", "python"}


def test_readme_commands_run_on_exports(tmp_path: Path) -> None:
    simulate(tmp_path / "exports", agents=2, days=2, buyers=20, seed=1, source="taobao")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for language, code in blocks("README.md"):
        command = ["bash", "-euo", "pipefail", "-c", code]
        if language == "python":
            command = [sys.executable, "-c", code]
        ran = subprocess.run(
            command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{code}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
    assert (tmp_path / "team.xlsx").stat().st_size > 0
