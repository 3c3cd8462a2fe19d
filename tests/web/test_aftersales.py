"""After-sales and loyalty say what the API says, and open."""

from __future__ import annotations

from datetime import date
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
