"""What-if sliders: ranks as the what-if gives them, edges of bands moved as a person would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import jinpai
from jinpai.scoring.plan import load_plan
from jinpai.scoring.whatif import moved_edge, shared_edges
from web.conftest import Enter

JSON = {"accept": "application/json"}
FROM, TO = "2026-03-01", "2026-03-14"
PERIOD = f"from={FROM}&to={TO}"
PLAN = """
name: hand
indicators:
  - metric: inquiry_conversion_rate
    weight: 60
    bands:
      - {score: 100, interval: "[50%, 100%]"}
      - {score: 80, interval: "[30%, 50%)"}
      - {score: 60, interval: "[0, 30%)"}
  - metric: avg_response_seconds
    weight: 40
    bands:
      - {score: 100, interval: "[0, 20]"}
      - {score: 70, interval: "(20, inf)"}
"""


@pytest.fixture
def plan(shop: Path) -> Iterator[Path]:
    """A plan in the workspace, for one test."""
    folder = shop / "plans"
    folder.mkdir()
    (folder / "hand.yaml").write_text(PLAN, "utf-8")
    yield folder / "hand.yaml"
    shutil.rmtree(folder)


def test_an_edge_moves_in_both_bands() -> None:
    indicator = load_plan(PLAN).indicators[0]
    low, high = shared_edges(indicator)
    assert (low.at, low.room, high.at) == (Fraction(3, 10), Fraction(1, 5), Fraction(1, 2))
    changes = moved_edge(indicator, low, Fraction(1, 4), "indicators[0]")
    assert [(one.path, one.value) for one in changes] == [
        ("indicators[0].bands[2].interval", "[0, 0.25)"),
        ("indicators[0].bands[1].interval", "[0.25, 0.5)"),
    ]


def test_ranks_follow_the_sliders(enter: Enter, shop: Path, plan: Path) -> None:
    browser, path = enter("owner"), f"/kpi/plans/hand/sliders?{PERIOD}"
    still = browser.get(path, headers=JSON).json()["tables"]["trial"]["rows"]
    assert all(row["change"] in (0, None) for row in still)
    # The two edges of the middle band: both of its ends move.
    asked = {
        "w0=10": ["indicators[0].weight=10"],
        "e0.0=0.25&e0.1=0.6": [
            "indicators[0].bands[2].interval=[0, 0.25)",
            "indicators[0].bands[1].interval=[0.25, 0.6)",
            "indicators[0].bands[0].interval=[0.6, 1]",
        ],
    }
    for moved, changes in asked.items():
        found = jinpai.open(shop).whatif(plan, changes, first=FROM, last=TO).sheets[0]
        rows = browser.get(f"{path}&{moved}", headers=JSON).json()["tables"]["trial"]["rows"]
        assert [(row["rank"], row["total"]) for row in rows] == [
            (one.rank, pytest.approx(float(one.total_normalised or 0))) for one in found.agents
        ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_and_its_part(enter: Enter, plan: Path, language: str) -> None:
    browser = enter("owner")
    path = f"/kpi/plans/hand/sliders?{PERIOD}&lang={language}"
    page = browser.get(f"{path}&w0=10&e0.0=0.25").text
    assert page.count('type="range"') == 2 + 2 + 1  # weights, edges of one and of the other
    assert "indicators[0].weight = 10" in page
    assert "[0.25, 0.5)" in page
    part = browser.get(f"{path}&e0.0=0.9", headers={"hx-target": "trial"})
    assert "<html" not in part.text
    assert 'class="alert alert-danger"' in part.text or "0.9" in part.text
    for odd in ("w0=x", "w0=5000", "e0.0=1/0", "w9=3"):
        assert browser.get(f"{path}&{odd}").status_code == 200
    assert browser.get("/kpi/plans/none/sliders").status_code == 404
    assert plan.read_text("utf-8") == PLAN
