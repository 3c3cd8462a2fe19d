"""From a conversation on to the next one of the list it was opened from, in the list's order."""

from __future__ import annotations

import re
from html import unescape

from fastapi import FastAPI

from web.conftest import Enter

PERIOD = "from=2026-03-01&to=2026-03-14"
_OPEN = re.compile(r'<a href="(/conversations/[^"]+row=\d+[^"]*)"')
_NEXT = re.compile(r'data-key="j ArrowRight" href="([^"]+)"')
_BACK = re.compile(r'data-key="k ArrowLeft" href="([^"]+)"')


def test_the_next_is_the_next_of_the_list(enter: Enter, app: FastAPI) -> None:
    agent = min(one for one in app.state.reader.roster("demo") if one)
    browser = enter("owner")
    listed = browser.get("/conversations", params=f"{PERIOD}&talks.sort=-longest_us&agent={agent}")
    opened = [unescape(found) for found in _OPEN.findall(listed.text)]
    assert len(opened) > 3
    page = browser.get(opened[0]).text
    assert not _BACK.search(page)  # it is the first
    for wanted in opened[1:3]:
        (on,) = _NEXT.findall(page)
        there = browser.get(unescape(on)).headers["location"]
        assert there == wanted
        page = browser.get(there).text
    (back,) = _BACK.findall(page)
    assert browser.get(unescape(back)).headers["location"] == opened[1]


def test_behind_the_last_one_is_the_list_again(enter: Enter) -> None:
    browser = enter("agent")
    for row in ("99999", "-1", "x", "9" * 30, ""):
        answer = browser.get(f"/conversations-list?{PERIOD}&row={row}&talks.sort=messages")
        assert answer.status_code == 303
    assert answer.headers["location"].startswith("/conversations/")
    last = browser.get(f"/conversations-list?{PERIOD}&row=99999&talks.sort=messages")
    assert last.headers["location"] == f"/conversations?{PERIOD}&talks.sort=messages"


def test_opened_otherwise_it_goes_along_the_buyers_own(enter: Enter) -> None:
    browser = enter("owner")
    listed = browser.get(f"/conversations?{PERIOD}").text
    plain = [re.sub(r"&row=.*", "", unescape(one)) for one in _OPEN.findall(listed)]
    pages = [browser.get(one).text for one in plain[:8]]
    links = [unescape(one) for page in pages for one in _NEXT.findall(page)]
    assert not [one for one in links if "row=" in one]
