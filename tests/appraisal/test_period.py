"""Scores, what-if and locks of a workspace whose figures are worked by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import jinpai
from jinpai.errors import UnknownName, UsageError, WorkspaceError
from jinpai.metrics.definition import registry
from jinpai.scoring.figures import shop_values
from jinpai.scoring.lock import lock_names
from jinpai.tables.upkeep import optimize, vacuum
from jinpai.workspace import scopes_of
from jinpai.workspace_config import ShopEntry

from .shop import MARCH, PLAN, books, open_shop

FIRST, LAST = MARCH


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> jinpai.Workspace:
    return open_shop(tmp_path_factory.mktemp("scored"))


def by_agent(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["agent_id"]: one for one in found["agents"]}


def test_a_period(shop: jinpai.Workspace) -> None:
    card = shop.score(PLAN, first=FIRST, last=LAST)
    found = by_agent(card.to_json())
    # A: 2 of 4 inquiries paid, 10 s: 100 × 60 % + 100 × 40 %. B: 1 of 4, 40 s: 36 + 28.
    assert {who: one["total"] for who, one in found.items()} == {"A": 100.0, "B": 64.0}
    assert {who: one["rank"] for who, one in found.items()} == {"A": 1, "B": 2}
    assert {who: one["pay"]["total"] for who, one in found.items()} == {
        "A": "500.00",
        "B": "100.00",
    }
    line = found["B"]["lines"][0]
    assert (line["value"], line["exact"], line["n"], line["band"]) == (0.25, "1/4", 4, "[0, 30%)")
    assert (line["score"], line["weight"], line["points"]) == (60.0, 60.0, 36.0)
    assert (line["status"], line["flags"]) == ("final", [])
    assert found["B"]["weakest_first"] == ["inquiry_conversion_rate", "avg_response_seconds"]


def test_the_period_before(shop: jinpai.Workspace) -> None:
    found = by_agent(shop.score(PLAN, first=FIRST, last=LAST).to_json())
    # February: A 1 of 2 and 10 s: 100. B 1 of 2 and 40 s: 60 + 28. C is not at work in March.
    assert {who: one["previous"]["change"] for who, one in found.items()} == {"A": 0.0, "B": -24.0}
    assert found["B"]["previous"]["from"] == "2026-02-01"
    assert found["B"]["lines"][0]["previous_score"] == 100.0
    before = shop.score(PLAN, first="2026-02-01", last="2026-02-28")
    assert by_agent(before.to_json())["C"]["previous"] is None
    assert "not loaded" in before.sheets[0].notes[0][0]


def test_a_month_rule_is_not_silent_about_part_of_a_month(shop: jinpai.Workspace) -> None:
    sheet = shop.score(PLAN, first=FIRST, last="2026-03-20").sheets[0]
    assert any("whole months" in en and "整月" in zh for en, zh in sheet.notes)


def test_immature_figures_are_flagged(shop: jinpai.Workspace) -> None:
    card = shop.score(PLAN, first="2026-04-20", last="2026-04-20")
    flags = {line["metric"]: line["flags"] for line in card.to_json()["agents"][0]["lines"]}
    assert flags["inquiry_conversion_rate"] == ["provisional"]
    notes = card.sheets[0].notes
    assert any("Inquiry conversion" in en and "询单转化率" in zh for en, zh in notes)


def test_defects_of_the_plan_are_mentioned(shop: jinpai.Workspace) -> None:
    card = shop.score(PLAN.replace("weight: 40", "weight: 30"), first=FIRST, last=LAST)
    assert any("weights" in en for en, _ in card.notes)


def test_teams(shop: jinpai.Workspace) -> None:
    # Nobody has a team: nothing to score.
    assert shop.score(PLAN, first=FIRST, last=LAST, by="team").sheets[0].agents == ()


def test_a_shop_metric_is_refused(shop: jinpai.Workspace) -> None:
    with pytest.raises(UsageError, match="whole shop"):
        shop.score(PLAN.replace("avg_response_seconds", "silent_amount"), first=FIRST, last=LAST)


def test_what_if_a_weight(shop: jinpai.Workspace) -> None:
    changes = ["indicators.avg_response_seconds.weight=140"]
    with pytest.raises(jinpai.JinpaiError, match="from 0 to 100"):
        shop.whatif(PLAN, changes, first=FIRST, last=LAST)
    found = shop.whatif(
        PLAN, ["indicators.avg_response_seconds.weight=90"], first=FIRST, last=LAST
    ).to_json()
    # B: (60 × 60 + 70 × 90) ÷ 150 = 66; pay stays 100.00
    pair = by_agent(found)["B"]
    assert pair["after"]["total_normalised"] == 66.0
    assert (pair["before"]["pay"], pair["after"]["pay"]) == ("100.00", "100.00")
    assert found["changes"] == [
        {"path": "indicators.avg_response_seconds.weight", "before": "40", "after": "90"}
    ]
    assert found["tornado"][0]["is_asked"]


def test_what_if_a_setting_makes_the_figures_again(shop: jinpai.Workspace) -> None:
    state = shop.lake.snapshot().id
    found = shop.whatif(
        PLAN, ["settings.session_gap=1200"], first=FIRST, last=LAST, told=lambda word: None
    )
    # A's answer after 700 s is no longer cut off: (30 + 700) ÷ 4 s, 70 instead of 100 points.
    pair = by_agent(found.to_json())["A"]
    assert pair["after"]["total"] == 88.0
    assert pair["lines"][0]["after"]["value"] == 182.5
    assert pair["after"]["pay"] == "100.00"
    assert shop.lake.snapshot().id == state
    assert by_agent(shop.score(PLAN, first=FIRST, last=LAST).to_json())["A"]["total"] == 100.0


def test_what_if_asks_what_moves_the_ranking(shop: jinpai.Workspace) -> None:
    found = shop.whatif(PLAN, [], first=FIRST, last=LAST).to_json()
    paths = {row["path"] for row in found["tornado"]}
    assert {"indicators[0].weight", "indicators[1].weight", "judge_rule", "missing"} <= paths
    rule = next(row for row in found["tornado"] if row["path"] == "judge_rule")
    assert [one["value"] for one in rule["tried"]] == ["order", "payment"]


def test_a_locked_period_never_changes(tmp_path: Path) -> None:
    shop = open_shop(tmp_path)
    card = shop.score(PLAN, first=FIRST, last=LAST)
    locked = shop.lock("2026-03", card)
    path = shop.root / "locks" / "2026-03.json"
    before = path.read_bytes()
    assert json.loads(before)["hash"] == locked["hash"]
    with pytest.raises(UsageError, match="never change"):
        shop.lock("2026-03", card)
    assert shop.recompute("2026-03")["same"]
    assert shop.since_lock("2026-03")["differences"] == []

    # b4 pays after three days; a late talk of A arrives; the session gap is changed.
    later = books()
    later.order("b4", "2026-03-07", "2026-03-10")
    later.talk("2026-03-10", "A", "a8", 10)
    shop.import_files([later.write(tmp_path / "later")])
    shop.config.set("session_gap", 1200)
    shop.run()
    shop = jinpai.open(shop.root)

    assert path.read_bytes() == before
    assert shop.recompute("2026-03") == shop.recompute("2026-03")
    assert shop.recompute("2026-03")["same"]
    found = shop.since_lock("2026-03")
    assert [(one["setting"], one["before"], one["after"]) for one in found["settings"]] == [
        ("session_gap", 600, 1200)
    ]
    rows = {row["agent_id"]: row for row in found["differences"]}
    # B: 2 of 4 now, 100 points of conversion: 60 + 28. A: 2 of 5 (80) and slow (70): 48 + 28.
    assert (rows["B"]["before"]["total"], rows["B"]["after"]["total"]) == (64.0, 88.0)
    assert (rows["A"]["before"]["total"], rows["A"]["after"]["total"]) == (100.0, 76.0)
    assert (rows["A"]["before"]["rank"], rows["A"]["after"]["rank"]) == (1, 2)
    assert rows["A"]["after"]["pay"]["total"] == "100.00"
    conversion = next(
        line for line in rows["B"]["lines"] if line["metric"] == "inquiry_conversion_rate"
    )
    assert (conversion["before"]["exact"], conversion["after"]["exact"]) == ("1/4", "1/2")


def test_a_locked_period_outlives_the_cleaning_of_the_lake(tmp_path: Path) -> None:
    shop = open_shop(tmp_path)
    shop.lock("kept", shop.score(PLAN, first=FIRST, last=LAST))
    later = books()
    for at in range(3):
        later.talk(f"2026-03-1{at}", "A", f"later{at}", 10)
        shop.import_files([later.write(tmp_path / f"later{at}")])
        shop.run()
    optimize(shop.lake, small=1 << 30)
    assert vacuum(shop.lake, days=0, hours=0).files
    assert shop.recompute("kept")["same"]
    # A: 2 of 7 inquiries paid since, and 10 s: 60 × 60 % + 40.
    rows = {row["agent_id"]: row for row in shop.since_lock("kept")["differences"]}
    assert rows["A"]["after"]["total"] == 76.0


def test_a_lock_that_was_touched_is_noticed(tmp_path: Path) -> None:
    shop = open_shop(tmp_path)
    shop.lock("三月", shop.score(PLAN, first=FIRST, last=LAST))
    assert lock_names(shop.root) == ["三月"]
    pin = json.loads((shop.root / "lake/_state/locks/三月.json").read_text("utf-8"))
    assert (
        pin["manifest"]
        == json.loads((shop.root / "locks/三月.json").read_text("utf-8"))["manifest"]
    )
    path = shop.root / "locks" / "三月.json"
    text = path.read_text("utf-8").replace('"500.00"', '"900.00"')
    path.chmod(0o644)
    path.write_text(text, "utf-8")
    with pytest.raises(WorkspaceError, match="changed after it was made"):
        shop.recompute("三月")
    with pytest.raises(UnknownName, match="lock"):
        shop.since_lock("四月")
    with pytest.raises(UsageError, match="cannot name"):
        shop.lock("../三月", shop.score(PLAN, first=FIRST, last=LAST))


def test_settings_are_not_mixed_silently(tmp_path: Path) -> None:
    shop = jinpai.init(tmp_path / "shops", shop_id="s1", name="s", platform="taobao")
    shop.config.add_shop(ShopEntry("s2", "t", "taobao"))
    shop.config.set("session_gap", 300, "s2")
    shop.import_files([books().write(tmp_path / "exports")], shop_id="s1")
    shop.import_files([tmp_path / "exports"], shop_id="s2")
    shop.run()
    shop = jinpai.open(tmp_path / "shops")
    with pytest.raises(UsageError, match="session_gap") as caught:
        shop.score(PLAN, first=FIRST, last=LAST)
    assert "--allow-mixed" in caught.value.text_zh
    with pytest.raises(UsageError, match="--allow-mixed"):
        shop.grade(first=FIRST, last=LAST)
    card = shop.score(PLAN, first=FIRST, last=LAST, allow_mixed=True)
    assert any("Mixed settings" in en for en, _ in card.notes)
    assert [sheet.shop_id for sheet in card.sheets] == ["s1", "s2"]
    assert len({sheet.settings_id for sheet in card.sheets}) == 2
    shop.lock("both", card)
    assert shop.recompute("both")["same"]
    one = shop.score(PLAN, first=FIRST, last=LAST, shop_id="s2")
    assert replace(one.sheets[0], notes=()) == replace(card.sheets[1], notes=())


GRADES = """
name: hand
period_rule: month
metrics:
  - metric: inquiry_conversion_rate
    bands: {gold: "[50%, 1]", senior: "[40%, 50%)", mid: "[30%, 40%)", junior: "[0, 30%)"}
"""


def test_grades_are_held_over_periods(shop: jinpai.Workspace) -> None:
    card = shop.grade(GRADES, first=FIRST, last=LAST).to_json()
    found = by_agent(card)
    # B fell from gold (1 of 2) to junior (1 of 4), for one period: it is held.
    assert {who: (one["grade"], one["computed"]) for who, one in found.items()} == {
        "A": ("gold", "gold"), "B": ("gold", "junior"),
    }  # fmt: skip
    assert found["B"]["computed_before"] == ["gold"]
    assert found["B"]["grade_zh"] == "金牌"
    spread = card["shops"][0]["concentration"]
    # March sales: A 400.00, B 100.00; a fifth of two, rounded up, is one.
    assert (spread["top"], spread["top_share"]) == (1, 0.8)
    at_once = GRADES + "demote_after: 1\n"
    assert by_agent(shop.grade(at_once, first=FIRST, last=LAST).to_json())["B"]["grade"] == "junior"


def test_the_shipped_standard_needs_history_before_it_holds_anything(
    shop: jinpai.Workspace,
) -> None:
    # Nothing is loaded before February, so February's grades are not held into March.
    card = shop.grade(first=FIRST, last=LAST).to_json()
    assert card["shops"][0]["periods_before"] == []
    assert {one["agent_id"] for one in card["agents"]} == {"A", "B"}


def test_every_metric_comes_back_exact(shop: jinpai.Workspace) -> None:
    metrics = [one for one in registry().metrics if not one.shop_only and not one.classes]
    codes = [one.code for one in metrics]
    table = shop.ask(codes, by=["agent"], first=FIRST, last=LAST)
    figures = {(row.grain["agent_id"], row.metric): row.value for row in table.rows}
    with shop.derived() as (engine, shops, _):
        (scope,) = scopes_of(shops, FIRST, LAST)
        found = shop_values(engine, scope, codes, by="agent", judge_rule="order_first")
    assert set(found.values) == {"A", "B"}
    for agent, own in found.values.items():
        assert list(own) == codes
        for code, value in own.items():
            shown = figures.get((agent, code))
            if shown is None:
                assert value.exact in (None, 0), code  # nothing in its cell: empty, or a count of 0
            else:
                assert value.exact is not None
                assert float(value.exact) == pytest.approx(float(shown), rel=1e-15), code
