"""The page in a real browser without a network: no error, every chart drawn, nothing sideways."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from jinpai.reports import Report, render_page
from jinpai.reports.words import LANGUAGES, Language

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1366,768",
    "--virtual-time-budget=8000", "--enable-logging=stderr", "--v=0",
)  # fmt: skip
# Added for the test: what a reader could not see without scrolling sideways, and charts' sizes.
_PROBE = """
<div id="probe" hidden></div>
<script>
addEventListener("load", () => setTimeout(() => {
  const wide = [...document.querySelectorAll("table, figure, p, h1, h2, h3, nav")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1
      || one.offsetWidth > one.parentElement.clientWidth + 1)
    .map((one) => one.className);
  const page = document.documentElement;
  document.getElementById("probe").textContent = JSON.stringify({
    sideways: page.scrollWidth - page.clientWidth, wide,
    problems: page.dataset.problems || "",
    charts: [...document.querySelectorAll(".plot")].map((one) => ({
      id: one.id, marks: one.querySelectorAll("svg path, svg rect").length,
      words: one.querySelectorAll("svg text").length,
      width: one.querySelector("svg")?.getBoundingClientRect().width ?? 0 })),
  });
}, 500));
</script>
</body>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """Chromium or Chrome; the tests are skipped without one unless JINPAI_NEED_BROWSER is set."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("JINPAI_NEED_BROWSER"):
            pytest.fail("no Chromium: apt-get install chromium")
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    return found


def probed(browser: str, page: Path) -> tuple[dict[str, object], str]:
    """Return what the probe saw, and what the browser logged."""
    ran = subprocess.run(
        [browser, *_FLAGS, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom",
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    seen = re.search(r'<div id="probe"[^>]*>(.*?)</div>', ran.stdout, re.DOTALL)
    assert seen is not None
    found: dict[str, object] = json.loads(unescape(seen[1]))
    return found, ran.stderr


def without_policy(page: str) -> str:
    """Let the probe run; the page's own scripts run either way."""
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page, count=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_chart_is_drawn(
    browser: str, report: Report, tmp_path: Path, language: Language
) -> None:
    page = tmp_path / "report.html"
    html = without_policy(render_page(report, language))
    page.write_text(html[: html.rindex("</body>")] + _PROBE, "utf-8")
    seen, log = probed(browser, page)
    assert seen["problems"] == ""
    assert "CONSOLE" not in log
    charts = seen["charts"]
    assert isinstance(charts, list)
    assert len(charts) > 10
    for chart in charts:
        assert chart["marks"] > 3, chart
        assert chart["words"] > 1, chart
        assert chart["width"] > 200, chart
    assert seen["sideways"] == 0
    assert seen["wide"] == []


def test_its_own_policy_lets_it_work(browser: str, report: Report, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(report, "en"), "utf-8")
    ran = subprocess.run(
        [browser, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    places = len(re.findall(r'class="plot"', ran.stdout))
    assert len(re.findall(r"data-drawn", ran.stdout.partition("<script")[0])) == places > 10
    assert "data-problems" not in ran.stdout.partition("<head")[0]
    assert "CONSOLE" not in ran.stderr


def test_it_prints(browser: str, report: Report, tmp_path: Path) -> None:
    page, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render_page(report, "zh"), "utf-8")
    subprocess.run(
        [browser, *_FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer",
         f"--print-to-pdf={printed}", page.as_uri()],
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    assert printed.read_bytes().startswith(b"%PDF")
    assert printed.stat().st_size > 20_000
