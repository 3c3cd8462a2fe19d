"""The rules in the browser are those in force, each with its two examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from jinpai.quality.book import load_book
from web.conftest import Enter

JSON = {"accept": "application/json"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_rule_is_listed_and_shows_its_examples(
    enter: Enter, shop: Path, language: str
) -> None:
    browser, known = enter("agent"), load_book(shop).rules
    rows = browser.get("/rules", headers=JSON).json()["tables"]["rules"]["rows"]
    assert [row["code"] for row in rows] == [rule.code for rule in known]
    for rule in known:
        page = browser.get(f"/rules/{rule.code}?lang={language}").text
        lines = [line for line in (*rule.breaks, *rule.keeps) if line[0] in "BAR"]
        assert page.count('class="jp-bubble"') == len(lines)
    assert browser.get("/rules/none", headers=JSON).status_code == 404
