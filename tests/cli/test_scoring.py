"""plan, score, whatif and grade on the command line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from appraisal.shop import MARCH, PLAN, open_shop
from cli.conftest import Run

RANGE = ("--from", MARCH[0], "--to", MARCH[1])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_shop(tmp_path_factory.mktemp("cli-scored")).root


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN, "utf-8")
    return path


@pytest.fixture
def published(run: Run, tmp_path: Path) -> tuple[Path, Path]:
    """The published plan and its values, as the program writes them."""
    paths = (tmp_path / "womens.yaml", tmp_path / "values.csv")
    assert run("plan", "example", "womens-wear", "--out", paths[0]).code == 0
    assert run("plan", "example", "womens-wear-values", "--out", paths[1]).code == 0
    return paths


def test_lint_of_the_published_plan(run: Run, published: tuple[Path, Path]) -> None:
    ran = run("plan", "lint", published[0], "--format", "json")
    assert ran.code == 1
    rows = json.loads(ran.out)["rows"]
    assert Counter(row["code"] for row in rows) == {
        "gap": 1, "overlap": 1, "weights": 1, "count_where_rate": 1, "cliff": 6,
    }  # fmt: skip
    assert all(row["path"] and row["message"] for row in rows)
    shown = run("plan", "lint", published[0])
    assert shown.code == 1
    assert "indicators[1].bands[4]" in shown.out
    assert "10 defect(s)" in shown.err


def test_lint_of_a_clean_plan(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    assert run("plan", "example", "--out", path).code == 0
    ran = run("plan", "lint", path, "--format", "json")
    assert (ran.code, json.loads(ran.out)) == (0, {"rows": []})
    assert "No defects" in run("plan", "lint", path).err


def test_lint_of_no_plan(run: Run, tmp_path: Path) -> None:
    (tmp_path / "no.yaml").write_text("name: x\nindicator: []\n", "utf-8")
    ran = run("plan", "lint", tmp_path / "no.yaml")
    assert ran.code == 2
    assert "no.yaml, row 2" in ran.err
    assert "'indicators'" in ran.err
    assert run("plan", "lint", tmp_path / "nowhere.yaml").code == 2


def test_the_schema_is_printed(run: Run) -> None:
    assert json.loads(run("plan", "schema").out)["title"] == "Plan"
    assert json.loads(run("plan", "schema", "grades").out)["title"] == "Policy"


def test_values_give_the_worked_table(run: Run, published: tuple[Path, Path]) -> None:
    ran = run("score", "--values", published[1], "--plan", published[0], "--format", "json")
    assert ran.code == 0
    agents = {one["agent_id"]: one for one in json.loads(ran.out)["agents"]}
    assert {who: one["total"] for who, one in agents.items()} == {"A": 77.5, "B": 74.0, "C": 77.5}
    assert agents["B"]["total_normalised"] == pytest.approx(77.8947368421, abs=1e-9)
    assert [line["score"] for line in agents["B"]["lines"]] == [90, 80, 60, 100, 100, 0]
    line = agents["A"]["lines"][0]
    assert {key: line[key] for key in ("metric", "value", "band", "score", "weight", "points")} == {
        "metric": "inquiry_conversion_rate", "value": 0.32, "band": "[32%, 35%)", "score": 70,
        "weight": 30, "points": 21,
    }  # fmt: skip
    shown = run("score", "--values", published[1], "--plan", published[0])
    assert "77.5" in shown.out
    assert "Weakest first" in shown.out


def test_a_workspace(run: Run, shop: Path, plan: Path) -> None:
    ran = run("score", shop, "--plan", plan, *RANGE, "--format", "json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert {one["agent_id"]: one["total"] for one in found["agents"]} == {"A": 100.0, "B": 64.0}
    one = json.loads(
        run("score", shop, "--plan", plan, *RANGE, "--agent", "B", "--format", "json").out
    )
    assert [agent["agent_id"] for agent in one["agents"]] == ["B"]
    shown = run("score", shop, "--plan", plan, *RANGE)
    for words in ("100.00", "[0, 30%)", "-24", "Inquiry conversion"):
        assert words in shown.out


def test_lock_diff_recompute(run: Run, shop: Path, plan: Path, tmp_path: Path) -> None:
    first = run("score", shop, "--plan", plan, *RANGE, "--lock", "m3", "--format", "json")
    assert json.loads(first.out)["lock"] == "m3"
    again = run("score", shop, "--plan", plan, *RANGE, "--lock", "m3")
    assert again.code == 2
    assert "never change" in again.err
    assert json.loads(run("score", shop, "--recompute", "m3", "--format", "json").out)["same"]
    assert "the same" in run("score", shop, "--recompute", "m3").err
    assert "Nothing differs" in run("score", shop, "--diff", "m3").err
    other = tmp_path / "other.yaml"
    other.write_text(PLAN.replace("score: 60", "score: 50"), "utf-8")
    # Another plan: B's conversion is worth 50 × 60 % = 30 instead of 36.
    shown = run("score", shop, "--diff", "m3", "--plan", other)
    assert "64 → 58" in shown.out
    assert run("score", shop, "--diff", "m4").code == 2


def test_what_if(run: Run, shop: Path, plan: Path) -> None:
    change = ("--set", "indicators.avg_response_seconds.weight=90")
    found = json.loads(run("whatif", shop, "--plan", plan, *RANGE, *change, "--format", "json").out)
    after = {one["agent_id"]: one["after"]["total_normalised"] for one in found["agents"]}
    assert after == {"A": 100.0, "B": 66.0}
    assert found["tornado"][0]["path"] == "indicators.avg_response_seconds.weight"
    shown = run("whatif", shop, "--plan", plan, *RANGE, *change)
    assert "Which single changes move the ranking" in shown.out
    assert "40 → 90" in shown.err
    wrong = run("whatif", shop, "--plan", plan, "--set", "indicators.reply.weight=1")
    assert wrong.code == 2
    assert "indicators.reply.weight" in wrong.err


def test_what_if_of_a_file_and_as_a_page(
    run: Run, published: tuple[Path, Path], tmp_path: Path
) -> None:
    asked = ("whatif", "--values", published[1], "--plan", published[0])
    change = ("--set", "indicators.return_count.weight=10")
    page = tmp_path / "trial.html"
    ran = run(*asked, *change, "--out", page, "--lang", "zh", "--format", "json")
    after = {one["agent_id"]: one["after"]["total"] for one in json.loads(ran.out)["agents"]}
    assert after == {"A": 81.5, "B": 74.0, "C": 82.5}  # definitions, section 6
    assert "绩效方案推演" in page.read_text("utf-8")
    assert "81.5" in run(*asked, *change).out
    assert run(*asked, "--out", tmp_path / "trial.pdf").code == 2
    assert not (tmp_path / "trial.pdf").exists()
    assert run(*asked, "--set", "settings.inquiry_days=1").code == 2


def test_what_if_page_of_a_workspace(run: Run, shop: Path, plan: Path, tmp_path: Path) -> None:
    page = tmp_path / "trial.html"
    ran = run("whatif", shop, "--plan", plan, *RANGE, "--by", "team", "--out", page)
    assert (ran.code, page.is_file()) == (0, True)
    assert str(page) in ran.err


def test_grades(run: Run, shop: Path) -> None:
    found = json.loads(run("grade", shop, *RANGE, "--format", "json").out)
    agent: dict[str, Any] = next(one for one in found["agents"] if one["agent_id"] == "A")
    assert len(agent["metrics"]) == 6
    assert agent["reasons_en"]
    assert agent["reasons_zh"]
    shown = run("grade", shop, *RANGE)
    assert "top fifth (1 of 2) make 80.0% of the sales" in shown.err


@pytest.mark.parametrize(
    "words",
    [
        ("score",),
        ("score", "--plan", "p.yaml"),
        ("score", "nowhere", "--plan", "p.yaml"),
        ("score", "--values", "v.csv"),
        ("score", "SHOP", "--values", "v.csv", "--plan", "p.yaml"),
        ("score", "SHOP", "--lock", "a", "--diff", "b"),
        ("score", "SHOP", "--recompute", "a", "--diff", "b"),
        ("score", "SHOP"),
        ("whatif", "SHOP"),
        ("whatif", "--plan", "p.yaml"),
        ("whatif", "SHOP", "--values", "v.csv", "--plan", "p.yaml"),
        ("grade", "SHOP", "--policy", "nowhere.yaml"),
    ],
)
def test_wrong_words_are_refused_in_both_languages(
    run: Run, shop: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [str(shop) if word == "SHOP" else word for word in words]
    english = run(*asked)
    assert (english.code, english.out) == (2, "")
    assert english.err.startswith("Error: ")
    monkeypatch.setenv("JINPAI_LANG", "zh")
    chinese = run(*asked)
    assert (chinese.code, chinese.out) == (2, "")
    assert chinese.err.startswith("错误：")


def test_chinese(run: Run, shop: Path, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINPAI_LANG", "zh")
    assert "短板优先" in run("score", shop, "--plan", plan, *RANGE).out
    assert "哪些单项改动会改变名次" in run("whatif", shop, "--plan", plan, *RANGE).out
    assert "销售额由谁创造" in run("grade", shop, *RANGE).out
    plan.write_text(PLAN.replace("weight: 40", "weight: 30"), "utf-8")
    rows = json.loads(run("plan", "lint", plan, "--format", "json").out)["rows"]
    assert rows[0]["message"] == "权重合计 90%，不是 100%。"
