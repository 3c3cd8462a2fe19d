"""A workspace and its verbs: what the command line, notebooks and the web all call.

import jinpai

shop = jinpai.open("my-shop")
shop.import_files(["exports/"])
shop.run()
table = shop.metrics(by=["agent", "day"])       # a pyarrow Table
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from jinpai import quality
from jinpai.appraisal.api import Appraisals
from jinpai.compare import compare_sales
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.explain import explain_order, explain_reception
from jinpai.hints import shell_word
from jinpai.importing import Imported, import_paths
from jinpai.inspection import list_findings, show_finding
from jinpai.line import again, put_views
from jinpai.metrics.cells import LONGEST_TRAILING
from jinpai.metrics.cohorts import Cohort, cohorts, cohorts_table
from jinpai.metrics.definition import CLASSES
from jinpai.metrics.evidence import explain_metric
from jinpai.metrics.query import MetricRow, ShopScope, query, select_metrics
from jinpai.metrics.result import to_arrow
from jinpai.periods import parse_day, parse_range
from jinpai.quality.names import know_rules
from jinpai.refresh.as_read import as_read
from jinpai.run import OnStep, RunReport, ShopRun, open_engine, run_line, shop_runs
from jinpai.settings import Settings
from jinpai.spark_run import SparkCluster
from jinpai.tables.lake import Lake, Snapshot
from jinpai.tables.load import Progress
from jinpai.workspace_config import Config, LakePlace, init_config, load_config

if TYPE_CHECKING:  # its patterns take a tenth of a second to load
    from jinpai.quality.acts.scan import Scanner
    from jinpai.quality.inspect import Inspected
    from jinpai.quality.judge import Judge

__all__ = ["CohortsResult", "MetricsResult", "Workspace", "init", "open_workspace"]

# Canonical tables that metrics count on; nothing derived holds their rows.
_AFTER_SALES = ("refunds", "complaints", "reviews", "order_items")


@dataclass(frozen=True)
class MetricsResult:
    """Figures with what made them.

    Attributes:
        shops: the shops asked for, as the run saw them (as_of, zone, settings_id).
        grain: the parts of the grain, in the order of the rows' keys.
        is_stale: data was loaded or settings changed since the run.
    """

    rows: list[MetricRow]
    shops: tuple[ShopRun, ...]
    grain: tuple[str, ...]
    judge_rule: str
    is_stale: bool

    @property
    def table(self) -> pa.Table:
        """The figures as an Arrow table, one row per (shop, cell, metric)."""
        return to_arrow(self.rows, self.grain)


@dataclass(frozen=True)
class CohortsResult:
    """Cohorts with what made them; the attributes as in `MetricsResult`."""

    cohorts: list[Cohort]
    shops: tuple[ShopRun, ...]
    judge_rule: str
    is_stale: bool

    @property
    def table(self) -> pa.Table:
        """The cohorts as an Arrow table, one row per (shop, cohort, month)."""
        return cohorts_table(self.cohorts)


class Workspace(Appraisals):
    """One company's folder: settings, lake, rejects. Open it with `jinpai.open`."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.config: Config = load_config(self.root)
        know_rules(self.root)
        place = self.config.lake
        self.lake = Lake(self.root, place.url, place.endpoint, place.region)

    def import_files(
        self,
        paths: Sequence[str | Path],
        *,
        source: str | None = None,
        mapping: str | Path | None = None,
        shop_id: str | None = None,
        options: Mapping[str, str] | None = None,
        dry_run: bool = False,
        strict: bool = False,
        progress: Progress | None = None,
        memory: str = "3GB",
        threads: int = 2,
        names: Mapping[Path, str] | None = None,
    ) -> Imported:
        """Import files, folders and archives, all or nothing (see `importing.import_paths`)."""
        return import_paths(
            self.lake,
            self.config,
            paths,
            source=source,
            mapping=mapping,
            shop_id=shop_id,
            options=options,
            dry_run=dry_run,
            strict=strict,
            progress=progress,
            memory=memory,
            threads=threads,
            names=names,
        )

    def run(
        self,
        *,
        as_of: str | None = None,
        full: bool = False,
        shop_id: str | None = None,
        memory: str | None = None,
        threads: int | None = None,
        spark: SparkCluster | None = None,
        on_step: OnStep | None = None,
    ) -> RunReport:
        """Make conversations, attribution, credits and findings (see `run.run_line`).

        What reviewers decided in the workspace's store, if it has one, is taken into account.
        """
        report = run_line(
            self.lake,
            self.config,
            as_of=as_of,
            full=full,
            shop_id=shop_id,
            memory=memory,
            threads=threads,
            spark=spark,
            on_step=on_step,
            rulings=self._rulings(),
        )
        if self.config.has_store:
            from jinpai.review.decisions import note_run

            note_run(self)
        return report

    def _rulings(self) -> pa.Table | None:
        if not self.config.has_store:  # and nothing that reads one is loaded
            return None
        from jinpai.review.decisions import rulings_for_run

        return rulings_for_run(self.config)

    def metrics(
        self,
        metrics: Sequence[str] | None = None,
        *,
        by: Sequence[str] = (),
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
        trailing: int = 0,
    ) -> pa.Table:
        """Return figures as an Arrow table (see `ask`)."""
        return self.ask(
            metrics,
            by=by,
            first=first,
            last=last,
            judge_rule=judge_rule,
            shop_id=shop_id,
            trailing=trailing,
        ).table

    def ask(
        self,
        metrics: Sequence[str] | None = None,
        *,
        by: Sequence[str] = (),
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
        trailing: int = 0,
    ) -> MetricsResult:
        """Return figures of the last run.

        Args:
            metrics: codes; default all that exist at the grain.
            by: parts of the grain: team, agent, product, day, week, month, and for dispute_share
                stage, cause; none is the whole period.
            first, last: local days, both inclusive; default the first to the last day loaded, for
                after-sales metrics the 28 days that end with the day of as_of.
            judge_rule: order, order_first or payment; default the shop's setting.
            shop_id: default all shops.
            trailing: each cell is the so many days (1 to 400) that end with its last day; 0 is off.
        Raises:
            UsageError: before the first run; an impossible range.
            UnknownName: metric, grain, rule or shop.
        """
        chosen = select_metrics(metrics, by)
        _check_trailing(trailing)
        with self.derived(shop_id) as (engine, shops, snapshot):
            rule = judge_rule or _rule_of(shops)
            scopes = scopes_of(shops, first, last)
            rows = query(
                engine, scopes, metrics=chosen, grain=by, judge_rule=rule, trailing=trailing
            )
            shares = rows if any(metric.classes for metric in chosen) else []
            classes = [part for part in CLASSES if any(part in row.grain for row in shares)]
            grain = tuple(dict.fromkeys((*by, *classes)))
            return MetricsResult(rows, tuple(shops), grain, rule, self._stale(snapshot, shops))

    def cohorts(
        self,
        *,
        agent: str | None = None,
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
    ) -> CohortsResult:
        """Return the cohorts of the last run (see `metrics.cohorts.cohorts`).

        Args:
            agent: only buyers whose first order is credited to this account.
            first, last: only buyers whose first purchase lies on these days; default all.
        """
        with self.derived(shop_id) as (engine, shops, snapshot):
            rule = judge_rule or _rule_of(shops)
            found = cohorts(engine, scopes_of(shops, first, last), agent=agent, judge_rule=rule)
            return CohortsResult(found, tuple(shops), rule, self._stale(snapshot, shops))

    @contextmanager
    def derived(
        self, shop_id: str | None = None
    ) -> Iterator[tuple[DuckEngine, list[ShopRun], Snapshot]]:
        """Open the last run: an engine with its relations, its shops, and the snapshot.

        Raises UsageError before the first run, UnknownName for a shop it did not see.
        """
        snapshot = self.lake.snapshot()
        if snapshot.run is None:
            raise UsageError(
                f"There are no figures yet; make them with: jinpai run {shell_word(self.root)}",
                zh=f"还没有计算结果；请先计算：jinpai run {shell_word(self.root)}",
            )
        shops = shop_runs(snapshot.run)
        if shop_id is not None:
            known = [shop.shop_id for shop in shops]
            if shop_id not in known:
                raise UnknownName("shop", shop_id, known)
            shops = [shop for shop in shops if shop.shop_id == shop_id]
        with open_engine(self.root) as engine:
            self.prepare(engine, shops, snapshot)
            yield engine, shops, snapshot

    @staticmethod
    def prepare(engine: DuckEngine, shops: Sequence[ShopRun], snapshot: Snapshot) -> None:
        """Let an engine know the relations of a run that figures are counted from."""
        snapshot.register_derived(engine.con)
        quality.put_missing(engine, snapshot.derived)
        put_views(engine, shops)
        as_read(snapshot).register(engine.con, _AFTER_SALES)

    def explain_metric(
        self,
        code: str,
        *,
        agent: str | None = None,
        team: str | None = None,
        product: str | None = None,
        stage: str | None = None,
        cause: str | None = None,
        day: str | date | None = None,
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        unmask: bool = False,
    ) -> dict[str, Any]:
        """Return a figure with the rows behind it (see `metrics.evidence.explain_metric`).

        Args:
            agent, team, product: the cell; default all of them, empty text the row without one.
            stage, cause: the class of complaints whose dispute_share is asked for; default all.
            day: a cell of one day; default the whole period from first to last.
            limit, offset: how many rows to return at most, after how many; default all.
            unmask: show buyers' mobile numbers in texts.
        """
        who = {"agent": agent, "team": team, "product": product, "stage": stage, "cause": cause}
        with self._opened(shop_id) as (engine, shop):
            return explain_metric(
                engine,
                scopes_of([shop], first, last)[0],
                code,
                who={part: name or None for part, name in who.items() if name is not None},
                day=None if day is None else _day(day),
                judge_rule=judge_rule or str(shop.settings["judge_rule"]),
                limit=limit,
                offset=offset,
                unmask=unmask,
            )

    def explain_order(
        self, order_id: str, *, shop_id: str | None = None, unmask: bool = False
    ) -> dict[str, Any]:
        """Return why an order is whose (see `explain.explain_order`)."""
        with self._opened(shop_id) as (engine, shop):
            return explain_order(engine, scopes_of([shop], None, None)[0], order_id, unmask=unmask)

    def explain_reception(
        self,
        agent: str,
        buyer: str,
        day: str | date,
        *,
        shop_id: str | None = None,
        unmask: bool = False,
    ) -> dict[str, Any]:
        """Return why a reception counts as it does (see `explain.explain_reception`).

        ``agent`` may be empty: the reception of nobody in particular.
        """
        with self._opened(shop_id) as (engine, shop):
            scope = scopes_of([shop], None, None)[0]
            return explain_reception(engine, scope, agent or None, buyer, _day(day), unmask=unmask)

    def decompose(
        self,
        *,
        agent: str | None = None,
        versus: str = "previous",
        first: str | date | None = None,
        last: str | date | None = None,
        judge_rule: str | None = None,
        shop_id: str | None = None,
    ) -> dict[str, Any]:
        """Return what made the difference in sales (see `compare.compare_sales`).

        Args:
            agent: whose sales; default the shop's.
            versus: ``team``, ``previous`` or another agent_id.
        """
        with self._opened(shop_id) as (engine, shop):
            return compare_sales(
                engine,
                scopes_of([shop], first, last)[0],
                agent=agent,
                versus=versus,
                loaded_from=date.fromisoformat(shop.first_day),
                judge_rule=judge_rule or str(shop.settings["judge_rule"]),
            )

    def inspect(
        self, judge: Judge, scanner: Scanner, *, shop_id: str | None = None
    ) -> Iterator[Inspected]:
        """Yield the unfiltered sessions of the last run, judged (see `quality.shop`).

        For trying rules: `findings` has what the run itself found.
        """
        from jinpai.quality.shop import inspect_shops

        with self.derived(shop_id) as (engine, shops, snapshot):
            as_read(snapshot).register(engine.con, ("messages", "orders", "transfers", "products"))
            yield from inspect_shops(engine, list(map(again, shops)), judge, scanner)

    def findings(
        self,
        *,
        rules: Sequence[str] = (),
        agent: str | None = None,
        first: str | date | None = None,
        last: str | date | None = None,
        faults: bool = False,
        limit: int | None = None,
        shop_id: str | None = None,
    ) -> tuple[list[dict[str, Any]], int]:
        """Return findings of the last run, the costliest first, and how many there are in all.

        Args:
            rules: codes; none is all.
            agent: only this account's; empty text is nobody in particular.
            first, last: local days, both inclusive; default all.
            faults: leave out merits.
            limit: how many to return at most; default all.
        """
        start, end = parse_range(_text(first), _text(last))
        with self.derived(shop_id) as (engine, shops, _):
            return list_findings(
                engine, shops, rules=rules, agent=agent, first=start, last=end,
                faults=faults, limit=limit,
            )  # fmt: skip

    def finding(
        self, finding_id: str, *, shop_id: str | None = None, unmask: bool = False
    ) -> dict[str, Any]:
        """Return a finding with its conversation (see `inspection.show_finding`)."""
        with self.derived(shop_id) as (engine, shops, snapshot):
            as_read(snapshot).register(engine.con, ("messages", "orders"))
            return show_finding(engine, shops, finding_id, unmask=unmask)

    @contextmanager
    def _opened(self, shop_id: str | None) -> Iterator[tuple[DuckEngine, ShopRun]]:
        """Open one shop of the last run, its canonical tables as the run read them."""
        with self.derived(shop_id) as (engine, shops, snapshot):
            if len(shops) > 1:
                names = ", ".join(shop.shop_id for shop in shops)
                raise UsageError(
                    f"There are several shops ({names}); choose one with --shop.",
                    zh=f"有多家店铺（{names}）；请用 --shop 指定一家。",
                )
            as_read(snapshot).register(engine.con, ("messages", "orders"))
            yield engine, shops[0]

    def is_behind(self, snapshot: Snapshot, shop: ShopRun) -> bool:
        """Tell whether data was loaded or settings changed since a shop's part of the last run."""
        return self._stale(snapshot, [shop])

    def _stale(self, snapshot: Snapshot, shops: Sequence[ShopRun]) -> bool:
        run = snapshot.run or {}
        inputs = {
            name: at for name, at in snapshot.versions.items() if name not in snapshot.derived
        }
        changed = any(self._settings(shop).settings_id != shop.settings_id for shop in shops)
        read = [shop.versions or run.get("versions") for shop in shops]
        return any(versions != inputs for versions in read) or changed

    def _settings(self, shop: ShopRun) -> Settings:
        return self.config.settings(shop.shop_id if shop.shop_id in self.config.shops else None)


def _check_trailing(trailing: int) -> None:
    if not 0 <= trailing <= LONGEST_TRAILING:
        raise UsageError(
            f"--trailing: {trailing} is not between 1 and {LONGEST_TRAILING} days.",
            zh=f"--trailing：{trailing} 不在 1 至 {LONGEST_TRAILING} 天之间。",
        )


def scopes_of(
    shops: Sequence[ShopRun], first: str | date | None, last: str | date | None
) -> list[ShopScope]:
    """Return the shops with the range asked for, or their own; shops without a day are left out."""
    start, end = parse_range(_text(first), _text(last))
    scopes = []
    for shop in shops:
        begins = start or date.fromisoformat(shop.first_day)
        ends = end or date.fromisoformat(shop.last_day)
        if begins <= ends:
            settings, is_default = Settings.of(shop.settings), start is None and end is None
            place = (shop.shop_id, shop.timezone, settings, shop.as_of_us)
            scopes.append(ShopScope(*place, begins, ends, is_default))
    if not scopes:
        raise UsageError(
            f"No day lies between {start or shops[0].first_day} and {end or shops[0].last_day}; "
            f"loaded are {shops[0].first_day} to {shops[0].last_day}.",
            zh=f"{start or shops[0].first_day} 与 {end or shops[0].last_day} 之间没有日期；"
            f"已导入的是 {shops[0].first_day} 至 {shops[0].last_day}。",
        )
    return scopes


def _day(day: str | date) -> date:
    return day if isinstance(day, date) else parse_day(day)


def _text(day: str | date | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day


def _rule_of(shops: Sequence[ShopRun]) -> str:
    rules = {str(shop.settings["judge_rule"]) for shop in shops}
    if len(rules) > 1:
        raise UsageError(
            f"The shops have different judge rules ({', '.join(sorted(rules))}); "
            "choose one with --judge-rule or one shop with --shop.",
            zh=f"各店铺的判定规则不同（{'、'.join(sorted(rules))}）；"
            "请用 --judge-rule 指定规则，或用 --shop 指定一家店铺。",
        )
    return rules.pop()


def open_workspace(root: str | Path) -> Workspace:
    """Open a workspace; raises WorkspaceError when there is none at that path."""
    return Workspace(root)


def init(
    root: str | Path,
    *,
    shop_id: str,
    name: str,
    platform: str,
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    lake: str | None = None,
    lake_endpoint: str | None = None,
) -> Workspace:
    """Make a workspace with one shop and open it.

    Args:
        lake: where its tables shall lie (``s3://bucket/prefix``); default in the folder itself.
        lake_endpoint: address of an S3-compatible service; default AWS_ENDPOINT_URL.
    Raises:
        WorkspaceError: there is a workspace already.
        UsageError: the lake's place cannot be used.
    """
    place = LakePlace(lake, lake_endpoint) if lake else None
    init_config(root, shop_id, name, platform, timezone, currency, place)
    return Workspace(root)
