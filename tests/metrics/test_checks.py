"""Every metric against a query written by hand, by another route (checks.yaml)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import yaml

from jinpai.engine.duckdb import DuckEngine
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow, ShopScope, query, select_metrics
from jinpai.periods import DAY_US, day_number, days
from jinpai.quality.rule import shipped_rules
from jinpai.simulate import simulate
from jinpai.workspace import init, scopes_of
from reference.model import RULES, Shop
from reference.shops import random_as_of, random_shop
from worlds import put_tables, run_shop, run_shops, scope

TEXT = yaml.safe_load((Path(__file__).parent / "checks.yaml").read_text("utf-8"))
PRELUDE: dict[str, str] = TEXT["prelude"]
CHECKS: dict[str, str] = dict(TEXT["checks"])
OF_A_RULE = CHECKS.pop("rule_{rule}_rate")
# Of the metrics with one rule each, these stand for all.
RULED = ("ignored", "unanswered_end", "no_greeting")
CHECKS |= {f"rule_{rule}_rate": OF_A_RULE.replace("{rule}", rule) for rule in RULED}

SEEDS = (8, 21, 40)  # all three rules; between them every metric has a figure

# Shops of one offset all year: the checks shift by it and know no clock changes.
SHIFTS = {"Asia/Shanghai": 8 * 3600, "Asia/Kathmandu": 5 * 3600 + 45 * 60}
LISTS = (
    "excluded_flags", "auto_reply_texts", "auto_reply_prefixes", "internal_accounts",
    "excluded_buyers", "ad_phrases",
)  # fmt: skip
HERE = """
create or replace macro here(agent, its_team, its_day) as (
    its_day between (select first_day from cell) and (select last_day from cell)
    and case (select level from cell)
        when 'shop' then true
        when 'agent' then agent is not distinct from (select who from cell)
        else its_team is not distinct from (select who from cell)
    end
)
"""
CREDITED = """
create or replace macro here_credited(agent, its_team, its_day) as (
    (agent is not null or (select level from cell) = 'shop') and here(agent, its_team, its_day)
)
"""
DUTY = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
DUTY_HOURS = (9, 18)


@dataclass(frozen=True)
class Cell:
    """One cell: shop, team or agent and days, both inclusive."""

    level: str
    who: str | None
    first: date
    last: date


def parameters(place: ShopScope, rule: str) -> dict[str, Any]:
    """Return the row of ``p``: each setting as the definitions give it, durations in us."""
    s, hour, second = place.settings, 3600 * 10**6, 10**6
    return {
        "as_of": place.as_of_us, "shift_us": SHIFTS[place.timezone] * second, "rule": rule,
        "gap_us": s.session_gap * second, "ad_max": s.ad_max_messages,
        "one_sentence": s.one_sentence, "one_max": s.one_sentence_max,
        "inquiry_days": s.inquiry_days, "aftersale_us": s.aftersale_days * 24 * hour,
        "followup_us": s.followup_window * hour, "window_us": s.order_window * hour,
        "payment_us": s.payment_days * 24 * hour, "two_sided": s.two_sided,
        "from_us": wall_us(s.platform_from),
        "to_us": wall_us(s.platform_to),
        "slow_times": s.slow_times, "slow_us": s.slow_seconds * second,
        "repurchase_days": s.repurchase_days,
    }  # fmt: skip


def wall_us(clock: str) -> int:
    """Return HH:MM as microseconds after midnight."""
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60 * 10**6


def prepare(con: duckdb.DuckDBPyConnection, place: ShopScope, rule: str) -> None:
    """Make the tables of the prelude beside the canonical ones."""
    values = parameters(place, rule)
    named = ", ".join(f"${name} as {name}" for name in values)
    con.execute(f"create or replace temp table p as select {named}", values)
    con.execute("create or replace temp table listed (setting varchar, text varchar)")
    rows = [(name, text) for name in LISTS for text in getattr(place.settings, name)]
    if rows:
        con.executemany("insert into listed values (?, ?)", rows)
    con.execute("create or replace temp table duty (from_us bigint, to_us bigint)")
    con.executemany("insert into duty values (?, ?)", list(on_duty(place)))
    for name, sql in PRELUDE.items():
        con.execute(f"create or replace temp table {name} as {sql}")
    con.execute(
        "create or replace temp table cell"
        " (level varchar, who varchar, first_day date, last_day date)"
    )
    con.execute(HERE)
    con.execute(CREDITED)


def on_duty(place: ShopScope) -> Iterator[tuple[int, int]]:
    """Return stretches on duty around the scope: always, or every day by DUTY."""
    shift = SHIFTS[place.timezone] * 10**6
    for day in days(place.first - timedelta(days=40), place.last + timedelta(days=100)):
        midnight = day_number(day) * DAY_US - shift
        opens, closes = (0, 24) if place.settings.duty_hours is None else DUTY_HOURS
        yield midnight + opens * 3600 * 10**6, midnight + closes * 3600 * 10**6


def expected(con: duckdb.DuckDBPyConnection, code: str) -> Fraction | None:
    """Return the value of a metric in the cell by its check."""
    rows = con.execute(CHECKS[code]).fetchall()
    assert len(rows) == 1, code
    top, *bottom = (None if value is None else Fraction(value) for value in rows[0])
    if not bottom:
        return top
    return top / bottom[0] if top is not None and bottom[0] else None


def same(ours: MetricRow | None, theirs: Fraction | None) -> bool:
    """Counts and money exactly, quotients to 1e-9; a cell left out has nothing in it."""
    if ours is None:
        return not theirs
    value = ours.value
    if value is None or theirs is None:
        return value is None and theirs is None
    if isinstance(value, int | Decimal):
        return Fraction(value) == theirs
    return abs(value - float(theirs)) <= 1e-9 * max(1.0, abs(value))


def cells(con: duckdb.DuckDBPyConnection, place: ShopScope, rng: random.Random) -> list[Cell]:
    """Return the whole period and some day, of the shop, each team and each agent."""
    agents = con.execute("select distinct agent_id from msg union select agent_id from agents")
    teams = con.execute("select distinct team from agents union select null")
    whos = [("shop", None)]
    found = [("agent", name) for (name,) in agents.fetchall()]
    found += [("team", name) for (name,) in teams.fetchall()]
    whos += sorted(found, key=lambda who: (who[0], who[1] or ""))
    every = list(days(place.first, place.last))
    made = [Cell(level, who, place.first, place.last) for level, who in whos]
    for level, who in whos:
        day = rng.choice(every)
        made.append(Cell(level, who, day, day))
    return made


@dataclass
class Compared:
    """What differs, and the metrics that were not 0 or null somewhere."""

    differences: list[str] = field(default_factory=list)
    filled: set[str] = field(default_factory=set)


def compare(engine: DuckEngine, place: ShopScope, rule: str, seed: int, into: Compared) -> None:
    """Ask the query layer and the checks the same of every metric in some cells."""
    con = engine.con
    prepare(con, place, rule)
    for cell in cells(con, place, random.Random(seed)):
        values = [cell.level, cell.who, cell.first, cell.last]
        con.execute("delete from cell")
        con.execute("insert into cell values (?, ?, ?, ?)", values)
        grain = () if cell.level == "shop" else (cell.level,)
        listed = [metric.code for metric in select_metrics(None, grain)]
        metrics = select_metrics([*listed, *(f"rule_{rule}_rate" for rule in RULED)], grain)
        scopes = [replace(place, first=cell.first, last=cell.last, is_default=False)]
        rows = query(engine, scopes, metrics=metrics, grain=grain, judge_rule=rule)
        mine = {
            row.metric: row for row in rows if list(row.grain.values()) == [cell.who][: len(grain)]
        }
        for metric in metrics:
            ours, theirs = mine.get(metric.code), expected(con, metric.code)
            if theirs:
                into.filled.add(metric.code)
            if not same(ours, theirs):
                into.differences.append(f"{metric.code} in {cell}: ours {ours}, check {theirs}")
        compare_shares(engine, scopes, cell, rule, into)


def compare_shares(
    engine: DuckEngine, scopes: list[ShopScope], cell: Cell, rule: str, into: Compared
) -> None:
    """Ask both for the shares of complaints in a cell: classes, shares and their running sums."""
    grain = () if cell.level == "shop" else (cell.level,)
    metrics = [registry().metric("dispute_share")]
    ours = {}
    for row in query(engine, scopes, metrics=metrics, grain=grain, judge_rule=rule):
        *whos, (by, name) = row.grain.items()
        if [who for _, who in whos] == [cell.who][: len(grain)]:
            ours[by, name] = (row.value, row.cumulative)
    theirs = {
        (by, name): (int(count) / int(total), int(so_far) / int(total))
        for by, name, count, so_far, total in engine.con.execute(CHECKS["dispute_share"]).fetchall()
    }
    if theirs:
        into.filled.add("dispute_share")
    if ours != theirs:
        into.differences.append(f"dispute_share in {cell}: ours {ours}, check {theirs}")


def test_every_metric_has_a_check() -> None:
    every = {metric.code for metric in registry().metrics}
    assert set(CHECKS) == {code for code in every if not code.startswith("rule_")} | {
        f"rule_{rule}_rate" for rule in RULED
    }
    assert {f"rule_{rule.code}_rate" for rule in shipped_rules()} <= every


def simple_shop(seed: int) -> tuple[Shop, int | None]:
    """Return a random shop of a zone without clock changes, and an as_of."""
    rng = random.Random(seed)
    while True:
        shop = random_shop(rng)
        simple = not {"business_day_start", "duty_hours"} & set(shop.settings)
        if shop.timezone in SHIFTS and simple and shop.rows("messages"):
            if rng.random() < 0.5:
                shop = replace(shop, settings={**shop.settings, "duty_hours": {"weekly": DUTY}})
            # The shops are a few days long.
            settings = {**shop.settings, "repurchase_days": 1 + seed % 2}
            return replace(shop, settings=settings), random_as_of(rng, shop)


def test_checks_agree_on_random_shops() -> None:
    compared = Compared()
    for seed in SEEDS:
        shop, as_of = simple_shop(seed)
        with DuckEngine(threads=2) as engine:
            put_tables(engine, [shop])
            run = run_shop(shop, as_of)
            run_shops(engine, [run])
            compare(engine, scope(run), RULES[seed % 3], seed, compared)
    assert compared.differences == []
    # An agreement about nothing would prove nothing.
    assert compared.filled == set(CHECKS)


def test_checks_agree_on_a_simulated_shop(tmp_path: Path) -> None:
    made = simulate(tmp_path / "in", agents=5, days=9, buyers=230, seed=11)
    assert 2000 <= made.rows["messages"] <= 5000
    workspace = init(tmp_path / "ws", shop_id="s1", name="Shop", platform="taobao")
    workspace.config.set("inspect", True)
    workspace.import_files([tmp_path / "in"])
    workspace.run()
    with workspace.derived() as (engine, shops, snapshot):
        snapshot.register(engine.con)
        (place,) = scopes_of(shops, None, None)
        compared = Compared()
        compare(engine, place, "order_first", 1, compared)
    assert compared.differences == []
    assert len(compared.filled) > 40
