"""What a report says of the hand-made shop, and that it agrees with the commands."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from jinpai.errors import UsageError
from jinpai.metrics.decompose import FACTORS
from jinpai.reporting import collect, write_report
from jinpai.reports import Report
from jinpai.reports.model import Product
from jinpai.workspace import Workspace
from reports.conftest import FIRST, LAST


def test_team_first_by_sales_then_the_other_team(report: Report) -> None:
    order = [(sheet.agent_id, sheet.team) for sheet in report.agents.sheets]
    assert order == [("t:ann", "one"), ("t:bob", "one"), ("t:cat", "one"), ("t:dee", "-two")]
    places = {s.agent_id: s.standings["sales_amount"] for s in report.agents.sheets}
    assert [(one.place, one.of) for one in places.values()] == [(1, 3), (2, 3), (3, 3), (1, 1)]
    # Conversion of Ann's team mates together: (10 + 1) / (40 + 5).
    others = report.agents.sheets[0].standings["inquiry_conversion_rate"]
    assert (others.others, others.others_n) == (float(Fraction(11, 45)), 45)


def test_splits_are_those_of_decompose(report: Report, shop: Workspace) -> None:
    for sheet in report.agents.sheets[:3]:
        told = shop.decompose(agent=sheet.agent_id, versus="team", first=FIRST, last=LAST)
        assert sheet.split is not None
        assert sheet.split.members == told["sides"][1]["members"] == 3
        parts = dict(zip(FACTORS, sheet.split.parts.factors, strict=True))
        assert parts == {part["factor"]: part["amount"] for part in told["parts"]}
        assert float(sheet.split.parts.residual) == told["residual"]
        gap = sheet.split.own.sales_amount - sheet.split.other.sales_amount
        assert sum(parts.values()) + told["residual"] == pytest.approx(float(gap))
    assert report.agents.sheets[3].split is None  # nobody else in the team


def test_the_period_before_is_as_long_and_loaded(report: Report, shop: Workspace) -> None:
    assert report.previous_period is not None
    assert report.previous_period.first == date(2026, 3, 2)
    assert report.previous["inquiry_buyers"].value == 10 + 10 + 1 + 1
    told = shop.decompose(first=FIRST, last=LAST)
    assert report.split is not None
    assert report.split.parts.factors == tuple(part["amount"] for part in told["parts"])
    whole = collect(shop, first="2026-03-03", last=LAST)
    assert whole.previous_period is None
    assert whole.notes.no_previous == date(2026, 3, 2)


def test_training_by_hand(report: Report) -> None:
    ann, bob, cat, dee = report.agents.sheets
    weak = {one.code: one for one in bob.findings if one.is_weak}
    assert set(weak) == {
        "inquiry_conversion_rate", "first_response_seconds", "avg_response_seconds"
    }  # fmt: skip
    closing = weak["inquiry_conversion_rate"]
    # 10 of 40 against 30 + 1 of 45.
    assert (closing.own, closing.others) == (0.25, float(Fraction(31, 45)))
    assert closing.coach == (ann.name, 0.75)
    assert {one.is_weak for one in ann.findings} == {False}
    assert (cat.findings, cat.is_judged) == ((), False)  # five buyers
    assert (dee.findings, dee.is_judged) == ((), False)  # alone


def test_disputes_are_sorted_and_add_up(report: Report) -> None:
    stage = [
        (row.grain["stage"], row.numerator, row.cumulative) for row in report.disputes["stage"]
    ]
    assert stage == [("delivery", 2, 0.5), ("aftersales", 1, 0.75), (None, 1, 1.0)]
    cause = [
        (row.grain["cause"], row.numerator, row.cumulative) for row in report.disputes["cause"]
    ]
    assert cause == [("logistics", 3, 0.75), ("quality", 1, 1.0)]


def test_products_by_hand(report: Report) -> None:
    def parts(product: Product, code: str) -> tuple[object, object]:
        row = product.figures[code]
        return row.numerator, row.denominator

    rates = [
        (one.product_id, one.title, parts(one, "refund_rate"), parts(one, "complaint_rate"))
        for one in report.products
    ]
    # Most refunds and complaints first; a refund without a sub-order is of no product, as are
    # the 30 + 10 + 1 + 3 + 1 orders paid less the five with items.
    assert rates == [
        ("cup", "<i>Cup</i>", (2, 2), (2, 2)),
        (None, "", (1, 40), (1, 40)),
        ("pot", "pot", (0, 3), (1, 3)),
    ]


def test_notes_on_the_data(report: Report) -> None:
    assert report.notes.rejects == (("orders", "unreadable_number", 1),)
    assert report.notes.filters == ()
    assert report.notes.immature == {}
    assert not report.notes.is_stale
    assert report.as_of.startswith("2026-06-30T23:59:59.999999")
    assert report.money == "EUR "


def test_who_makes_the_value(report: Report) -> None:
    share = report.concentration
    assert share is not None
    assert (share.top, share.agents_for_80) == (1, 2)
    assert share.top_share == Fraction(Decimal("3000")) / Fraction(Decimal("5111.50"))


def test_filters_say_what_they_took_and_from_whom(tmp_path: Path) -> None:
    from jinpai.workspace import init
    from reports.conftest import write_files

    write_files(tmp_path / "files")
    made = init(tmp_path / "shop", shop_id="s1", name="x", platform="taobao")
    made.import_files([tmp_path / "files"])
    made.config.set("excluded_buyers", ["ann-04-0", "bob-04-1", "ann-04-2"])
    made = Workspace(made.root)
    made.run()
    told = collect(made, first=FIRST, last=LAST)
    assert told.notes.filters == (
        ("listed", "<script>alert(1)</script>", 2, 2),
        ("listed", '=HYPERLINK("http://evil.example","x")', 1, 1),
    )
    assert told.notes.immature["inquiry_buyers"] == date(2026, 3, 11)  # 2 + 4 days later
    assert "sales_amount" in told.notes.immature


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.csv"])
def test_other_suffixes_are_refused(shop: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"\.html or \.xlsx"):
        write_report(shop, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["report.html", "report.xlsx"])
def test_a_file_that_cannot_be_written(shop: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="No such file"):
        write_report(shop, tmp_path / "none" / name, first=FIRST, last=LAST)
