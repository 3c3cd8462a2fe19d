"""What became of the sales: after-sales, disputes, loyalty, and who makes the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinpai.metrics.cohorts import CohortMonth
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.model import AgentSheet, Figures, Report
from jinpai.reports.people import Cell, anchors
from jinpai.reports.products import events
from jinpai.reports.tables import AFTER_CODES, LOYALTY_CODES, PRODUCT_CODES
from jinpai.reports.words import Words

__all__ = ["Outcomes", "class_name", "shown_codes"]

_COHORTS = 12
_PRODUCTS = 12


def shown_codes(report: Report, codes: Sequence[str]) -> list[str]:
    """Return the metrics with a value for the shop; the others would be empty columns."""
    return [code for code in codes if code in report.shop and report.shop[code].value is not None]


def class_name(words: Words, kind: str, value: str | None) -> str:
    """Return the name of a stage or cause of complaints, as loaded where we know none."""
    if value is None:
        return words("class_none")
    key = f"{kind}_{value}"
    return words(key) if words.has(key) else value


class Outcomes:
    """These parts of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words
        self._anchors = anchors(report)

    def aftersales(self) -> dict[str, Any] | None:
        """Return the after-sales table; nothing where no event was loaded."""
        return self._table(AFTER_CODES)

    def loyalty(self) -> dict[str, Any] | None:
        """Return the loyalty table; nothing where nobody paid."""
        return self._table(LOYALTY_CODES)

    def _table(self, codes: Sequence[str]) -> dict[str, Any] | None:
        codes = shown_codes(self._r, codes)
        if not codes:
            return None
        return {
            "codes": codes,
            "rows": [self._line(sheet, codes) for sheet in self._r.agents.sheets],
            "total": [self._cell(self._r.shop, code, "") for code in codes],
        }

    def products(self) -> dict[str, Any] | None:
        """Return the products with the most refunds and complaints; nothing without any."""
        shown = [one for one in self._r.products if events(one)][:_PRODUCTS]
        codes = shown_codes(self._r, PRODUCT_CODES)
        if not shown or not codes:
            return None
        lines = [
            {"name": one.title or self._w("no_product"), "anchor": "",
             "cells": [self._cell(one.figures, code, "") for code in codes]}
            for one in shown
        ]  # fmt: skip
        total = [self._cell(self._r.shop, code, "") for code in codes]
        return {"codes": codes, "rows": lines, "total": total, "of": len(self._r.products)}

    def _line(self, sheet: AgentSheet, codes: Sequence[str]) -> dict[str, Any]:
        tones = {one.code: "last" if one.is_weak else "best" for one in sheet.findings}
        cells = [self._cell(sheet.figures, code, tones.get(code, "")) for code in codes]
        return {"name": sheet.name, "anchor": self._anchors[sheet.agent_id], "cells": cells}

    def _cell(self, figures: Figures, code: str, tone: str) -> Cell:
        row = figures.get(code)
        return Cell(row, self._under(row), tone)

    def _under(self, row: MetricRow | None) -> str:
        """What the figure was counted from: a share's two numbers, the n of a mean."""
        if row is None or not row.denominator:
            return ""
        n = self._w.count(int(row.denominator))
        if registry().metric(row.metric).unit == "ratio":
            return f"{self._w.count(int(row.numerator or 0))}/{n}"
        return self._w("n_is", n=n)

    def disputes(self) -> list[dict[str, Any]]:
        """Return complaints by stage and by cause: count, share, cumulative share."""
        return [
            {
                "kind": kind,
                "title": self._w(f"disputes_{kind}"),
                "lines": [
                    {
                        "name": class_name(self._w, kind, row.grain[kind]),
                        "count": self._w.count(int(row.numerator or 0)),
                        "share": self._w.percent(_float(row.value)),
                        "cumulative": self._w.percent(row.cumulative),
                    }
                    for row in rows
                ],
            }
            for kind, rows in self._r.disputes.items()
            if rows
        ]

    def cohorts(self) -> dict[str, Any] | None:
        """Return the last cohorts by months since, with a shade from 0 to 9 for the share.

        Month 0 is the cohort itself and has no shade. Nothing where no cohort is a month old.
        """
        shown = self._r.cohorts[-_COHORTS:]
        longest = min(max((len(one.months) for one in shown), default=0), _COHORTS)
        if longest < 2:
            return None
        shares = [month.share for one in shown for month in one.months[1:longest]]
        top = max(shares) or 1.0
        lines = [
            {
                "month": one.month,
                "buyers": self._w.count(one.buyers),
                "cells": [self._month(month, top) for month in one.months[:longest]],
                "missing": longest - min(len(one.months), longest),
            }
            for one in shown
        ]
        return {"heads": list(range(longest)), "lines": lines}

    def _month(self, month: CohortMonth, top: float) -> dict[str, Any]:
        return {
            "share": self._w.percent(month.share),
            "under": (self._w.count(month.buyers), self._w.brief(month.amount)),
            "heat": 0 if not month.months_since else round(9 * month.share / top),
            "is_provisional": month.status == "provisional",
        }

    def concentration(self) -> str:
        """Say how much the top fifth of the agents sold; nothing where nobody sold."""
        share = self._r.concentration
        if share is None or share.top_share is None or share.agents_for_80 is None:
            return ""
        return self._w(
            "concentration",
            top=share.top,
            agents=len(share.values),
            share=self._w.percent(float(share.top_share)),
            enough=share.agents_for_80,
        )


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
