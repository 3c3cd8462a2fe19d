"""What the page shows beside plain figures: sentences, places, changes and their colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.findings import one_per_topic
from jinpai.reports.model import AgentSheet, Figures, Finding, Report, Split, Standing
from jinpai.reports.tables import SHEET_CODES, TEAM_CODES
from jinpai.reports.waits import merged
from jinpai.reports.words import NONE, Words

__all__ = ["Cell", "Views", "tone"]

_SHOWN = 3


@dataclass(frozen=True)
class Cell:
    """A figure with what stands under it, coloured where it differs clearly from the team's."""

    row: MetricRow | None
    under: str
    tone: str


def tone(code: str, now: Any, before: Any) -> str:
    """Return ``better``, ``worse`` or nothing for a change of a metric."""
    direction = registry().metric(code).direction
    if now is None or before is None or direction == "none" or now == before:
        return ""
    return "better" if (now > before) == (direction == "higher") else "worse"


class Views:
    """The parts of one report in one language."""

    def __init__(self, report: Report, words: Words) -> None:
        self._r, self._w = report, words
        self._anchors = {
            sheet.agent_id: f"agent-{place}" for place, sheet in enumerate(report.agents.sheets, 1)
        }

    # overview

    def tiles(self) -> list[dict[str, Any]]:
        """Return the headline's figures."""
        w, shop = self._w, self._r.shop
        share = _share(shop["sales_amount"].value, shop["shop_sales_amount"].value)
        notes = {"sales_amount": w("share_of_shop", share=w.percent(share))}
        return [
            {
                "title": w("shop_sales") if code == "shop_sales_amount" else w.name(code),
                "row": shop[code],
                "text": w.short(shop[code].value)
                if registry().metric(code).unit == "money"
                else w.value(code, shop[code].value),
                "change": self._change(code, shop, self._r.previous),
                "tone": self._tone(code, shop, self._r.previous),
                "note": notes.get(code, ""),
            }
            for code in _TILES
            if code in shop
        ]

    def _change(self, code: str, now: Figures, before: Figures) -> str:
        if code not in before:
            return ""
        return self._w.change(registry().metric(code), now[code].value, before[code].value)

    @staticmethod
    def _tone(code: str, now: Figures, before: Figures) -> str:
        return tone(code, now[code].value, before[code].value) if code in before else ""

    def said(self) -> str:
        """Say what made the change of inquiry sales; nothing without a period before."""
        split, w = self._r.split, self._w
        if split is None or not split.parts.difference:
            return ""
        place = max(range(len(FACTORS)), key=lambda n: abs(split.parts.factors[n]))
        key = "change_text_up" if split.parts.difference > 0 else "change_text_down"
        share = _share(split.parts.difference, split.other.amount)
        return w(
            key,
            amount=w.amount(abs(split.parts.difference)),
            share=w.percent(abs(share)) if share is not None else NONE,
            factor=w(FACTORS[place]),
            part=w.amount(split.parts.factors[place], signed=True),
        )

    def tree(self) -> list[dict[str, Any]]:
        """Return the lines of the sales identity, from the agents' sales down to its factors."""
        shop, before = self._r.shop, self._r.previous
        lines = [
            self._tree_line(0, "", "sales_amount", self._w("agent_sales")),
            self._tree_line(1, "＝", "inquiry_sales_amount", self._w("inquiry_sales")),
        ]
        for place, factor in enumerate(FACTORS):
            lines.append(self._factor_line(place, factor))
        residual = [_residual(figures) for figures in (shop, before)]
        change = residual[0] - residual[1] if before else None
        lines.append(
            {
                "level": 1,
                "op": "＋",
                "title": self._w("residual"),
                "row": None,
                "now": self._w.amount(residual[0]),
                "before": self._w.amount(residual[1]) if before else NONE,
                "change": self._w.amount(change, signed=True),
                "tone": _money_tone(change),
                "part": "",
                "part_tone": "",
            }
        )
        return lines

    def tree_numbers(self) -> list[tuple[Any, ...]]:
        """Return the same lines as numbers: title, value, value before, its part of the change."""
        w, shop, before, split = self._w, self._r.shop, self._r.previous, self._r.split
        names = (("agent_sales", "sales_amount"), ("inquiry_sales", "inquiry_sales_amount"))
        lines: list[tuple[Any, ...]] = [
            (w(key), shop[code].value, before[code].value if before else None, None)
            for key, code in names
        ]
        for place, factor in enumerate(FACTORS):
            other = split.other.factors[place] if split else None
            part = split.parts.factors[place] if split else None
            lines.append((w(factor), _factor(shop, place), other, part))
        left = _residual(before) if before else None
        return [*lines, (w("residual"), _residual(shop), left, None)]

    def _tree_line(self, level: int, op: str, code: str, title: str) -> dict[str, Any]:
        now, before = self._r.shop[code], self._r.previous.get(code)
        change = now.value - before.value if before else None  # type: ignore[operator]
        return {
            "level": level,
            "op": op,
            "title": title,
            "row": now,
            "now": self._w.value(code, now.value),
            "before": self._w.value(code, before.value) if before else NONE,
            "change": self._w.amount(change, signed=True),
            "tone": _money_tone(change),
            "part": "",
            "part_tone": "",
        }

    def _factor_line(self, place: int, factor: str) -> dict[str, Any]:
        w, split = self._w, self._r.split
        own = _factor(self._r.shop, place)
        other = split.other.factors[place] if split else None
        metric = registry().metric(_FACTOR_UNITS[place])
        part = split.parts.factors[place] if split else None
        return {
            "level": 2,
            "op": "＝××"[place],
            "title": w(factor),
            "row": None,
            "now": w.in_unit(metric, own),
            "before": w.in_unit(metric, other),
            "change": w.change(metric, own, other),
            "tone": _money_tone(
                None if own is None or other is None else float(own) - float(other)
            ),
            "part": w.amount(part, signed=True),
            "part_tone": _money_tone(part),
        }

    def books(self) -> str:
        """Say that the shop's sales add up."""
        shop, amount = self._r.shop, self._w.amount
        return self._w(
            "reconcile",
            shop=amount(shop["shop_sales_amount"].value),
            agents=amount(shop["sales_amount"].value),
            silent=amount(shop["silent_amount"].value),
            excluded=amount(shop["excluded_amount"].value),
        )

    # training

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

    # team

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

    # response

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

    # sheets

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
            "lines": [
                self._sheet_line(sheet, code) for code in SHEET_CODES if code in sheet.figures
            ],
        }

    def _sheet_line(self, sheet: AgentSheet, code: str) -> dict[str, Any]:
        w, row, standing = self._w, sheet.figures[code], sheet.standings[code]
        n = w.count(int(row.denominator)) if row.denominator and not _is_against(code) else ""
        return {
            "title": w.name(code),
            "row": row,
            "n": n,
            "others": w.value(code, standing.others),
            "place": self._place(standing) if standing.of > 1 else NONE,
            "before": sheet.previous.get(code),
            "change": self._change(code, sheet.figures, sheet.previous) or NONE,
            "tone": self._tone(code, sheet.figures, sheet.previous),
        }

    def _split(self, split: Split) -> dict[str, Any]:
        w, units = self._w, [registry().metric(code) for code in _FACTOR_UNITS]
        sides = zip(FACTORS, split.own.factors, split.other.factors, units, strict=True)
        lines = [
            {
                "title": w(factor),
                "side": w("split_side", own=w.in_unit(unit, own), other=w.in_unit(unit, other)),
                "part": w.amount(part, signed=True),
                "tone": _money_tone(part),
            }
            for (factor, own, other, unit), part in zip(sides, split.parts.factors, strict=True)
        ]
        residuals = [w.amount(side.residual) for side in (split.own, split.other)]
        lines.append(
            {
                "title": w("residual"),
                "side": w("split_side", own=residuals[0], other=residuals[1]),
                "part": w.amount(float(split.parts.residual), signed=True),
                "tone": _money_tone(split.parts.residual),
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
        return said + w("split_main", factor=w(factor), part=w.amount(part, signed=True))

    # notes

    def filters(self) -> list[dict[str, Any]]:
        """Return what each filter took out, and from whom."""
        w, groups = self._w, defaultdict[str, list[tuple[str | None, int]]](list)
        for reason, agent, receptions, _ in self._r.notes.filters:
            groups[reason].append((agent, receptions))
        return [
            {
                "reason": w(f"filter_{reason}"),
                "receptions": sum(count for _, count in found),
                "whom": w("comma").join(
                    f"{agent or w('unassigned')} {w.count(count)}" for agent, count in found
                ),
            }
            for reason, found in groups.items()
        ]

    def immature(self) -> list[tuple[str, str]]:
        """Return the figures that are not final, by the day that makes them so."""
        groups = defaultdict[Any, list[str]](list)
        for code, day in self._r.notes.immature.items():
            groups[day].append(self._w.name(code))
        return [(self._w.day(day), self._w("comma").join(groups[day])) for day in sorted(groups)]

    def all_waits_but(self, agent: str) -> Any:
        """Return the waits of an agent's team without the agent's own."""
        sheet = next(one for one in self._r.agents.sheets if one.agent_id == agent)
        return merged(
            one.waits
            for one in self._r.agents.sheets
            if one.team == sheet.team and one.agent_id != agent
        )


_TILES = (
    "shop_sales_amount",
    "sales_amount",
    "inquiry_conversion_rate",
    "amount_per_buyer",
    "first_response_seconds",
    "reply_rate",
)
# What the three factors of the sales identity are written like.
_FACTOR_UNITS = ("inquiry_buyers", "inquiry_conversion_rate", "amount_per_buyer")


def _is_against(code: str) -> bool:
    return bool(registry().metric(code).against)


def _share(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if part is not None and whole else None


def _residual(figures: Mapping[str, MetricRow]) -> Decimal:
    if not figures:
        return Decimal(0)
    parts = [figures[code].value for code in ("sales_amount", "inquiry_sales_amount")]
    return Decimal(parts[0] or 0) - Decimal(parts[1] or 0)


def _factor(figures: Figures, place: int) -> Any:
    if place < 2:
        return figures[FACTORS[place]].value
    amount, paid = (figures[f"inquiry_{name}"].value for name in ("sales_amount", "paid_buyers"))
    return Fraction(amount or 0) / int(paid) if paid else None


def _money_tone(change: Any) -> str:
    if change is None or change == 0:
        return ""
    return "better" if change > 0 else "worse"
