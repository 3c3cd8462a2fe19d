"""The command `report`: files, languages, summaries, failures."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from cli.conftest import Run, run
from jinpai.reporting import collect
from jinpai.reports import render_page, write_workbook
from jinpai.workspace import Workspace
from reports.conftest import AGENTS, FIRST, LAST

__all__ = ["run"]

SHIPPED = files("jinpai.scoring") / "plans"
PERIOD = ("--from", FIRST, "--to", LAST)


def test_a_page_in_the_language_asked_for(run: Run, shop: Workspace, tmp_path: Path) -> None:
    for language, word in (("zh", "谁需要训练什么"), ("en", "Who needs training in what")):
        out = tmp_path / f"{language}.html"
        ran = run("report", shop.root, *PERIOD, "--out", out, "--lang", language)
        assert (ran.code, ran.out) == (0, "")
        assert "2 days, 4 agents" in ran.err
        assert word in out.read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en.html", "zh.html"]


def test_the_same_twice(run: Run, shop: Workspace, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        run("report", shop.root, *PERIOD, "--out", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_summary_for_programs(run: Run, shop: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "team.xlsx"
    ran = run("report", shop.root, *PERIOD, "--out", out, "--format", "json")
    made = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert made["out"] == str(out)
    assert (made["first"], made["last"], made["shop_id"]) == (FIRST, LAST, "s1")
    assert set(made["agents"]) == set(AGENTS)
    assert out.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "{dir}/x.pdf"], "name the file .html or .xlsx"),
        (["--out", "{dir}/none/x.html"], "No such file or directory"),
        (["--out", "{dir}/x.html", "--from", "2031-01-01"], "No day lies between"),
        (["--out", "{dir}/x.html", "--shop", "other"], "no shop 'other'"),
        (["--out", "{dir}/x.html", "--plan", "{dir}/none.yaml"], "none.yaml"),
        ([], "--out"),
    ],
)
def test_failures_say_what_to_do(
    run: Run, shop: Workspace, tmp_path: Path, words: list[str], said: str
) -> None:
    ran = run("report", shop.root, *(word.format(dir=tmp_path) for word in words))
    assert ran.code == 2
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []


def test_scores_and_grades_by_plan_and_policy(shop: Workspace, tmp_path: Path) -> None:
    plan, policy = (Path(str(SHIPPED / name)) for name in ("womens-wear.yaml", "gold-agent.yaml"))
    told = collect(shop, first=FIRST, last=LAST, plan=plan, policy=policy)
    assert told.scores is not None
    ann = told.scores.agent("t:ann")
    # Conversion 75 % → 100 × 30 %; every order paid → 100 × 25 %; first and mean 10 s → 100 × 15 %;
    # no return → 100 × 5 %; 100.00 against the shop's 115.07 a buyer → 0 × 20 %.
    assert (float(ann.total), ann.rank) == (75.0, 1)
    for language in ("zh", "en"):
        page = render_page(told, language)
        assert 'id="scores"' in page
        assert 'id="grades"' in page
        assert "× 30%" in page
    assert told.grades is not None
    assert len(told.grades.graded) == 4
    write_workbook(told, "zh", tmp_path / "x.xlsx")
