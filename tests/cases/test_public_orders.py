"""Real public orders through files, mapping and command line, against the reference."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from line.driving import Shop as Workspace
from reference.aftersales import AFTER_SALES
from reference.facts import facts
from reference.loyalty import LOYALTY, cohorts
from reference.metrics import as_float, evaluate
from reference.model import Shop, latest

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
Record = dict[str, Any]


def instant(local: datetime, zone: str) -> int:
    """Return microseconds since 1970 of a wall time; of one that happens twice the first."""
    at = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def lines(path: Path) -> Iterator[Record]:
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def order(
    order_id: str, buyer_id: str | None, created: int, paid: int | None, amount: str
) -> Record:
    return {
        "order_id": order_id,
        "buyer_id": buyer_id,
        "created_at": created,
        "paid_at": paid,
        "paid_amount": Decimal(amount) if paid is not None else None,
    }


def cdnow(path: Path) -> Shop:
    """Return one order per row, paid at the first instant of its day."""
    zone, orders = "Asia/Shanghai", []
    for number, row in enumerate(lines(path)):
        at = instant(datetime.fromisoformat(row["order_date"]), zone)
        orders.append(order(f"{number:06d}", row["customer_id"], at, at, row["amount"]))
    return Shop("s", zone, {}, {"orders": orders})


def tmall(path: Path) -> Shop:
    """Return the orders, without buyers, and a refund at the time of payment of those with one."""
    zone, orders, refunds = "Asia/Shanghai", {}, {}
    for row in lines(path):
        order_id = row["订单编号"]
        times = [row["订单创建时间"], row["订单付款时间"]]
        created, paid = (instant(datetime.fromisoformat(t), zone) if t else None for t in times)
        assert created is not None
        orders[order_id] = order(order_id, None, created, paid, row["总金额"])
        if Decimal(row["退款金额"]) > 0 and paid is not None:
            refunds[order_id] = {
                "refund_id": f"{order_id}-退款",
                "order_id": order_id,
                "opened_at": paid,
                "closed_at": paid,
                "amount": Decimal(row["退款金额"]),
                "outcome": "refunded",
            }
    return Shop("s", zone, {}, {"orders": [*orders.values()], "refunds": [*refunds.values()]})


def uci(path: Path) -> Shop:
    """Return one order per invoice with positive quantities: its last line, all lines' amount."""
    zone, orders = "Europe/London", {}
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for row in pq.read_table(path).to_pylist():
        if row["Quantity"] > 0:
            who, invoice = row["CustomerID"], row["InvoiceNo"]
            at = instant(row["InvoiceDate"], zone)
            buyer = None if who is None else str(int(who))
            amounts[invoice] += Decimal(repr(row["UnitPrice"])) * row["Quantity"]
            cents = amounts[invoice].quantize(Decimal("0.01"), ROUND_HALF_UP)
            orders[invoice] = order(invoice, buyer, at, at, str(cents))
    return Shop("s", zone, {}, {"orders": [*orders.values()]})


def check(made: Shop, workspace: Workspace, metrics: tuple[str, ...], family: str) -> int:
    """Compare the figures of the whole and of every month; return how many are not null."""
    known = 0
    for by in ((), ("month",)):
        theirs = evaluate(made, grains=[by], families=[family])
        ours = workspace.figures(metrics, by, **_days(made, by))
        for row in theirs:
            mine = ours.get((row.metric, *row.grain.values()))
            if mine is None:
                assert not row.denominator
                continue
            expected = as_float(row.value)
            assert mine["value"] == (expected if expected is None else pytest.approx(expected))
            assert (mine["denominator"] or 0) == (row.denominator or 0)
            assert mine["status"] == row.status, row
            known += row.value is not None
    return known


def _days(made: Shop, by: tuple[str, ...]) -> dict[str, str]:
    """Return all days as options: asked for none, some metrics take the last 28."""
    days = facts(made, latest(made) or 0, "order_first").days()
    return {"from": str(days[0]), "to": str(days[-1])}


def check_cohorts(made: Shop, workspace: Workspace) -> None:
    expected = {
        (one.month, one.months): (one.buyers, one.amount)
        for one in cohorts(facts(made, latest(made) or 0, "order_first"))
    }
    found = workspace.must("cohorts", workspace.root)["cohorts"]
    ours = {
        (one["month"], month["months_since"]): (month["buyers"], Decimal(month["amount"]))
        for one in found
        for month in one["months"]
        if month["buyers"]
    }
    assert ours == expected


def loaded(tmp_path: Path, made: Shop, mapping: str, path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "shop", timezone=made.timezone)
    workspace.load(path, mapping=MAPPINGS / mapping)
    workspace.run()
    return workspace


def test_cdnow(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "cdnow" / "orders_sample.csv.gz"
    made = cdnow(path)
    workspace = loaded(tmp_path, made, "cdnow.yaml", path)
    assert check(made, workspace, LOYALTY, "loyalty") > 60
    check_cohorts(made, workspace)


def test_uci_online_retail(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "uci_online_retail"
    reference = json.loads((folder / "reference.json").read_text("utf-8"))
    made = uci(folder / "order_lines.parquet")
    workspace = loaded(tmp_path, made, "uci_online_retail.yaml", folder / "order_lines.parquet")
    (sales,) = workspace.figures(("shop_sales_amount",), (), **_days(made, ())).values()
    assert Decimal(str(sales["value"])) == Decimal(str(reference["revenue_non_cancelled"]))
    check_published_cohort(workspace, reference["cohort_2010-12"])
    assert check(made, workspace, LOYALTY, "loyalty") > 10
    check_cohorts(made, workspace)


def check_published_cohort(workspace: Workspace, published: Record) -> None:
    found = workspace.must("cohorts", workspace.root)["cohorts"]
    first = next(one for one in found if one["month"] == "2010-12")
    assert first["buyers"] == published["customers"]
    assert [one["buyers"] for one in first["months"]] == published["active_by_month_offset"]


def test_tmall(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "tmall_orders" / "tmall_order_report.csv.gz"
    made = tmall(path)
    workspace = loaded(tmp_path, made, "tmall.yaml", path)
    assert check(made, workspace, AFTER_SALES, "aftersales") > 10
    check(made, workspace, LOYALTY, "loyalty")
