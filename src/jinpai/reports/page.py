"""The report as one HTML file that needs nothing else: no network, no folder beside it."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from jinpai import __version__
from jinpai.metrics.result import json_value
from jinpai.reports.charts import charts
from jinpai.reports.findings import LEAST
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
    css, echarts, script = (_asset(name) for name in _ASSETS)
    views = _views(report, words)
    sections = [name for name in _PARTS if name not in _OPTIONAL or views[name]]
    values = {
        "w": words,
        "r": report,
        "version": __version__,
        "sections": [(name, words(name)) for name in sections],
        "csp": _policy(css, [echarts, script]),
        "css": Markup(css),  # noqa: S704 - our own files
        "echarts": Markup(echarts),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "data": Markup(_safe_json(page_data(report, words))),  # noqa: S704 - escaped there
        **views,
    }
    return _template().render(values)


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


_ASSETS = ("report.css", "echarts.common.min.js", "report.js")


@cache
def _asset(name: str) -> str:
    return files("jinpai.reports").joinpath("assets", name).read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jinpai.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _policy(css: str, scripts: list[str]) -> str:
    """Nothing is fetched from anywhere; only our own scripts and style sheet count.

    The charts' tooltips set style attributes, hence the one exception.
    """
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src-elem {_hash(css)}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _safe_json(value: Any) -> str:
    """JSON that no HTML parser takes for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


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
