"""The page: the figures it shows are those of the query layer; hostile names stay names."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from jinpai.metrics.result import json_value
from jinpai.reports import Report, render_page
from jinpai.reports.words import LANGUAGES, Language, texts
from jinpai.workspace import Workspace
from reports.conftest import AGENTS, FIRST, LAST, SHOP_NAME

CHINESE = re.compile("[\u3400-\u9fff]")
# Words that are the same in both languages: units, codes, names of methods and products.
SHARED = re.compile(r"\b(Ctrl|P|PDF|DSR|KPI|n|s|h|Jinpai|Asia|Shanghai|EUR|Dee)\b")


class Page(HTMLParser):
    """Texts, tags and scripts of a page, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.cells: list[str] = []
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self._in.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._in:
            while self._in.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        inside = self._in[-1] if self._in else ""
        if inside in self.raw:
            self.raw[inside].append(data)
            return
        if data.strip():
            self.texts.append(data.strip())
        if {"td", "th"} & set(self._in) and not {"small", "sup"} & set(self._in):
            self.cells[-1] += data.strip()

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.raw["script"][0]))


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    chosen: Language = request.param
    return chosen


@pytest.fixture(scope="module")
def html(report: Report, language: Language) -> str:
    return render_page(report, language)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_its_figures_are_those_of_the_query_layer(page: Page, shop: Workspace) -> None:
    shown = page.data["figures"]
    for row in shop.ask(first=FIRST, last=LAST).rows:
        parts = (row.value, row.numerator, row.denominator, row.status)
        assert shown["shop"][row.metric] == [json_value(part) for part in parts], row.metric
    asked = shop.ask(by=["agent"], first=FIRST, last=LAST).rows
    assert {row.grain["agent_id"] for row in asked} == set(shown["agents"]) == set(AGENTS)
    for row in asked:
        parts = (row.value, row.numerator, row.denominator, row.status)
        own = shown["agents"][row.grain["agent_id"]]
        assert own[row.metric] == [json_value(part) for part in parts], row


def test_its_waits_are_those_of_the_metrics(page: Page) -> None:
    figures = page.data["figures"]
    for agent, waits in figures["waits"].items():
        mean, _, answered, _ = figures["agents"][agent]["avg_response_seconds"]
        assert (waits["mean"], waits["answered"]) == (mean, answered)
        assert waits["rounds"] == figures["agents"][agent]["rounds"][0]
    # Half of Bob's forty answers took 50 s, half 70 s.
    bob = figures["waits"]["t:bob"]
    assert (bob["median"], bob["p90"]) == (60.0, 70.0)
    assert bob["within"] == {"15": 0.0, "20": 0.0, "30": 0.0, "60": 0.5, "180": 1.0}


def test_hand_worked_numbers_can_be_read(page: Page) -> None:
    # Ann: 40 asked, 30 paid 100.00 each. Bob: 10 of 40 paid 200.00. Nobody: 66.60.
    for text in ("EUR 3,000.00", "75.0%", "EUR 2,000.00", "25.0%", "EUR 5,111.50"):
        assert any(text in cell for cell in page.cells), text
    assert "EUR 5,178.10" in " ".join(page.texts)  # 3000 + 2000 + 80 + 31.50 + 66.60


def test_names_stay_names(page: Page, html: str) -> None:
    assert "alert(1)" in html
    assert [tag for tag, _ in page.tags].count("script") == 3  # data, charts, ours
    assert not any("alert" in text for text in page.raw["script"][1:])
    names = [name for name, *_ in AGENTS.values()]
    assert all(any(name in text for text in page.texts) for name in names)
    assert SHOP_NAME in page.texts
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_it_needs_no_network(page: Page, html: str) -> None:
    fetching = {"src", "srcset", "data", "action", "poster", "background", "ping", "formaction"}
    for tag, attrs in page.tags:
        assert not fetching & set(attrs), tag
        assert attrs.get("href", "#").startswith("#"), tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img")
    styles = "".join(page.raw["style"])
    assert "url(" not in styles
    assert "@import" not in styles
    ours = page.raw["script"][2]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|importScripts|import\(|eval\(", ours)
    policy = next(
        attrs["content"] or ""
        for tag, attrs in page.tags
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_one_language_and_only_that(page: Page, language: Language) -> None:
    names = [SHOP_NAME, *(name for name, *_ in AGENTS.values()), *AGENTS]
    for text in page.texts:
        for name in names:
            text = text.replace(name, "")
        if language == "en":
            assert not CHINESE.search(text), text
        elif not re.fullmatch(r"[a-z0-9_ ]+", text):  # codes
            assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", SHARED.sub("", text)), text


def test_every_text_is_in_both_languages() -> None:
    for key, (zh, en) in texts().items():
        assert zh, key
        assert en, key
        assert not CHINESE.search(en), key
        filled = set(re.findall(r"\{(\w+)\}", zh)), set(re.findall(r"\{(\w+)\}", en))
        assert filled[0] == filled[1], key


def test_charts_have_a_place_each(page: Page) -> None:
    places = {attrs["id"] for _, attrs in page.tags if attrs.get("class") == "plot"}
    charts = page.data["charts"]
    assert set(charts) <= places
    # Dee has nobody to compare herself with; there are too few days for a trailing line.
    assert places - set(charts) == set()


def test_dead_sections_are_left_out(page: Page) -> None:
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert "aftersales" in sections
    assert "scores" not in sections
    assert "grades" not in sections
