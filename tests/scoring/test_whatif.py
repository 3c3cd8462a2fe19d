"""What-if: paths, and the sensitivity the published plan is known for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from importlib.resources import files

import pytest

from jinpai.errors import InputError, JinpaiError, UnknownName, UsageError
from jinpai.scoring import load_plan, read_values, score
from jinpai.scoring.changes import changed_plan, changed_settings, read_changes, value_at
from jinpai.scoring.trials import what_if_values
from jinpai.scoring.whatif import beside, effect, single_changes, tornado_json
from jinpai.settings import Settings

SHIPPED = files("jinpai.scoring") / "plans"
PLAN = load_plan(str(SHIPPED / "womens-wear.yaml"))
VALUES = read_values(str(SHIPPED / "womens-wear.csv"))
BASE = replace(score(PLAN, VALUES), judge_rule="order_first")


def with_set(*texts: str) -> dict[str, tuple[Fraction, int | None]]:
    sheet = score(changed_plan(PLAN, read_changes(texts)), VALUES)
    return {one.subject: (one.total, one.rank) for one in sheet.agents}


@pytest.mark.parametrize(
    "path", ["indicators.return_count.weight", "indicators[5].weight", "indicators.5.weight"]
)
def test_returns_at_ten_percent(path: str) -> None:
    # definitions, section 6: 81.5 / 74.0 / 82.5, and the tie becomes C first
    assert with_set(f"{path}=10") == {
        "C": (Fraction("82.5"), 1), "A": (Fraction("81.5"), 2), "B": (Fraction(74), 3),
    }  # fmt: skip


def test_a_band_and_the_policy() -> None:
    # seed 40 e: with 60 points for B's 23 returns the total is the printed 77
    assert with_set("indicators.return_count.bands[3].score=60")["B"][0] == 77
    # A's average response of 21 s would be an 80 with the ends moved down by five seconds
    lower = ("indicators.avg_response_seconds.bands[1].interval=(15, 20]",
             "indicators.avg_response_seconds.bands[2].interval=(20, 30]")  # fmt: skip
    assert with_set(*lower)["A"][0] == 77
    changed = changed_plan(PLAN, read_changes(["missing=zero", "judge_rule="]))
    assert (changed.missing, changed.judge_rule) == ("zero", None)


def test_what_was_there() -> None:
    assert value_at(PLAN, "indicators.return_count.weight") == "5"
    assert value_at(PLAN, "pay") == ""


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("weight", UsageError, "PATH=VALUE"),
        ("indicators.returns_count.weight=3", UsageError, "return_count"),
        ("indicators.return_count.wight=3", InputError, "weight"),
        ("indicators.return_count.weight=heavy", InputError, "heavy"),
        ("indicators[9].weight=3", UsageError, "indicators"),
        ("settings.inquiry_day=1", UnknownName, "inquiry_days"),
        ("settings.inquiry_days=often", UsageError, "inquiry_days"),
        ("settings.clock_skew=1", UsageError, "imported"),
    ],
)
def test_changes_that_do_not_hold(text: str, kind: type[JinpaiError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        changed_plan(PLAN, read_changes([text]))
    assert caught.value.zh


def test_settings() -> None:
    changes = read_changes(["settings.inquiry_days=1", "settings.missing=zero"])
    assert [change.needs_run for change in changes] == [True, False]
    changed = changed_settings(Settings.of(), changes)
    assert (changed.inquiry_days, changed.missing) == (1, "zero")


def test_side_by_side() -> None:
    other = score(changed_plan(PLAN, read_changes(["indicators.return_count.weight=10"])), VALUES)
    rows = {row["agent_id"]: row for row in beside(BASE, other)}
    assert rows["A"]["before"]["rank"] == 1
    assert rows["A"]["after"] == {"total": 81.5, "total_normalised": 81.5, "rank": 2, "pay": None}
    assert rows["C"]["change"] == pytest.approx(82.5 - 77.5 / 0.95)
    assert [line["metric"] for line in rows["B"]["lines"]] == ["return_count"]


def test_what_moves_the_ranking() -> None:
    tried = [
        (trial, effect(BASE, score(trial.plan, VALUES)))
        for trial in single_changes(PLAN, BASE)
        if not trial.judge_rule
    ]
    rows = {(row["path"], row["en"]): row for row in tornado_json(BASE, tried)}
    returns = next(row for (path, _), row in rows.items() if path == "indicators[5].weight")
    up = next(one for one in returns["tried"] if one["value"] == "10")
    # A and C are tied; five points more for returns put C first.
    assert {one["agent_id"]: one["rank"] for one in up["agents"]} == {"A": 2, "C": 1, "B": 3}
    assert up["moved"] == ["A"]
    assert returns["moves_ranking"]
    # Without returns B (77.89 of 95) has 74 of 90 and leads: 82.2 over 81.7 and 80.6.
    down = next(one for one in returns["tried"] if one["value"] == "0")
    assert {one["agent_id"]: one["rank"] for one in down["agents"]} == {"B": 1, "A": 2, "C": 3}
    order = [row["most_moved"] for row in rows.values()]
    assert order == sorted(order, reverse=True)
    # Nobody has a value near 25 %: moving that end moves nobody.
    assert not next(row for row in rows.values() if row["value"] == "25%")["moves_ranking"]


def test_steps_of_counts_stay_whole() -> None:
    ends = [
        trial.after for trial in single_changes(PLAN, BASE) if "Returns: the step" in trial.what[0]
    ]
    assert ends == ["2", "4", "9", "11", "19", "21"]


def test_values_of_a_file_are_tried_without_a_workspace() -> None:
    found = what_if_values(PLAN, VALUES, ["indicators.return_count.weight=10"])
    # definitions, section 6: with returns at 10 % the totals are 81.5 / 74 / 82.5
    after = {one["agent_id"]: one["after"]["total"] for one in found.pairs}
    assert after == {"A": 81.5, "B": 74.0, "C": 82.5}
    assert found.changes == (("indicators.return_count.weight", "5", "10"),)
    first = found.tornado[0]
    assert (first["is_asked"], first["tried"][0]["moved"]) == (True, ["A"])
    # The values are counted already: no other judge rule can be tried.
    assert "judge_rule" not in {row["path"] for row in found.tornado}
    told = found.to_json()
    assert (told["changes"][0]["after"], told["before"]["agents"][0]["rank"]) == ("10", 1)


def test_several_changes_of_values_are_told_apart() -> None:
    wanted = ["indicators.return_count.weight=10", "indicators.return_count.bands[3].score=60"]
    found = what_if_values(PLAN, VALUES, wanted)
    # B: 71 of the other five, 60 x 10 % for returns.
    assert next(one for one in found.pairs if one["agent_id"] == "B")["after"]["total"] == 80.0
    assert [row["path"] for row in found.tornado[:2]] == wanted_paths(wanted)


def wanted_paths(changes: list[str]) -> list[str]:
    return [change.partition("=")[0] for change in changes]


@pytest.mark.parametrize(
    "text", ["settings.inquiry_days=1", "settings.missing=zero", "judge_rule="]
)
def test_what_would_count_the_values_again_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="workspace") as caught:
        what_if_values(PLAN, VALUES, [text])
    assert "工作区" in (caught.value.zh or "")
