"""axe-core finds nothing serious on any page, in both languages and themes, wide and on a phone.

Pages of the menu are looked at in two looks, of all kinds of pages every third in one of the eight;
``JINPAI_AXE=all`` looks at every page in all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, ViewportSize
from starlette.testclient import TestClient

from browser.conftest import PERIOD, Enter, Served, serving
from jinpai.demo import make_demo
from jinpai.web.app import create_app
from jinpai.web.security import COOKIE
from web.clicks import walk
from web.lived_in import add_people, live_in, signed_in

SIZES: dict[str, ViewportSize] = {
    "wide": {"width": 1366, "height": 768},
    "phone": {"width": 390, "height": 844},
}
THEMES = ("light", "dark")
LOOKS = [(lang, theme, size) for size in SIZES for lang in ("zh", "en") for theme in THEMES]

_RUN = """() => axe.run(document, {resultTypes: ["violations"], iframes: false}).then(
    found => found.violations.map(one => ({
        id: one.id, impact: one.impact, where: one.nodes.slice(0, 3).map(node => node.html),
        why: one.nodes.slice(0, 3).map(node => node.failureSummary)})))"""


# What does not fit: a table that scrolls, and words of a chart that are slanted or over each other.
_TIGHT = """() => {
  const found = [];
  document.querySelectorAll(".jp-scroll").forEach(one => {
    if (one.scrollWidth > one.clientWidth + 1) found.push(one.ariaLabel + " scrolls");
  });
  document.querySelectorAll(".jp-chart svg").forEach(drawn => {
    const words = [...drawn.querySelectorAll("text")].filter(one => one.textContent.trim());
    const boxes = words.map(one => one.getBoundingClientRect());
    words.forEach((one, at) => {
      if (Math.abs(one.getCTM().b) > 0.01) found.push(one.textContent + " is slanted");
      boxes.slice(at + 1).forEach((next, more) => {
        const across = Math.min(boxes[at].right, next.right) - Math.max(boxes[at].left, next.left);
        const down = Math.min(boxes[at].bottom, next.bottom) - Math.max(boxes[at].top, next.top);
        const other = words[at + 1 + more].textContent;
        if (across > 2 && down > 4) found.push(one.textContent + " lies over " + other);
      });
    });
  });
  return found;
}"""


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
    more = ("/metrics/sales_amount", "/kpi/plans/starter", "/kpi/plans/starter/sliders")
    for url in [*links, f"{served.base}{talk}", *(f"{served.base}{one}?{PERIOD}" for one in more)]:
        page.goto(url)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wrong := faults(page, axe):
            found[url] = wrong
        assert wide <= 0, url  # nothing is wider than the window
        assert page.evaluate(_TIGHT) == [], url
    assert found == {}


def looks_of(place: int) -> list[tuple[str, str, str]]:
    """All eight looks with JINPAI_AXE=all; else every third page in one, each in the next."""
    if os.environ.get("JINPAI_AXE") == "all":
        return LOOKS
    return [] if place % 3 else [LOOKS[place // 3 % len(LOOKS)]]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, str]]:
    """A workspace whose pages have something to show, and where it is served."""
    root = tmp_path_factory.mktemp("looks") / "shop"
    app = create_app(make_demo(root, agents=4, days=4, buyers=30).workspace.root)
    with TestClient(app):
        add_people(app)
        live_in(app, "from=2026-03-01&to=2026-03-04")
    yield from ((app, base) for base in serving(app))


def test_nothing_serious_on_any_kind_of_page(
    chromium: Browser, lived_in: tuple[FastAPI, str], axe: str
) -> None:
    app, base = lived_in
    browser = signed_in(app, "owner")
    addresses = kinds(browser)
    assert len(addresses) > 30
    context = chromium.new_context()
    context.add_cookies([{"name": COOKIE, "value": browser.cookies[COOKIE], "url": base}])
    page, found = context.new_page(), {}
    for place, address in enumerate(addresses):
        for language, theme, size in looks_of(place):
            page.set_viewport_size(SIZES[size])
            for name, value in (("jinpai_lang", language), ("jinpai_theme", theme)):
                context.add_cookies([{"name": name, "value": value, "url": base}])
            page.goto(base + address)
            look = f"{address} {language} {theme} {size}"
            if wrong := faults(page, axe):
                found[look] = wrong
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, look
    context.close()
    assert found == {}


def kinds(browser: TestClient) -> list[str]:
    """Return one address of each route that shows a page."""
    seen: dict[str, str] = {}
    walk(browser, "/", {}, seen, is_brief=True)
    return list(seen.values())
