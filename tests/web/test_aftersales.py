"""After-sales and loyalty say what the API says, and open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi import FastAPI

import jinpai
from web.conftest import Enter

JSON = {"accept": "application/json"}
FROM, TO = date(2026, 3, 8), date(2026, 3, 14)
PERIOD = f"from={FROM}&to={TO}"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("window", ["28", "180"])
def test_after_sales_opens(enter: Enter, language: str, window: str) -> None:
    answer = enter("owner").get(f"/aftersales?{PERIOD}&window={window}&lang={language}")
    assert answer.status_code == 200
    assert "window=180" in answer.text


def test_after_sales_agents_are_the_window_of_the_api(enter: Enter, shop: Path) -> None:
    """The 28 days that end with the last day, by agent, as the trailing figure of that day."""
    rows = jinpai.open(shop).ask(
        ["refund_rate"], by=["agent", "day"], first=TO, last=TO, trailing=28
    )
    wanted = {
        row.grain["agent_id"].split(":")[1]: row.value for row in rows.rows if row.grain["agent_id"]
    }
    answer = enter("owner").get(f"/aftersales?{PERIOD}", headers=JSON).json()
    assert (answer["window_first"], answer["window_last"]) == ("2026-02-15", "2026-03-14")
    shown = {row["agent"]: row["refund_rate"] for row in answer["tables"]["agents"]["rows"]}
    assert shown == pytest.approx({name: wanted[name] for name in shown})
    assert any(value for value in shown.values())


def test_after_sales_name_to_a_supervisor_only_the_own_agents(enter: Enter, app: FastAPI) -> None:
    roster = app.state.reader.roster("demo")
    team = roster[min(one for one in roster if roster[one]["team"])]["team"]
    names = {one.split(":")[1] for one in roster if roster[one]["team"] == team}
    answer = enter("supervisor").get(f"/aftersales?{PERIOD}", headers=JSON).json()
    assert {row["agent"] for row in answer["tables"]["agents"]["rows"]} <= names


def test_a_window_there_is_not_is_refused(enter: Enter) -> None:
    assert enter("owner").get("/aftersales?window=7", headers=JSON).status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("show", ["share", "buyers", "amount"])
def test_loyalty_opens(enter: Enter, language: str, show: str) -> None:
    answer = enter("owner").get(f"/loyalty?{PERIOD}&show={show}&lang={language}")
    assert answer.status_code == 200
    assert 'class="jp-heat jp-cohorts"' in answer.text


def test_a_cohort_opens_to_the_buyers_it_counts(enter: Enter, shop: Path) -> None:
    """As many buyers, who paid together as much, as the API's cohort says."""
    browser, found = enter("owner"), jinpai.open(shop).cohorts().cohorts
    for cohort in found:
        for month in cohort.months:
            path = f"/loyalty/cohorts/{cohort.month}?since={month.months_since}"
            table = browser.get(path, headers=JSON).json()["tables"]["buyers"]
            assert len(table["rows"]) == table["total"] == month.buyers
            assert sum(Decimal(row["amount"]) for row in table["rows"]) == month.amount
            assert all(row["first_day"].startswith(cohort.month) for row in table["rows"])


def test_buyers_of_others_are_not_named_to_a_supervisor(enter: Enter, app: FastAPI) -> None:
    roster = app.state.reader.roster("demo")
    team = roster[min(one for one in roster if roster[one]["team"])]["team"]
    path = "/loyalty/cohorts/2026-03"
    all_rows = enter("owner").get(path, headers=JSON).json()["tables"]["buyers"]["rows"]
    rows = enter("supervisor").get(path, headers=JSON).json()["tables"]["buyers"]["rows"]
    seen = [row for row in rows if row["buyer"]]
    assert len(rows) == len(all_rows)
    assert 0 < len(seen) < len(rows)
    assert {roster[row["agent"]]["team"] for row in seen} == {team}


@pytest.mark.parametrize("path", ["2026-13", "march", "2026-03?since=-1", "2026-03?since=9999"])
def test_a_cohort_that_cannot_be_is_refused(enter: Enter, path: str) -> None:
    answer = enter("owner").get(f"/loyalty/cohorts/{path}", headers=JSON)
    assert answer.status_code in (400, 404, 422)
