"""The people: who needs training in what, the team table, waits, and everybody's own page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.changes import FACTOR_UNITS, change_of, money_tone, tone_of
from jinpai.reports.findings import one_per_topic
from jinpai.reports.model import AgentSheet, Finding, Report, Split, Standing
from jinpai.reports.tables import SELLING_CODES, SERVICE_CODES, TEAM_CODES
from jinpai.reports.words import NONE, Words

__all__ = ["Cell", "People", "anchors"]

_SHOWN = 3


@dataclass(frozen=True)
class Cell:
    """A figure with what stands under it, coloured where it differs clearly from the team's."""

    row: MetricRow | None
    under: str
    tone: str


def anchors(report: Report) -> dict[str, str]:
    """Return agent_id -> the id of the agent's place on the page."""
    return {sheet.agent_id: f"agent-{at}" for at, sheet in enumerate(report.agents.sheets, 1)}


class People:
    """The people of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words
        self._anchors = anchors(report)

    def training(self) -> list[dict[str, Any]]:
        """Return a line per agent, those to train first."""
        lines = [self._verdict(sheet) | {"name": sheet.name} for sheet in self._r.agents.sheets]
        return sorted(lines, key=lambda line: not line["weak"])

    def _verdict(self, sheet: AgentSheet) -> dict[str, Any]:
        told = one_per_topic(sheet.findings)
        weak = [one for one in told if one.is_weak][:_SHOWN]
        strong = [one for one in told if not one.is_weak][:_SHOWN]
        return {
            "team": sheet.team or "",
            "weak": [self._weakness(one) for one in weak],
            "strong": [self._strength(one) for one in strong],
            "quiet": self._w("none_weak" if sheet.is_judged else "not_judged"),
        }

    def _weakness(self, one: Finding) -> dict[str, str]:
        w = self._w
        coach = ""
        if one.coach is not None:
            coach = w("coach", name=one.coach[0], value=w.value(one.code, one.coach[1]))
        return {
            "metric": w.name(one.code),
            "text": w(
                "finding_weak",
                own=w.value(one.code, one.own),
                others=w.value(one.code, one.others),
                n=w.count(one.n),
                others_n=w.count(one.others_n),
            ),
            "topic": w(f"topic_{one.topic}"),
            "coach": coach,
        }

    def _strength(self, one: Finding) -> str:
        own, others = (self._w.value(one.code, value) for value in (one.own, one.others))
        return self._w("finding_strong", metric=self._w.name(one.code), own=own, others=others)

    def team_codes(self) -> list[str]:
        """Return the metrics of the team table."""
        return [code for code in TEAM_CODES if code in self._r.shop]

    def team_rows(self) -> list[dict[str, Any]]:
        """Return the team table: a group per team, a line per agent, the unassigned last."""
        groups: dict[str | None, list[AgentSheet]] = defaultdict(list)
        for sheet in self._r.agents.sheets:
            groups[sheet.team].append(sheet)
        rows = [self._group(team, sheets, len(groups)) for team, sheets in groups.items()]
        if self._r.agents.unassigned:
            cells = [
                Cell(self._r.agents.unassigned.get(code), "", "") for code in self.team_codes()
            ]
            line = {"name": self._w("unassigned"), "anchor": "", "cells": cells}
            rows.append({"title": "", "total": [], "lines": [line]})
        return rows

    def _group(self, team: str | None, sheets: Sequence[AgentSheet], groups: int) -> dict[str, Any]:
        totals = self._r.agents.teams.get(team or "", {})
        return {
            "title": (team or self._w("no_team")) if groups > 1 else "",
            "total": [totals.get(code) for code in self.team_codes()],
            "lines": [
                {
                    "name": sheet.name,
                    "anchor": self._anchors[sheet.agent_id],
                    "cells": [self._team_cell(sheet, code) for code in self.team_codes()],
                }
                for sheet in sheets
            ],
        }

    def _team_cell(self, sheet: AgentSheet, code: str) -> Cell:
        row, standing = sheet.figures[code], sheet.standings[code]
        parts = []
        if standing.place is not None and standing.of > 1:
            parts.append(self._place(standing))
        if row.denominator:
            parts.append(self._w("n_is", n=self._w.count(int(row.denominator))))
        colour = next(
            ("last" if one.is_weak else "best" for one in sheet.findings if one.code == code), ""
        )
        return Cell(row, " · ".join(parts), colour)

    def _place(self, standing: Standing) -> str:
        if standing.place is None:
            return NONE
        return self._w("place_of", place=standing.place, of=standing.of)

    def waits(self) -> list[dict[str, Any]]:
        """Return the tables of response times: of first responses and of all rounds."""
        sheets = self._r.agents.sheets
        blocks = (
            ("first_rounds", [(one.name, one.first_waits) for one in sheets], self._r.first_waits),
            ("all_rounds", [(one.name, one.waits) for one in sheets], self._r.waits),
        )
        made = []
        for key, found, whole in blocks:
            lines = [{"name": name, "of": of, "is_total": False} for name, of in found]
            lines.append({"name": self._w("everyone"), "of": whole, "is_total": True})
            made.append({"title": self._w(key), "lines": lines})
        return made

    def sheets(self) -> list[dict[str, Any]]:
        """Return the agents' own pages."""
        return [self._sheet(sheet) for sheet in self._r.agents.sheets]

    def _sheet(self, sheet: AgentSheet) -> dict[str, Any]:
        role = f"role_{sheet.role}"
        subs = [sheet.team or "", self._w(role) if self._w.has(role) else ""]
        return self._verdict(sheet) | {
            "anchor": self._anchors[sheet.agent_id],
            "name": sheet.name,
            "sub": " · ".join(part for part in subs if part),
            "split": None if sheet.split is None else self._split(sheet.split),
            "tables": [
                {"title": self._w(key), "lines": self._sheet_lines(sheet, codes)}
                for key, codes in (
                    ("sheet_selling", SELLING_CODES),
                    ("sheet_service", SERVICE_CODES),
                )
            ],
        }

    def _sheet_lines(self, sheet: AgentSheet, codes: Sequence[str]) -> list[dict[str, Any]]:
        """A line per metric that anybody in the shop has a value of."""
        shop = self._r.shop
        return [
            self._sheet_line(sheet, code)
            for code in codes
            if code in sheet.figures and (code not in shop or shop[code].value is not None)
        ]

    def _sheet_line(self, sheet: AgentSheet, code: str) -> dict[str, Any]:
        w, row, standing = self._w, sheet.figures[code], sheet.standings[code]
        n = w.count(int(row.denominator)) if row.denominator and not _is_against(code) else ""
        return {
            "title": w.name(code),
            "row": row,
            "n": n,
            "others": w.value(code, standing.others),
            "place": self._place(standing) if standing.of > 1 else NONE,
            "change": change_of(w, code, sheet.figures, sheet.previous) or NONE,
            "tone": tone_of(code, sheet.figures, sheet.previous),
        }

    def _split(self, split: Split) -> dict[str, Any]:
        w, units = self._w, [registry().metric(code) for code in FACTOR_UNITS]
        sides = zip(FACTORS, split.own.factors, split.other.factors, units, strict=True)
        lines = [
            {
                "title": w(factor),
                "side": w("split_side", own=w.in_unit(unit, own), other=w.in_unit(unit, other)),
                "part": w.amount(part, signed=True),
                "tone": money_tone(part),
            }
            for (factor, own, other, unit), part in zip(sides, split.parts.factors, strict=True)
        ]
        residuals = [w.amount(side.residual) for side in (split.own, split.other)]
        lines.append(
            {
                "title": w("residual"),
                "side": w("split_side", own=residuals[0], other=residuals[1]),
                "part": w.amount(float(split.parts.residual), signed=True),
                "tone": money_tone(split.parts.residual),
            }
        )
        return {"said": self._split_said(split), "lines": lines}

    def _split_said(self, split: Split) -> str:
        w = self._w
        difference = split.own.sales_amount - split.other.sales_amount
        parts = [*zip(FACTORS, split.parts.factors, strict=True)]
        parts.append(("residual", float(split.parts.residual)))
        factor, part = max(parts, key=lambda pair: abs(pair[1]))
        key = "split_text_more" if difference >= 0 else "split_text_less"
        said = w(key, members=split.members, amount=w.amount(abs(difference)))
        return said + w("split_main", factor=w.inside(factor), part=w.amount(part, signed=True))


def _is_against(code: str) -> bool:
    return bool(registry().metric(code).against)
