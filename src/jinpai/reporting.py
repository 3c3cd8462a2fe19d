"""From a workspace to a report: ask for everything it holds, all of one run.

from jinpai.reporting import collect
from jinpai.reports import render_page

report = collect(jinpai.open("my-shop"), first="2026-03-16", last="2026-03-30")
html = render_page(report, "en")
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinpai.appraisal.grades import grade_period
from jinpai.appraisal.period import score_period
from jinpai.errors import UsageError
from jinpai.metrics.query import MetricRow
from jinpai.periods import days, local_time
from jinpai.reports import render_page, write_workbook
from jinpai.reports.extras import Extra, read_extra
from jinpai.reports.frame import save_text, save_whole
from jinpai.reports.model import Agents, Figures, Grades, Notes, Period, Report
from jinpai.reports.products import ASKED, products
from jinpai.reports.tables import (
    DAY_CODES,
    Asked,
    immature,
    series,
    sheets,
    split_of,
)
from jinpai.reports.waits import merged
from jinpai.reports.words import Language
from jinpai.run import ShopRun
from jinpai.scoring.concentration import concentration
from jinpai.scoring.score import Sheet
from jinpai.settings import Settings
from jinpai.workspace import MetricsResult, Workspace, scopes_of

__all__ = ["Asking", "agents_of", "collect", "write_report"]


OnStep = Callable[[str, float], None]
_SUFFIXES = (".html", ".htm", ".xlsx")


def write_report(
    workspace: Workspace,
    out: str | Path,
    *,
    first: str | date | None = None,
    last: str | date | None = None,
    language: Language = "en",
    judge_rule: str | None = None,
    shop_id: str | None = None,
    plan: str | Path | None = None,
    policy: str | Path | None = None,
    on_step: OnStep | None = None,
) -> Report:
    """Write the report of a period as ``.html`` or ``.xlsx``; returns what it holds.

    The file appears whole or not at all. For the other arguments see `collect`.

    Raises:
        UsageError: another suffix, or a file that cannot be written; see `collect` too.
    """
    out = Path(out)
    if out.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"--out {out}: a report is a page or a workbook; name the file .html or .xlsx.",
            zh=f"--out {out}：报告是网页或表格；文件名请以 .html 或 .xlsx 结尾。",
        )
    tell = on_step or (lambda name, share: None)
    tell("figures", 0.0)
    report = collect(
        workspace,
        first=first,
        last=last,
        judge_rule=judge_rule,
        shop_id=shop_id,
        plan=plan,
        policy=policy,
    )
    tell(out.name, 0.8)
    if out.suffix.lower() == ".xlsx":
        save_whole(out, lambda aside: write_workbook(report, language, aside))
    else:
        save_text(out, render_page(report, language))
    return report


def collect(
    workspace: Workspace,
    *,
    first: str | date | None = None,
    last: str | date | None = None,
    judge_rule: str | None = None,
    shop_id: str | None = None,
    plan: str | Path | None = None,
    policy: str | Path | None = None,
) -> Report:
    """Return the report of a period of one shop.

    Args:
        first, last: local days, both inclusive; default the first to the last day loaded.
        judge_rule: order, order_first or payment; default the shop's setting.
        shop_id: the shop; needed where there are several.
        plan: a KPI plan to score by; without it the report has no scores.
        policy: a grade policy; without it the report has no grades.
    Raises:
        UsageError: before the first run; an impossible range; several shops and none chosen.
        UnknownName: judge rule or shop. InputError: no plan, no policy.
    """
    for _ in range(_TRIES):
        run = workspace.lake.snapshot().run
        asked = _asked_for(workspace, first, last, judge_rule, shop_id)
        report = _collected(workspace, *asked, plan, policy)
        if workspace.lake.snapshot().run == run:
            return report
    raise UsageError(
        "Runs were published while the report was being made; ask for it again.",
        zh="生成报告期间又有新的计算结果发布；请重新生成报告。",
    )


# A report is of one run: when another is published meanwhile, it is made again.
_TRIES = 3


def _collected(
    workspace: Workspace,
    shop: ShopRun,
    period: Period,
    rule: str,
    plan: str | Path | None,
    policy: str | Path | None,
) -> Report:
    ask = Asking(workspace, shop.shop_id, rule)
    before = _before(period, shop)
    with workspace.derived(shop.shop_id) as (engine, _, snapshot):
        extra = read_extra(engine, snapshot, workspace.config, shop.shop_id, period, rule)
    here = tuple(days(period.first, period.last))
    whole = ask.of(period)
    now = _cells(whole.rows, None)[None]
    then = {} if before is None else _cells(ask.of(before).rows, None)[None]
    agents = agents_of(ask, period, before, extra)
    waits = extra.waits.items()
    return Report(
        shop_id=shop.shop_id,
        shop_name=extra.shop_name,
        money=extra.money,
        timezone=shop.timezone,
        as_of=local_time(shop.as_of_us, shop.timezone).isoformat(),
        settings_id=shop.settings_id,
        judge_rule=rule,
        period=period,
        previous_period=before,
        days=here,
        shop=now,
        previous=then,
        split=split_of(now, then) if then else None,
        shop_days=series(ask.of(period, _SHOP_DAYS, by=("day",)).rows, here),
        first_waits=merged(one for (_, is_first), one in waits if is_first),
        waits=merged(one for _, one in waits),
        agents=agents,
        notes=_notes(workspace, shop, whole, period, rule, extra, has_before=before is not None),
        disputes=_disputes(ask, period),
        products=products(ask.of(period, ASKED, by=("product",)).rows, extra.titles),
        trailing=_trailing(ask, period, date.fromisoformat(shop.first_day), here),
        cohorts=tuple(workspace.cohorts(shop_id=shop.shop_id, judge_rule=rule).cohorts),
        scores=None if plan is None else _scores(workspace, plan, period, shop.shop_id),
        grades=None if policy is None else _grades(workspace, policy, period, shop.shop_id),
        concentration=concentration(
            {
                one.agent_id: Fraction(one.figures["sales_amount"].value or 0)
                for one in agents.sheets
            }
        ),
    )


def agents_of(ask: Asking, period: Period, before: Period | None, extra: Extra) -> Agents:
    """Return a sheet per agent of a period, with places, splits and findings against the team."""
    figures = _at_work(_cells(ask.of(period, by=("agent",)).rows, "agent_id"))
    previous = {} if before is None else _cells(ask.of(before, by=("agent",)).rows, "agent_id")
    here = tuple(days(period.first, period.last))
    per_day = _grouped(ask.of(period, DAY_CODES, by=("agent", "day")).rows)
    asked = Asked(
        figures={agent: of for agent, of in figures.items() if agent is not None},
        previous={agent: of for agent, of in previous.items() if agent is not None},
        roster=_ordered(extra.roster, figures),
        waits=extra.waits,
        baskets=extra.baskets,
        days={agent: series(rows, here) for agent, rows in per_day.items() if agent is not None},
    )
    teams = _teams(ask.of(period, by=("team",)).rows)
    return Agents(sheets(asked), figures.get(None, {}), teams)


def _notes(
    workspace: Workspace,
    shop: ShopRun,
    whole: MetricsResult,
    period: Period,
    rule: str,
    extra: Extra,
    *,
    has_before: bool,
) -> Notes:
    settings = Settings.of(shop.settings)
    return Notes(
        filters=_filters(extra),
        rejects=_rejects(workspace),
        immature=immature(
            _cells(whole.rows, None)[None],
            period.last,
            lambda metric: metric.maturity_days(settings, rule),
        ),
        no_previous=None if has_before else date.fromisoformat(shop.first_day),
        is_stale=whole.is_stale,
    )


_SHOP_DAYS = (*DAY_CODES, "shop_sales_amount", "silent_amount")


def _disputes(ask: Asking, period: Period) -> dict[str, tuple[MetricRow, ...]]:
    """Shares of complaints by stage and by cause; empty where there was none."""
    asked = {kind: ask.of(period, ["dispute_share"], by=(kind,)).rows for kind in _CLASSES}
    return {kind: tuple(rows) for kind, rows in asked.items() if rows}


_CLASSES = ("stage", "cause")
_TRAILING, _LEAST_DAYS = 28, 7


def _trailing(
    ask: Asking, period: Period, loaded_from: date, here: Sequence[date]
) -> dict[str, list[Any]]:
    """Rates of the 28 days that end with each day; null where not all of them are loaded.

    Empty where fewer than a week of days would be left: no line to speak of.
    """
    known = [loaded_from + timedelta(days=_TRAILING - 1) <= day for day in here]
    if sum(known) < _LEAST_DAYS:
        return {}
    rows = ask.of(period, ["refund_rate", "complaint_rate"], by=("day",), trailing=_TRAILING).rows
    found = series(rows, here)
    return {
        code: [value if is_known else None for value, is_known in zip(values, known, strict=True)]
        for code, values in found.items()
    }


def _scores(workspace: Workspace, plan: str | Path, period: Period, shop_id: str) -> Sheet:
    card = score_period(workspace, plan, first=period.first, last=period.last, shop_id=shop_id)
    sheet = card.sheets[0]
    return replace(sheet, notes=(*card.notes, *sheet.notes))


def _grades(workspace: Workspace, policy: str | Path, period: Period, shop_id: str) -> Grades:
    card = grade_period(workspace, policy, first=period.first, last=period.last, shop_id=shop_id)
    return Grades(card.policy.name, card.shops[0].graded, card.notes)


@dataclass(frozen=True)
class Asking:
    """Figures of one shop under one rule."""

    workspace: Workspace
    shop_id: str
    rule: str

    def of(
        self,
        period: Period,
        codes: Sequence[str] | None = None,
        by: Sequence[str] = (),
        trailing: int = 0,
    ) -> MetricsResult:
        """Return the figures of a period at a grain; default every metric there is at it."""
        return self.workspace.ask(
            codes,
            by=by,
            first=period.first,
            last=period.last,
            judge_rule=self.rule,
            shop_id=self.shop_id,
            trailing=trailing,
        )


def _asked_for(
    workspace: Workspace,
    first: str | date | None,
    last: str | date | None,
    judge_rule: str | None,
    shop_id: str | None,
) -> tuple[ShopRun, Period, str]:
    with workspace.derived(shop_id) as (_, shops, _):
        if len(shops) > 1:
            names = ", ".join(shop.shop_id for shop in shops)
            raise UsageError(
                f"There are several shops ({names}); a report is of one: choose it with --shop.",
                zh=f"有多家店铺（{names}）；报告只针对一家，请用 --shop 指定。",
            )
        scope = scopes_of(shops, first, last)[0]
        rule = judge_rule or str(shops[0].settings["judge_rule"])
        return shops[0], Period(scope.first, scope.last), rule


def _before(period: Period, shop: ShopRun) -> Period | None:
    """The same number of days just before, where all of them are loaded."""
    last = period.first - timedelta(days=1)
    first = last - (period.last - period.first)
    return None if first < date.fromisoformat(shop.first_day) else Period(first, last)


def _cells(rows: Iterable[MetricRow], key: str | None) -> dict[str | None, Figures]:
    cells: dict[str | None, dict[str, MetricRow]] = defaultdict(dict)
    for row in rows:
        cells[row.grain[key] if key else None][row.metric] = row
    return dict(cells)


def _at_work(cells: Mapping[str | None, Figures]) -> dict[str | None, Figures]:
    """Those who received or sold something; others have figures of what they did earlier only."""
    return {agent: of for agent, of in cells.items() if "sales_amount" in of}


def _grouped(rows: Iterable[MetricRow]) -> dict[str | None, list[MetricRow]]:
    groups: dict[str | None, list[MetricRow]] = defaultdict(list)
    for row in rows:
        groups[row.grain["agent_id"]].append(row)
    return groups


def _teams(rows: Iterable[MetricRow]) -> dict[str, Figures]:
    return {team: of for team, of in _cells(rows, "team").items() if team is not None}


def _ordered(
    roster: Mapping[str, dict[str, Any]], figures: Mapping[str | None, Figures]
) -> dict[str, dict[str, Any]]:
    """Every agent with a figure, best seller first; accounts not in the roster have their id."""
    entries = {
        agent: roster.get(agent, {"name": agent, "team": None, "role": None})
        for agent in figures
        if agent is not None
    }
    used = Counter(entry["name"] or agent for agent, entry in entries.items())
    named = {
        agent: entry
        | {"name": _name(entry["name"], agent, used[entry["name"] or agent] > 1)}
        for agent, entry in entries.items()
    }  # fmt: skip
    return dict(sorted(named.items(), key=lambda pair: (-_sales(figures[pair[0]]), pair[0])))


def _name(name: str | None, agent: str, is_shared: bool) -> str:
    if not name or name == agent:
        return agent
    return f"{name} ({agent})" if is_shared else name


def _sales(figures: Figures) -> float:
    return float(figures["sales_amount"].value or 0)


def _filters(extra: Extra) -> tuple[tuple[str, str | None, int, int], ...]:
    found = []
    for row in extra.filters:
        agent = row["agent_id"]
        name = None if agent is None else extra.roster.get(agent, {}).get("name") or agent
        found.append((row["filter_reason"], name, row["receptions"], row["buyers"]))
    return tuple(sorted(found, key=lambda one: (one[0], -one[2], one[1] or "")))


def _rejects(workspace: Workspace) -> tuple[tuple[str, str, int], ...]:
    table = workspace.lake.rejects().select(["table", "reason"])
    counts = Counter((row["table"], row["reason"]) for row in table.to_pylist())
    return tuple((table, reason, rows) for (table, reason), rows in sorted(counts.items()))
