"""The days of the four people, walked through in a browser."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Page, expect

from browser.conftest import PERIOD, Enter, Served


def link_of(page: Page, selector: str) -> str:
    """Return where the first link of a selector leads."""
    href = page.locator(selector).first.get_attribute("href")
    assert href
    return href


def test_the_owner_finds_why_sales_changed(enter: Enter, served: Served) -> None:
    page = enter("owner")
    page.goto(f"{served.base}/overview?{PERIOD}")
    said = page.locator(".jp-said").inner_text()
    assert re.search(r"sales (rose|fell) by", said), said
    # From the tree of sales to one of its factors, with what it is made of.
    page.locator("#t-tree a[href*='/metrics/inquiry_buyers']").first.click()
    page.wait_for_url("**/metrics/inquiry_buyers?**")
    expect(page.locator("#t-evidence tbody tr").first).to_be_visible()
    value = int(page.locator(".jp-big").inner_text().rstrip("*").replace(",", ""))
    told = re.search(r"from these ([\d,]+) rows", page.locator("#evidence .jp-note").inner_text())
    assert told
    assert int(told[1].replace(",", "")) >= value > 0  # a buyer may have several receptions
    page.locator("#t-evidence a[href*='/conversations/']").first.click()
    expect(page.locator(".jp-line").first).to_be_visible()
    page.go_back()
    page.wait_for_url("**/metrics/inquiry_buyers?**")
    expect(page.locator("#t-evidence tbody tr").first).to_be_visible()


def test_the_supervisor_compares_two_and_opens_the_slowest(enter: Enter, served: Served) -> None:
    page = enter("supervisor")
    page.goto(f"{served.base}/team?{PERIOD}")
    rows = page.locator("#t-team tbody tr")
    for one in (served.agent, served.mate):
        expect(rows.filter(has_text=served.names[one])).to_have_count(1)
    page.locator("#t-team a", has_text=served.names[served.mate]).first.click()
    expect(page.locator("h1")).to_contain_text(served.names[served.mate])
    expect(page.locator(".jp-chart svg").first).to_be_visible()
    page.goto(f"{served.base}/conversations?{PERIOD}&agent={quote(served.mate)}")
    page.locator("#t-talks thead a", has_text="Longest wait").click()
    page.wait_for_url("**talks.sort=-longest_us**")
    slowest = page.locator("#t-talks tbody tr").first.inner_text()
    assert re.search(r"\d (s|min|h)", slowest), slowest
    page.locator("#t-talks tbody a").first.click()
    expect(page.locator(".jp-line .jp-worse").first).to_be_visible()
    expect(page.locator("h1")).to_contain_text(served.names[served.mate])


def appeal(page: Page, served: Served) -> str:
    """Let an agent appeal against an own finding; returns its address."""
    page.goto(f"{served.base}/findings?from=2026-03-01&to=2026-03-14")
    for href in [
        one.get_attribute("href") or "" for one in page.locator("#t-findings tbody a").all()
    ]:
        page.goto(served.base + href)
        if page.locator("textarea[name=reason]").count():
            break
    page.fill("textarea[name=reason]", "The network was down that evening")
    page.locator("form[action*='/appeal'] button").click()
    expect(page.locator("main")).to_contain_text("The network was down that evening")
    return page.url


def count(page: Page, served: Served) -> int:
    """Return how many reviews wait for the one who is signed in."""
    answer = page.request.get(f"{served.base}/reviews?format=json")
    return int(answer.json()["tables"]["reviews"]["total"])


def test_the_inspector_reviews_ten_by_keyboard_and_settles_an_appeal(
    enter: Enter, served: Served
) -> None:
    url = appeal(enter("agent"), served)
    page = enter("inspector")
    page.goto(f"{served.base}/reviews?from=2026-03-01&to=2026-03-14")
    page.fill("input[name=n]", "6")
    page.select_option("select[name=per]", "agent")
    page.locator("form[action*='/reviews'] button.btn-primary").click()
    page.wait_for_selector("#t-reviews tbody tr")
    waiting = count(page, served)
    page.keyboard.press("j")
    page.wait_for_url("**/findings/**queue=1**")
    for at in range(10):
        before = page.url
        page.keyboard.press("123"[at % 3])
        page.wait_for_function("before => location.href !== before", arg=before)
        page.wait_for_selector("form button[name=verdict]")
    assert count(page, served) == waiting - 10
    page.goto(f"{served.base}/appeals")
    page.locator("#t-appeals tbody a").first.click()
    page.wait_for_selector("button[name=outcome]")
    assert page.url.partition("?")[0] == url.partition("?")[0]
    page.keyboard.press("c")
    page.keyboard.type("The log shows it")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator("main")).to_contain_text("The log shows it")
    expect(page.locator("button[name=outcome]")).to_have_count(0)


def test_the_agent_reads_the_own_payslip_and_nobody_else_s(enter: Enter, served: Served) -> None:
    page = enter("agent")
    page.locator(".jp-side-wide a[href*='/kpi/mine']").click()
    expect(page.locator("#t-score tbody tr").first).to_be_visible()
    expect(page.locator("main")).to_contain_text(served.names[served.agent])
    assert served.names[served.mate] not in page.content()
    for path in (
        f"/kpi/payslips/{quote(served.mate, safe='')}?{PERIOD}",
        f"/agents/{quote(served.mate, safe='')}?{PERIOD}",
        f"/conversations?agent={quote(served.mate, safe='')}",
    ):
        answer = page.goto(served.base + path)
        assert answer is not None
        assert answer.status == 404, path
        assert served.names[served.mate] not in page.content()
