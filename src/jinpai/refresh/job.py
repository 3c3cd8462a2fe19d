"""One run: plan it, make what is needed, prove the books, publish."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from jinpai import attribution, quality
from jinpai.conversations.inputs import RunShop, settings_in_use
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.errors import LacksMemory
from jinpai.line import (
    CHECKED,
    RESULTS,
    OnStep,
    ShopRun,
    check,
    line_steps,
    make,
    shop_run,
    shop_runs,
)
from jinpai.periods import DAY_US
from jinpai.quality.inspector import Inspector
from jinpai.refresh import narrow
from jinpai.refresh.books import sales_check
from jinpai.refresh.ground import TOUCHED, AnyGround
from jinpai.refresh.layout import bucketed, cutoff_of, first_day_of
from jinpai.refresh.lineage import ancestors, words_of
from jinpai.refresh.load import MOVED, with_known_load
from jinpai.refresh.merge import patch
from jinpai.refresh.plan import Plan, code_id, make_plan, message_rows, widened
from jinpai.refresh.report import RunReport
from jinpai.refresh.slices import LOOSE, MOST_SLICES, Slices, slices_for
from jinpai.refresh.span import first_week, longest_session, order_bound
from jinpai.tables import delta
from jinpai.tables.derived import Made, Patch
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

__all__ = ["Job"]

_JUDGED = {*quality.RESULTS}
# What findings are made of.
_FOUND = ("sessions", "roster")
# What lacked memory is tried again in so many times more slices.
_MORE_SLICES = 4


class Job:
    """A run on one snapshot, whose canonical tables the engine knows by name."""

    def __init__(
        self,
        ground: AnyGround,
        shops: Sequence[RunShop],
        *,
        inspector: Inspector,
        only: str | None = None,
        on_step: OnStep | None = None,
    ) -> None:
        self.ground, self.shops = ground, list(shops)
        self.engine, self.snapshot = ground.engine, ground.snapshot
        self.inspector = inspector
        self.only, self.on_step = only, on_step
        self.seconds: dict[str, float] = {}
        # Of all shops in force; the longest session ever seen will do as well.
        self.longest_us = int((self.snapshot.run or {}).get("longest_session_us", 0))
        self.cutoff = int((self.snapshot.run or {}).get("cutoff", 0))

    def run(self, *, full: bool = False) -> RunReport:
        """Do it; raises BalanceError, EngineError, WorkspaceError."""
        started = time.perf_counter()
        plan = make_plan(
            self.ground, self.shops, inspector=self.inspector, full=full, only=self.only
        )
        if plan.mode == "full" and self.snapshot.run is not None:
            self.only = None  # what other shops have cannot stay
        if plan.mode == "partial":
            if plan.whole:
                narrow.put_old(self.ground, RESULTS)
            narrow.complete(self.ground, plan.whole)
            plan = self._narrowed(plan)
        self.seconds["plan"] = time.perf_counter() - started
        if plan.mode == "nothing":
            return self._nothing(plan)
        return self._partly(plan) if plan.mode == "partial" else self._wholly(plan)

    def _narrowed(self, plan: Plan) -> Plan:
        """Cut the canonical tables down, unless hardly anything would be left out."""
        steps = self._steps(plan)
        checks = [Step(name, sql) for name, sql in attribution.balance_checks().items()]
        is_inspected = any(shop.settings.inspect for shop in self.shops)
        idle = () if is_inspected else [step.name for step in quality.quality_steps(self.inspector)]
        narrow.put_narrow(self.ground, [*steps, *checks], idle)
        if self.only is None:
            sql = "select count(*) as n from messages"
            rows = self.engine.fetch("touched messages", sql)["n"][0].as_py()
            plan = widened(plan, rows, message_rows(self.snapshot))
        if plan.mode == "full":
            narrow.take_back(self.ground)
        return plan

    def _steps(self, plan: Plan) -> list[Step]:
        """Return the steps that the results of the plan need."""
        shops = self.shops
        has_duty_hours = any(shop.settings.duty_hours for shop in shops)
        steps = line_steps(settings_in_use(shops), has_duty_hours, self.inspector)
        if set(plan.results) <= _JUDGED:
            # Sessions are what they were: those in force are judged again.
            self.ground.register_derived(_FOUND)
            steps = [step for step in steps if step.name not in _FOUND]
        if not any(shop.settings.inspect for shop in shops):  # or all would be joined to find none
            steps = [
                _emptied(step) if step.name == "inspected_sessions" else step for step in steps
            ]
        checked = () if set(plan.results) <= {*LOOSE} | _JUDGED else CHECKED
        booked = ("credits",) if "judged_orders" in plan.results else ()
        return ancestors(steps, (*plan.results, *checked, *booked))

    def _checks(self, steps: Sequence[Step]) -> dict[str, str]:
        """Return the line's checks that these steps can answer."""
        every = {step.name for step in line_steps(set(), has_duty_hours=False)}
        made = {step.name for step in steps}
        return {
            name: sql
            for name, sql in attribution.balance_checks().items()
            if words_of(sql) & every <= made
        }

    def _wholly(self, plan: Plan) -> RunReport:
        """Make all rows, in as few slices of the buyers as memory allows."""
        steps, count = self._steps(plan), 1
        base = None if set(plan.results) == set(RESULTS) else self.snapshot
        if base is None:
            self.cutoff = cutoff_of(max(shop.last_us for shop in self._seen()) // DAY_US)
        if not isinstance(self.engine, DuckEngine):
            return self._at_once(plan, steps, base)
        if not set(plan.results) <= set(LOOSE):
            count = slices_for(message_rows(self.snapshot), self.engine.memory_bytes)
        while True:
            try:
                if count == 1:
                    return self._at_once(plan, steps, base)
                return self._in_slices(plan, steps, base, self.engine, count)
            except LacksMemory:
                count *= _MORE_SLICES
                if count > MOST_SLICES:
                    raise
                self.engine.clear({step.name for step in steps})

    def _at_once(self, plan: Plan, steps: Sequence[Step], base: Snapshot | None) -> RunReport:
        broken = check(self.engine, self._make(plan, steps, self._seen()))
        if "sessions" in plan.results:
            self.longest_us = longest_session(self.engine)
        made = {name: bucketed(name, self.cutoff) for name in plan.results}
        return self._all_made(plan, broken, made, base)

    def _in_slices(
        self,
        plan: Plan,
        steps: Sequence[Step],
        base: Snapshot | None,
        engine: DuckEngine,
        count: int,
    ) -> RunReport:
        slices = Slices(
            engine,
            self.snapshot,
            self._seen(),
            steps,
            plan.results,
            self._checks(steps),
            self.cutoff,
            count,
            self.on_step,
        )
        slices.make()
        self.seconds |= slices.seconds
        if "sessions" in plan.results:
            self.longest_us = slices.longest_us
        return self._all_made(plan, dict(slices.broken), slices.made, base)

    def _all_made(
        self,
        plan: Plan,
        broken: dict[str, int],
        made: Mapping[str, str | Made],
        base: Snapshot | None,
    ) -> RunReport:
        """Prove the books of what was left as it is, and publish all rows of the results."""
        if base is not None and "judged_orders" not in plan.results:
            broken |= self._whole_book(plan)
        report = self._report(plan, broken, changed={name: {} for name in plan.results})
        return self._publish(report, made, base)

    def _partly(self, plan: Plan) -> RunReport:
        steps = with_known_load(self._steps(plan))
        since = self._first_week(plan)
        narrow.put_old(self.ground, {*plan.results, "sessions"}, since)
        first_day = pa.array([0 if since is None else first_day_of(since)], pa.int64())
        self.engine.put("first_day", pa.table({"day_no": first_day}))
        checks = self._make(plan, steps, self._touched_shops())
        started = time.perf_counter()
        made = {name: patch(self.ground, name, since, self.cutoff) for name in plan.results}
        self.seconds["merge"] = time.perf_counter() - started
        started = time.perf_counter()
        broken = check(self.engine, checks) | self._whole_book(plan)
        self.seconds["check"] = time.perf_counter() - started
        changed = {name: facts for name, (one, facts) in made.items() if one}
        if "sessions" in plan.results:
            self.longest_us = max(self.longest_us, longest_session(self.engine))
        report = self._report(plan, broken, changed)
        for unit, (table, _) in TOUCHED.items():
            counted = self.engine.fetch(table, f"select count(*) as n from {table}")
            report.touched[unit] = counted["n"][0].as_py()
        patches = {name: one for name, (one, _) in made.items() if one}
        return self._publish(report, patches, self.snapshot)

    def _first_week(self, plan: Plan) -> int | None:
        """The first week in which rows may change; None where it may be any."""
        shops = self._touched_shops()
        if plan.since_us is None or not shops:
            return None
        bound = order_bound(plan.since_us, self.longest_us, shops)
        since = first_week(self.engine, bound, shops)
        return None if since < self.cutoff else since

    def _make(self, plan: Plan, steps: Sequence[Step], shops: Sequence[RunShop]) -> dict[str, str]:
        """Make the steps; return the checks they can answer."""
        checks = self._checks(steps)
        asked = set[str]().union(*(words_of(sql) for sql in checks.values()))
        keep = {
            *plan.results,
            *CHECKED,
            MOVED,
            *(step.name for step in steps if step.name in asked),
        }
        self.seconds |= make(self.engine, shops, self.on_step, steps=steps, keep=keep)
        return checks

    def _nothing(self, plan: Plan) -> RunReport:
        """Note the inputs where they differ in nothing that is derived from them."""
        run = self.snapshot.run or {}
        report = self._report(plan, dict(run["checks"]), changed={})
        meta = self._meta(report)
        if all(meta[key] == run.get(key) for key in ("versions", "shops")):
            report.rows.update(_rows(self.snapshot))
            return report
        return self._publish(report, {}, self.snapshot)

    def _seen(self) -> list[RunShop]:
        return [shop for shop in self.shops if self.only in (None, shop.shop_id)]

    def _touched_shops(self) -> list[RunShop]:
        tables = [table for table, _ in TOUCHED.values()]
        sql = " union ".join(f"select shop_id from {table}" for table in tables)
        touched = set(self.engine.fetch("touched shops", sql)["shop_id"].to_pylist())
        return [shop for shop in self._seen() if shop.shop_id in touched]

    def _whole_book(self, plan: Plan) -> dict[str, int]:
        shops = dict.fromkeys(plan.whole) | {shop.shop_id: shop.as_of_us for shop in self._seen()}
        columns = {
            "shop_id": pa.array(shops.keys(), pa.string()),
            "as_of_us": pa.array(shops.values(), pa.int64()),
        }
        self.engine.put("booked_shops", pa.table(columns))
        is_patched = plan.mode == "partial" and "judged_orders" in plan.results
        checks = sales_check(self.ground, is_patched=is_patched)
        return check(self.engine, checks)

    def _report(
        self, plan: Plan, broken: dict[str, int], changed: dict[str, dict[str, Any]]
    ) -> RunReport:
        return RunReport(
            shops=tuple(self._shop_runs()),
            seconds=self.seconds,
            checks=broken,
            mode=plan.mode,
            why=plan.why,
            changes=plan.changes,
            changed=changed,
        )

    def _shop_runs(self) -> list[ShopRun]:
        """What is in force of every shop; those left out stay as the last run left them."""
        book = self.inspector.book_id
        made = {shop.shop_id: replace(shop_run(shop), book=book) for shop in self._seen()}
        run = self.snapshot.run
        if self.only is not None and run is not None:
            for shop in shop_runs(run):
                if shop.shop_id not in made:
                    versions = shop.versions or run["versions"]
                    made[shop.shop_id] = replace(shop, versions=versions)
        return [made[name] for name in sorted(made)]

    def _meta(self, report: RunReport) -> dict[str, Any]:
        versions = {name: at for name, at in self.snapshot.versions.items() if name in TABLES}
        made = report.to_meta(self.snapshot.id, versions, code_id())
        return made | {
            "longest_session_us": self.longest_us,
            "cutoff": self.cutoff,
            "overruled": self.inspector.overruled_id,
            **self.ground.meta,
        }

    def _publish(
        self, report: RunReport, relations: Mapping[str, str | Patch | Made], base: Snapshot | None
    ) -> RunReport:
        started = time.perf_counter()
        published = self.ground.publish(relations, self._meta(report), base)
        self.seconds["publish"] = time.perf_counter() - started
        report.rows.update(_rows(published))
        return report


def _emptied(step: Step) -> Step:
    return replace(step, sql=f"select * from (\n{step.sql}\n) as s where false")


def _rows(snapshot: Snapshot) -> dict[str, int]:
    return {
        name: delta.rows_of(snapshot.lake.folder / name, snapshot.versions[name])
        for name in RESULTS
    }
