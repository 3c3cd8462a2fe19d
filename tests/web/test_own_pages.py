"""An agent finds the own pages in the menu; an order tells names and states in words."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from jinpai.demo import SHOP_ID
from web.conftest import Enter

PERIOD = "from=2026-03-08&to=2026-03-14"


def test_the_menu_of_an_agent_leads_to_the_own_page(enter: Enter) -> None:
    browser = enter("agent")
    home = browser.get("/").headers["location"]
    led = browser.get("/mine")
    assert (led.status_code, led.headers["location"]) == (303, home)
    page = browser.get(home).text
    assert '<a href="/mine" aria-current="true">' in page  # and is where one stands
    assert 'href="/mine"' not in enter("owner").get(f"/team?{PERIOD}").text
    assert enter("owner").get("/mine").status_code == 403


@pytest.mark.parametrize("role", ["owner", "agent"])
def test_an_order_tells_names_not_accounts(enter: Enter, app: FastAPI, role: str) -> None:
    browser = enter(role)
    rows = browser.get(
        f"/metrics/sales_amount?{PERIOD}&agent={_own(app)}", headers={"accept": "application/json"}
    ).json()["tables"]["evidence"]["rows"]
    page = browser.get(f"/orders/{rows[0]['order_id']}?{PERIOD}&lang=en")
    main = page.text.split("<main")[1].split("</main>")[0]
    told = [part.split("</td>")[0] for part in main.split('data-head="Why"')[1:]]
    assert told
    assert not [one for one in told if _own(app) in one]
    assert any(f"<bdi>{state}</bdi>" in main for state in ("finished", "shipped", "paid"))


def _own(app: FastAPI) -> str:
    roster = app.state.reader.roster(SHOP_ID)
    return str(min(one for one in roster if roster[one]["team"]))
