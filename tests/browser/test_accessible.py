"""axe-core finds nothing serious on any page of the menu, in both languages and both themes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from browser.conftest import PERIOD, Enter, Served

_RUN = """() => axe.run(document, {resultTypes: ["violations"], iframes: false}).then(
    found => found.violations.map(one => ({
        id: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map(node => node.html),
        why: one.nodes.slice(0, 3).map(node => node.failureSummary)})))"""


def faults(page: Page, axe: str) -> list[dict[str, Any]]:
    """Return what axe-core calls serious or critical."""
    page.wait_for_load_state("networkidle")
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [one for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_nothing_serious_on_any_page(
    enter: Enter, served: Served, axe: str, language: str, theme: str
) -> None:
    page = enter("owner", language, theme)
    page.goto(f"{served.base}/overview?{PERIOD}")
    links = page.locator(".jp-side-wide a").evaluate_all("all => all.map(one => one.href)")
    assert len(links) > 12
    page.goto(f"{served.base}/conversations?{PERIOD}")
    talk = page.locator("#t-talks tbody a").first.get_attribute("href") or ""
    found = {}
    for url in [*links, f"{served.base}{talk}", f"{served.base}/metrics/sales_amount?{PERIOD}"]:
        page.goto(url)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wrong := faults(page, axe):
            found[url] = wrong
        assert wide <= 0, url  # nothing is wider than the window
    assert found == {}
