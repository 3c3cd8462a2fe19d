"""The steps of the line in order, made and checked, and what a run remembers of its shops."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from jinpai import attribution, conversations, quality
from jinpai.conversations.inputs import TEXT_SETTINGS, RunShop, run_relations, settings_in_use
from jinpai.engine.base import Engine, OnStep
from jinpai.engine.plan import Step
from jinpai.errors import BalanceError, KeyClash
from jinpai.periods import day_of
from jinpai.settings import Settings

if TYPE_CHECKING:
    from jinpai.quality.inspector import Inspector

__all__ = [
    "CHECKED",
    "RESULTS",
    "SALTS",
    "OnStep",
    "ShopRun",
    "again",
    "check",
    "every_step",
    "line_steps",
    "make",
    "put_run_relations",
    "put_views",
    "shop_run",
    "shop_runs",
]

RESULTS = ("roster", *conversations.RESULTS, *attribution.RESULTS, *quality.RESULTS)

# Beside the results, what the books and the search for key clashes read.
CHECKED = ("thread_names", "threads", "order_facts", "winners")
# Keys are 63-bit: a clash among a billion threads is rarer than one in ten, but for texts that an
# engine's hash takes for one; salts of other lengths tell those apart.
SALTS = ("", "1", "22", "333", "4444")

_ROSTER = Step(
    "roster",
    "select shop_id, agent_id, name, person_id, team, role, active_from, active_to from agents",
)


@dataclass(frozen=True)
class ShopRun:
    """What a run did for one shop, as kept in the manifest; days are ISO texts.

    Attributes:
        versions: canonical table -> version the shop's rows were computed from, where that is not
            what the manifest says for all shops (after a run of some shops only).
        book: id of the rules its sessions were judged by (`Inspector.book_id`).
    """

    shop_id: str
    timezone: str
    settings_id: str
    settings: Mapping[str, Any]
    as_of_us: int
    first_day: str
    last_day: str
    versions: Mapping[str, int] | None = None
    book: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the shop as `shop_runs` reads it."""
        made = {name: value for name, value in asdict(self).items() if value is not None}
        return made | {"settings": dict(self.settings)}


def shop_runs(meta: Mapping[str, Any]) -> list[ShopRun]:
    """Return the shops of a run from its meta in the manifest."""
    return [ShopRun(**entry) for entry in meta["shops"]]


def shop_run(shop: RunShop) -> ShopRun:
    """Return what the manifest keeps of a shop."""
    start = shop.settings.business_day_start
    first, last = (day_of(at, shop.timezone, start) for at in (shop.first_event_us, shop.last_us))
    return ShopRun(
        shop_id=shop.shop_id,
        timezone=shop.timezone,
        settings_id=shop.settings.settings_id,
        settings=shop.settings.values,
        as_of_us=shop.as_of_us,
        first_day=first.isoformat(),
        last_day=last.isoformat(),
    )


def again(shop: ShopRun) -> RunShop:
    """Return a shop of a past run as one whose sessions can be looked at again."""
    at = shop.as_of_us
    return RunShop(shop.shop_id, shop.timezone, Settings.of(shop.settings), at, at, at, at)


def line_steps(
    settings_in_use: Set[str], has_duty_hours: bool, inspector: Inspector | None = None
) -> list[Step]:
    """Return the steps that make RESULTS, for shops that fill these list settings.

    ``inspector`` judges their sessions, by default by the shipped rules.
    """
    return [
        _ROSTER,
        *conversations.conversation_steps(settings_in_use, has_duty_hours),
        *attribution.attribution_steps(),
        *quality.quality_steps(inspector),
    ]


def every_step() -> list[Step]:
    """Return the steps as they are when every setting is in use: all that can ever be read."""
    return line_steps(set(TEXT_SETTINGS), has_duty_hours=True)


def make(
    engine: Engine,
    shops: Sequence[RunShop],
    on_step: OnStep | None = None,
    *,
    steps: Sequence[Step] | None = None,
    keep: Collection[str] = (*RESULTS, *CHECKED),
) -> dict[str, float]:
    """Make relations in an engine that has the canonical tables; return the seconds.

    Starts again under another salt when two things share a key within the run.

    Args:
        steps: default all that make RESULTS.
        keep: relations needed afterwards; the search for clashes needs CHECKED.
    """
    if steps is None:
        has_duty_hours = any(shop.settings.duty_hours for shop in shops)
        steps = line_steps(settings_in_use(shops), has_duty_hours)
    is_keyed = {step.name for step in steps} >= set(CHECKED[:3])
    for salt in SALTS:
        put_run_relations(engine, shops, salt)
        seconds = engine.run(steps, keep=keep, on_step=on_step)
        if not is_keyed or not engine.fetch("key clashes", attribution.key_clashes()).num_rows:
            return seconds
    raise KeyClash("key clashes", attribution.key_clashes(), f"after {len(SALTS)} salts")


def put_run_relations(engine: Engine, shops: Sequence[RunShop], salt: str) -> None:
    """Put what the steps read beside the canonical tables (`run_relations`)."""
    for name, table in run_relations(shops, salt).items():
        engine.put(name, table)


def put_views(engine: Engine, shops: Sequence[ShopRun]) -> None:
    """Make the relations that are told from the results of a run (`attribution.view_steps`).

    ``credits``: one row per (paid order, judge rule); ``candidates``: one per (order, moment,
    session near it), under the settings of the run.
    """
    ruled = [(shop.shop_id, Settings.of(shop.settings)) for shop in shops]
    columns = {
        "shop_id": pa.array([shop_id for shop_id, _ in ruled], pa.string()),
        "order_window_us": pa.array([one.us("order_window") for _, one in ruled], pa.int64()),
        "two_sided": pa.array([one.two_sided for _, one in ruled], pa.bool_()),
    }
    engine.put("order_windows", pa.table(columns))
    for step in attribution.view_steps():
        engine.make(step)


def check(engine: Engine, checks: Mapping[str, str]) -> dict[str, int]:
    """Ask checks that may return no row; return name -> broken rows, all 0.

    Raises BalanceError with the first broken row.
    """
    broken: dict[str, int] = {}
    for name, sql in checks.items():
        rows = engine.fetch(name, sql)
        broken[name] = rows.num_rows
        if rows.num_rows:
            raise BalanceError(
                f"The books do not balance: check '{name}' found {rows.num_rows} row(s), "
                f"the first: {rows.slice(0, 1).to_pylist()[0]}. Nothing was published; "
                "this is a fault of Jinpai, please report it.",
                zh=f"账目不平：检查项 {name} 查出 {rows.num_rows} 行，"
                f"第一行：{rows.slice(0, 1).to_pylist()[0]}。结果未发布；这是金牌的缺陷，请反馈。",
            )
    return broken
