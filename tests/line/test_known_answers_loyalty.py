"""Public data sets whose repurchase, retention, cycle and cohort figures are known.

Each comes in through a mapping file. What its reference does not hold is counted here in plain
Python from the file itself.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from line.driving import Shop
from line.test_known_answers import known, loaded

REPURCHASE, RETENTION = "new_buyer_repurchase_rate", "new_buyer_retention_rate"


def cohort_rows(shop: Shop, key: str) -> dict[str, list[Any]]:
    """Return cohort -> what each of its months holds."""
    answer = shop.must("cohorts", shop.root)
    return {one["month"]: [month[key] for month in one["months"]] for one in answer["cohorts"]}


# -- CDNOW, 1997 to 1998 --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cdnow(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    file = shared / "data/cdnow/orders_master.parquet"
    return loaded(tmp_path_factory.mktemp("cdnow") / "shop", file, "cdnow.yaml")


@pytest.fixture(scope="module")
def purchases(shared: Path) -> dict[str, list[date]]:
    """The days on which each customer of the file bought, in order."""
    table = pq.read_table(shared / "data/cdnow/orders_master.parquet")
    days = defaultdict(set)
    for row in table.select(["customer_id", "order_date"]).to_pylist():
        days[row["customer_id"]].add(date.fromisoformat(row["order_date"]))
    return {customer: sorted(found) for customer, found in days.items()}


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (30, "repurchase_within_30d"),
        (90, "repurchase_within_90d"),
        # The data cover 18 months, so that 730 days are for ever.
        (730, "repurchase_rate"),
    ],
)
def test_repurchase(
    shared: Path, cdnow: Shop, purchases: dict[str, list[date]], days: int, name: str
) -> None:
    told = known(shared, "cdnow")
    cdnow.set("repurchase_days", str(days))
    cdnow.run()
    figures = cdnow.figures([REPURCHASE, RETENTION])
    assert figures[(REPURCHASE,)]["denominator"] == told["customers"] == len(purchases)
    assert round(figures[(REPURCHASE,)]["value"], 5) == told[name]
    if days == 730:
        again = figures[(REPURCHASE,)]["numerator"]
        assert again == told["customers_with_2+_order_days"]
    retained = sum(
        any(days < (day - bought[0]).days <= 2 * days for day in bought)
        for bought in purchases.values()
    )
    assert figures[(RETENTION,)]["numerator"] == retained


def test_days_between_purchases(shared: Path, cdnow: Shop) -> None:
    told = known(shared, "cdnow")
    cycle = cdnow.figures(["purchase_cycle_days"])["purchase_cycle_days",]
    assert cycle["denominator"] == told["days_between_order_days"]["n"]
    assert round(cycle["value"], 3) == told["days_between_order_days"]["mean"]
    amounts = cdnow.values(["shop_sales_amount", "shop_sales_orders"])
    assert amounts["shop_sales_amount",] == Decimal(str(told["revenue"]))
    assert amounts["shop_sales_orders",] == told["orders_rows"]


def test_cohorts_of_cdnow(shared: Path, cdnow: Shop) -> None:
    told = known(shared, "cdnow")
    buyers = cohort_rows(cdnow, "buyers")
    assert list(buyers) == list(told["cohorts"])
    for month, cohort in told["cohorts"].items():
        active = cohort["active_by_month_offset"]
        assert buyers[month][: len(active)] == active
    paid = [
        Decimal(amount) for months in cohort_rows(cdnow, "amount").values() for amount in months
    ]
    assert sum(paid) == Decimal(str(told["revenue"]))


def test_months_of_cdnow(shared: Path, cdnow: Shop, purchases: dict[str, list[date]]) -> None:
    """Returning: the cohorts of earlier months among all who bought in a month."""
    told = known(shared, "cdnow")["cohorts"]
    by_month = cdnow.values(["returning_share"], ("month",))
    seen = [cohort["active_by_month_offset"] for cohort in told.values()]
    for number, month in enumerate(told):
        active = [cohort[number - at] for at, cohort in enumerate(seen[: number + 1])]
        share = sum(active[:-1]) / sum(active)
        assert by_month["returning_share", month] == pytest.approx(share)
    # From April 1997 on there are no new customers in the file.
    assert by_month["returning_share", "1997-04"] == 1
    lost = cdnow.figures(["old_buyer_churn"], ("month",), **{"from": "1997-06-01"})
    first, last = date(1997, 6, 1), date(1997, 6, 30)
    before = {
        customer
        for customer, days in purchases.items()
        if any(first - timedelta(days=30) <= day < first for day in days)
    }
    stayed = {c for c in before if any(first <= day <= last for day in purchases[c])}
    june = lost["old_buyer_churn", "1997-06"]
    assert (june["numerator"], june["denominator"]) == (len(before - stayed), len(before))


def test_published_rfm_table(shared: Path, tmp_path: Path) -> None:
    """Frequency, recency, T and mean repeat amount at 1997-09-30, of every customer."""
    folder = shared / "data/cdnow"
    shop = Shop(tmp_path / "shop")
    shop.load(
        folder / "orders_sample.csv.gz",
        mapping=Path(__file__).parents[1] / "mappings" / "cdnow.yaml",
    )
    as_of = date(1997, 9, 30)
    shop.run(as_of.isoformat())
    found = shop.must("explain", shop.root, "metric", "returning_share")
    ours = {row["buyer_id"]: row for row in found["rows"]}
    with gzip.open(folder / "expected_rfm_sample_1997-09-30.csv.gz", "rt") as file:
        told = {row["customer_id"]: row for row in csv.DictReader(file)}
    assert ours.keys() == told.keys()
    for customer, row in ours.items():
        expected = told[customer]
        first = date.fromisoformat(row["first_day"])
        mean = float(row["repeat_amount"]) / row["gaps"] if row["gaps"] else 0.0
        assert row["gaps"] == int(expected["frequency_expected"])
        assert row["gap_days"] / 7 == near(expected["recency_weeks_expected"])
        assert (as_of - first).days / 7 == near(expected["T_weeks_expected"])
        assert mean == near(expected["repeat_mean_amount_expected"])


def near(text: str) -> Any:
    """Return a figure printed with two decimals, to compare with."""
    return pytest.approx(float(text), abs=0.005001)


# -- UCI Online Retail, 2010-12 to 2011-12 ---------------------------------------------------------


def test_online_retail(shared: Path, tmp_path: Path) -> None:
    told = known(shared, "uci_online_retail")
    file = shared / "data/uci_online_retail/order_lines.parquet"
    shop = loaded(tmp_path / "shop", file, "uci_online_retail.yaml")
    sold = shop.values(["shop_sales_orders"])
    assert sold["shop_sales_orders",] == told["invoices"]
    rows = shop.must("explain", shop.root, "metric", "returning_share")["rows"]
    assert len(rows) == told["customers_with_a_non_cancelled_invoice"]
    repeat = sum(row["orders"] >= 2 for row in rows)
    assert repeat == told["repeat_customers (>=2 non-cancelled invoices)"]
    assert round(repeat / len(rows), 5) == told["repurchase_rate"]
    buyers = cohort_rows(shop, "buyers")["2010-12"]
    cohort = told["cohort_2010-12"]
    assert buyers[0] == cohort["customers"]
    assert buyers == cohort["active_by_month_offset"]
