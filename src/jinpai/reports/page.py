"""The report as one HTML file that needs nothing else: no network, no folder beside it."""

from __future__ import annotations

from typing import Any

from jinpai import __version__
from jinpai.metrics.result import json_value
from jinpai.reports.charts import charts
from jinpai.reports.findings import LEAST
from jinpai.reports.frame import framed
from jinpai.reports.model import Figures, Report
from jinpai.reports.notes import NotesView
from jinpai.reports.outcomes import Outcomes
from jinpai.reports.overview import Overview
from jinpai.reports.people import People
from jinpai.reports.tables import SHEET_CODES
from jinpai.reports.verdicts import Verdicts
from jinpai.reports.waits import THRESHOLDS, Waits
from jinpai.reports.words import Language, Words

__all__ = ["page_data", "render_page"]

_PARTS = (
    "overview",
    "training",
    "team",
    "response",
    "aftersales",
    "loyalty",
    "scores",
    "grades",
    "sheets",
    "notes",
)
_OPTIONAL = ("aftersales", "loyalty", "scores", "grades")


def render_page(report: Report, language: Language) -> str:
    """Return the report as an HTML document in Chinese (``zh``) or English (``en``)."""
    words = Words(language, report.money)
    views = _views(report, words)
    sections = [name for name in _PARTS if name not in _OPTIONAL or views[name]]
    values = {
        "w": words,
        "r": report,
        "version": __version__,
        "sections": [(name, words(name)) for name in sections],
        **views,
    }
    return framed("report.html.j2", values, page_data(report, words))


def _views(report: Report, words: Words) -> dict[str, Any]:
    overview, people = Overview(report, words), People(report, words)
    notes, outcomes = NotesView(report, words), Outcomes(report, words)
    verdicts = Verdicts(report, words)
    return {
        "tiles": overview.tiles(),
        "said": overview.said(),
        "tree": overview.tree(),
        "books": overview.books(),
        "least": LEAST,
        "training": people.training(),
        "team_codes": people.team_codes(),
        "team_rows": people.team_rows(),
        "thresholds": THRESHOLDS,
        "waits": people.waits(),
        "sheets": people.sheets(),
        "aftersales": outcomes.aftersales(),
        "products": outcomes.products(),
        "disputes": outcomes.disputes(),
        "trailing": bool(report.trailing),
        "concentration": outcomes.concentration(),
        "loyalty": outcomes.loyalty(),
        "cohorts": outcomes.cohorts(),
        "scores": verdicts.scores(),
        "grades": verdicts.grades(),
        "filters": notes.filters(),
        "immature": notes.immature(),
        "defined": [code for code in SHEET_CODES if code in report.shop],
    }


def page_data(report: Report, words: Words) -> dict[str, Any]:
    """Return what the page's own scripts draw, and every figure it shows, for other programs."""
    return {
        "language": words.language,
        "money": report.money,
        "charts": charts(report, words),
        "figures": {
            "shop_id": report.shop_id,
            "first": report.period.first.isoformat(),
            "last": report.period.last.isoformat(),
            "judge_rule": report.judge_rule,
            "settings_id": report.settings_id,
            "as_of": report.as_of,
            "shop": _figures(report.shop),
            "previous": _figures(report.previous),
            "agents": {one.agent_id: _figures(one.figures) for one in report.agents.sheets},
            "waits": {one.agent_id: _waits(one.waits) for one in report.agents.sheets},
        },
    }


def _figures(figures: Figures) -> dict[str, list[Any]]:
    """Code -> value, numerator, denominator, status."""
    return {
        code: [json_value(part) for part in (row.value, row.numerator, row.denominator, row.status)]
        for code, row in figures.items()
    }


def _waits(waits: Waits) -> dict[str, Any]:
    return {
        "rounds": waits.rounds,
        "answered": waits.answered,
        "mean": waits.mean,
        "median": waits.median,
        "p90": waits.p90,
        "within": {str(seconds): waits.share_within(seconds) for seconds in THRESHOLDS},
    }
