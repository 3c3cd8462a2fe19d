"""The page of a what-if: its chart is of the trial's figures, hostile names stay names."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

from jinpai.reports.trial import render_trial
from jinpai.reports.words import LANGUAGES, Language
from jinpai.scoring import load_plan, read_values, what_if_values

SHIPPED = files("jinpai.scoring") / "plans"
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    plan, values = (str(SHIPPED / f"womens-wear.{suffix}") for suffix in ("yaml", "csv"))
    change = ["indicators.return_count.weight=10"]
    return what_if_values(load_plan(plan), read_values(values), change).to_json()


def drawn(page: str) -> dict[str, list[Any]]:
    match = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.S)
    assert match is not None
    charts = json.loads(match[1])["charts"]
    assert list(charts) == ["c-tornado-0"]
    return dict(charts["c-tornado-0"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page(found: dict[str, object], language: Language) -> None:
    page = render_trial(found, lambda _, subject: subject, language)
    chart = drawn(page)
    widths = [rise - fall for fall, rise in zip(chart["falls"], chart["rises"], strict=True)]
    assert widths == sorted(widths, reverse=True)
    at = chart["labels"].index("return_count.weight")
    assert chart["moves"][at] is True
    # B falls most: 74 of 100 instead of 74 of 95; C rises most: 82.5 instead of 77.5 of 95.
    assert chart["falls"][at] == pytest.approx(74 - 7400 / 95)
    assert chart["rises"][at] == pytest.approx(82.5 - 7750 / 95)
    for text in ("A 1→2", "82.5", "+0.92", "indicators.return_count.weight"):
        assert text in page
    assert "http://" not in page.split("<script>")[0]
    assert ("改后" in page) == (language == "zh")


def test_hostile_names(found: dict[str, object]) -> None:
    page = render_trial(found, lambda _, subject: HOSTILE + subject, "en")
    assert HOSTILE not in page
    assert page.count("</script>") == 3
