"""The demo, on a smaller shop, and workspaces with several shops."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from cli.conftest import Run
from jinpai import demo


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make = functools.partial(demo.make_demo, agents=3, days=3, buyers=60)
    monkeypatch.setattr(demo, "make_demo", make)


@pytest.mark.usefixtures("small")
def test_demo_twice(run: Run, tmp_path: Path) -> None:
    ran = run("demo", tmp_path / "d")
    assert ran.code == 0
    for words in ("Agent", "Inquiry", "All", "silent", "explain", "xlsx"):
        assert words in ran.out
    again = json.loads(run("demo", tmp_path / "d", "--format", "json").out)
    total = again["import"]["total"]
    assert total["unchanged"] == total["rows_in"] > 0
    # The shop's table adds up: agents' sales and silent ones are all sales.
    shop = {row["metric"]: row["value"] for row in again["shop"]["rows"]}
    agents = [row for row in again["agents"]["rows"] if row["metric"] == "sales_amount"]
    sold = sum(float(row["value"]) for row in agents)
    assert sold + float(shop["silent_amount"]) == pytest.approx(float(shop["shop_sales_amount"]))
    assert {row["grain"]["agent_id"] for row in agents if row["value"] != "0.00"}


@pytest.mark.usefixtures("small")
def test_what_the_demo_says_next_works(run: Run, tmp_path: Path) -> None:
    said = run("demo", tmp_path / "d").out.splitlines()
    commands = [line.split()[1:] for line in said if line.startswith("  jinpai")]
    assert len(commands) == 5
    for command in commands:
        words = [
            str(tmp_path / word) if word.endswith((".xlsx", ".html")) else word for word in command
        ]
        assert run(*words).code == 0


def test_two_shops(run: Run, empty: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(
        "shop_id,order_id,buyer_id,created_at,paid_at,paid_amount\n"
        "s1,o1,b1,2026-03-02T10:00:00Z,2026-03-02T11:00:00Z,10\n"
        "s2,o1,b1,2026-03-03T10:00:00Z,2026-03-03T11:00:00Z,20.5\n"
    )
    shops = tmp_path / "shops.csv"
    shops.write_text("shop_id,name,timezone,currency\ns2,Two,Europe/Paris,EUR\n")
    assert run("import", empty, orders, shops).code == 0
    assert run("run", empty).code == 0
    found = json.loads(run("metrics", empty, "--format", "json").out)
    assert found["timezone"] is None
    assert found["as_of"] == "2026-03-03T11:00:00+00:00"
    assert {shop["shop_id"]: shop["timezone"] for shop in found["shops"]} == {
        "s1": "Asia/Shanghai",
        "s2": "Europe/Paris",
    }
    one = json.loads(run("metrics", empty, "--shop", "s2", "--format", "json").out)
    assert one["as_of"] == "2026-03-03T12:00:00+01:00"
    assert {row["shop_id"] for row in one["rows"]} == {"s2"}
    by_day = run("metrics", empty, "--by", "day", "--metric", "silent_amount").out.splitlines()
    assert [line.split() for line in by_day if "2026" in line] == [
        ["s1", "2026-03-02", "¥10.00"],
        ["s2", "2026-03-03", "EUR", "20.50"],
    ]
    assert "s2" in run("metrics", empty).out
    assert run("explain", empty, "order", "o1").code == 2
    assert "silent" in run("explain", empty, "order", "o1", "--shop", "s2").out
