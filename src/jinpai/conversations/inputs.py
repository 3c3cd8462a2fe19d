"""What the steps read beside the canonical tables: shops with their settings, clocks and days.

All values of a run come in as relations, one row per shop or per piece of time, so that nothing is
pasted into SQL and every shop may have settings of its own.

    run_shops      per shop: as_of, settings in force (durations in microseconds), salt of keys
    setting_texts  per (shop, list setting, text); pattern: a regular expression for globs
    shop_clock     per (shop, stretch of time): shifts to the local day and wall clock
    shop_days      per (shop, local day): first instant and first instant of the next day
    duty_marks     per (shop, stretch): on duty or not, duty time before it; where hours are set
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import pyarrow as pa

from jinpai.duty import duty_marks
from jinpai.periods import (
    DAY_US,
    clock_segments,
    day_number,
    day_of,
    day_start,
)
from jinpai.settings import Settings

__all__ = ["TEXT_SETTINGS", "RunShop", "run_relations", "settings_in_use"]

TEXT_SETTINGS = (
    "excluded_flags",
    "auto_reply_texts",
    "auto_reply_prefixes",
    "internal_accounts",
    "excluded_buyers",
    "ad_phrases",
)


@dataclass(frozen=True)
class RunShop:
    """One shop of a run.

    Attributes:
        first_us: the earliest instant loaded for the shop.
        as_of_us: figures are computed from what had happened then, itself included.
        first_event_us, last_us: the first and last message, order or payment until as_of.
    """

    shop_id: str
    timezone: str
    settings: Settings
    first_us: int
    as_of_us: int
    first_event_us: int
    last_us: int


def settings_in_use(shops: Iterable[RunShop]) -> set[str]:
    """Return the list settings that at least one shop fills."""
    return {name for shop in shops for name in TEXT_SETTINGS if getattr(shop.settings, name)}


def run_relations(shops: Sequence[RunShop], salt: str = "") -> dict[str, pa.Table]:
    """Return the run relations by name (columns as in the module's text).

    ``salt`` goes into the keys within the run; another one is taken when two things share a key.
    """
    return {
        "run_shops": _table(_SHOPS, [_shop_row(shop, salt) for shop in shops]),
        "setting_texts": _table(_TEXTS, [row for shop in shops for row in _text_rows(shop)]),
        "shop_clock": _per_shop(_CLOCK, shops, _clock_rows),
        "shop_days": _per_shop(_DAYS, shops, _day_rows),
        "duty_marks": _per_shop(_DUTY, shops, _duty_rows),
    }


# A thousand shops of one zone share their days.
_day_start = lru_cache(maxsize=1 << 17)(day_start)
_Row = tuple[object, ...]
_SHOPS = pa.schema(
    [
        ("shop_id", pa.string()),
        ("as_of_us", pa.int64()),
        ("salt", pa.string()),
        ("session_gap_us", pa.int64()),
        ("ad_max_messages", pa.int64()),
        ("one_sentence", pa.bool_()),
        ("one_sentence_max", pa.int64()),
        ("inquiry_days", pa.int32()),
        ("aftersale_us", pa.int64()),
        ("followup_us", pa.int64()),
        ("order_window_us", pa.int64()),
        ("payment_us", pa.int64()),
        ("two_sided", pa.bool_()),
        ("has_duty_hours", pa.bool_()),
        ("platform_from_us", pa.int64()),
        ("platform_to_us", pa.int64()),
        ("slow_times", pa.int64()),
        ("slow_us", pa.int64()),
        ("is_inspected", pa.bool_()),
    ]
)
_TEXTS = pa.schema([(name, pa.string()) for name in ("shop_id", "setting", "text", "pattern")])
_CLOCK = pa.schema(
    [
        ("shop_id", pa.string()),
        ("from_us", pa.int64()),
        ("to_us", pa.int64()),
        ("day_shift_us", pa.int64()),
        ("wall_shift_us", pa.int64()),
    ]
)
_DAYS = pa.schema(
    [
        ("shop_id", pa.string()),
        ("day_no", pa.int32()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
    ]
)
_DUTY = pa.schema(
    [
        ("shop_id", pa.string()),
        ("bucket", pa.int32()),
        ("from_us", pa.int64()),
        ("to_us", pa.int64()),
        ("is_open", pa.bool_()),
        ("cum_open_us", pa.int64()),
    ]
)


def _shop_row(shop: RunShop, salt: str) -> _Row:
    s = shop.settings
    return (
        shop.shop_id,
        shop.as_of_us,
        salt,
        s.us("session_gap"),
        s.ad_max_messages,
        s.one_sentence,
        s.one_sentence_max,
        s.inquiry_days,
        s.us("aftersale_days"),
        s.us("followup_window"),
        s.us("order_window"),
        s.us("payment_days"),
        s.two_sided,
        s.duty_hours is not None,
        s.us("platform_from"),
        s.us("platform_to"),
        s.slow_times,
        s.us("slow_seconds"),
        s.inspect,
    )


def _text_rows(shop: RunShop) -> list[_Row]:
    return [
        (shop.shop_id, name, text, _pattern(text) if name == "internal_accounts" else None)
        for name in TEXT_SETTINGS
        for text in getattr(shop.settings, name)
    ]


def _pattern(glob: str) -> str:
    """Regular expression of a glob, in the plain dialect that RE2 and Java share.

    >>> _pattern("*:test*")
    '(?s:.*:test.*)'
    """
    # Of a glob with several stars Python makes atomic groups, which RE2 does not know.
    parts = re.split(r"(\[!?\]?[^]]*\]|\*+)", glob)
    return f"(?s:{''.join('.*' if set(part) == {'*'} else _plain(part) for part in parts)})"


def _plain(glob: str) -> str:
    """Return the regular expression of a glob without a star outside of brackets."""
    body = fnmatch.translate(glob).removeprefix("(?s:")
    for end in (r")\Z", r")\z"):
        body = body.removesuffix(end)
    # An empty range, as of [b-a], matches nothing.
    return body.replace("(?!)", r"[^\x00-\x{10FFFF}]")


def _clock_rows(shop: RunShop) -> list[_Row]:
    start = shop.settings.business_day_start
    return list(clock_segments(shop.timezone, start, shop.first_us, shop.as_of_us + 1))


def _day_rows(shop: RunShop) -> list[_Row]:
    tz, start = shop.timezone, shop.settings.business_day_start
    day, last = (day_of(at, tz, start) for at in (shop.first_us, shop.as_of_us))
    rows: list[_Row] = []
    begins = _day_start(day, tz, start)
    while day <= last:
        after = day + timedelta(days=1)
        ends = _day_start(after, tz, start)
        rows.append((day_number(day), begins, ends))
        day, begins = after, ends
    return rows


def _duty_rows(shop: RunShop) -> list[_Row]:
    hours = shop.settings.duty_hours
    if hours is None:
        return []
    first = shop.first_us // DAY_US * DAY_US
    return list(duty_marks(hours, shop.timezone, first, shop.as_of_us + 1))


def _per_shop(
    schema: pa.Schema, shops: Sequence[RunShop], rows_of: Callable[[RunShop], list[_Row]]
) -> pa.Table:
    """Make a relation of each shop's rows; shops that share zone, settings and range share them."""
    known: dict[_Row, list[_Row]] = {}
    rows: list[_Row] = []
    for shop in shops:
        key = (shop.timezone, shop.settings.settings_id, shop.first_us, shop.as_of_us)
        if key not in known:
            known[key] = rows_of(shop)
        rows += [(shop.shop_id, *row) for row in known[key]]
    return _table(schema, rows)


def _table(schema: pa.Schema, rows: Sequence[_Row]) -> pa.Table:
    columns: Mapping[str, list[object]] = {
        name: [row[place] for row in rows] for place, name in enumerate(schema.names)
    }
    return pa.table(columns, schema=schema)
