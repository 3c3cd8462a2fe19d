"""Random sequences of imports: rows that come late, twice, wrong at first, or go again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.quality.book import Book, load_book
from jinpai.run import RESULTS, RunReport, run_line
from jinpai.settings import Settings
from jinpai.sources.base import Batch, batch_of
from jinpai.tables.lake import Lake, TableChange
from jinpai.tables.load import import_batches
from jinpai.tables.schema import TABLES
from jinpai.workspace_config import Config, ShopEntry
from reference.long_shops import random_long_shop
from reference.model import HOUR, Shop
from reference.shops import CHOICES, random_shop

__all__ = ["Setup", "Story", "delete_rows", "digest", "load", "run"]

Record = dict[str, Any]


@dataclass
class Setup:
    """Shops and settings of a workspace without its file: what a run asks of `Config`."""

    root: Path
    shops: dict[str, ShopEntry] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def shop(self, shop_id: str | None = None) -> ShopEntry:
        return self.shops[shop_id or next(iter(self.shops))]

    def settings(self, shop_id: str | None = None) -> Settings:
        return Settings.of({"inspect": True} | self.values.get(shop_id or "", {}))


class Story:
    """One shop's story, cut into imports; each `rows` is the next import's."""

    def __init__(self, rng: Random, shop_id: str, steps: int) -> None:
        self.rng = rng
        make = rng.choice((random_shop, random_long_shop))
        self.shop = replace(make(rng), shop_id=shop_id)
        self.values = dict(self.shop.settings)
        self.parts: list[dict[str, list[Record]]] = [{} for _ in range(steps)]
        for table in TABLES:
            rows = self.shop.rows(table)
            own = TABLES[table].own_time
            if own:
                rows = sorted(rows, key=lambda row: row[own])
            for place, row in enumerate(rows):
                self._put(table, row, place * steps // max(len(rows), 1))

    def _put(self, table: str, row: Record, step: int) -> None:
        """Let a row come in its step or late, now and then with another row in its place before."""
        rng, last = self.rng, len(self.parts) - 1
        late = min(last, step + (rng.randint(1, 3) if rng.random() < 0.15 else 0))
        if rng.random() < 0.2:
            self.parts[late].setdefault(table, []).append(self._mistaken(table, row))
            late = rng.randint(late, last)
        self.parts[late].setdefault(table, []).append(row)
        if rng.random() < 0.1:
            self.parts[rng.randint(late, last)].setdefault(table, []).append(row)

    def _mistaken(self, table: str, row: Record) -> Record:
        """Another row with the same key; some are such that they are rejected."""
        rng, keys = self.rng, {*TABLES[table].key, "shop_id"}
        made = dict(row)
        for name in rng.sample(sorted(made), min(2, len(made))):
            if name in keys:
                continue
            if name.endswith("_at") and made[name] is not None:
                made[name] += rng.choice((-30, -1, 1, 26, 24 * 40)) * HOUR
            elif name in ("buyer_id", "agent_id"):
                made[name] = rng.choice(("b1", "b2", "a1", "nobody"))
            elif name == "sender":
                made[name] = rng.choice(("buyer", "agent", "system", "no such sender"))
            elif rng.random() < 0.5:
                made[name] = None
        return made

    def rows(self, step: int) -> dict[str, list[Record]]:
        """Return the rows of an import."""
        return self.parts[step]

    def shop_day(self, later: int) -> date:
        """Return the day so many days after the last message."""
        last = max(row["sent_at"] for row in self.shop.rows("messages"))
        return date(1970, 1, 1) + timedelta(days=last // (24 * HOUR) + later)

    def change_settings(self) -> None:
        """Change a setting, or take one back."""
        name = self.rng.choice([*sorted(CHOICES), "inspect"])
        if name == "inspect":
            self.values[name] = not self.values.get(name, True)
        elif name in self.values:
            del self.values[name]
        else:
            self.values[name] = self.rng.choice(CHOICES[name])


def load(setup: Setup, rows: Mapping[str, Mapping[str, list[Record]]]) -> None:
    """Import rows: shop_id -> table -> rows, in one import."""
    first = next(iter(setup.shops))
    import_batches(Lake(setup.root), _batches(rows), shop_id=first, timezone="Asia/Shanghai")


def _batches(rows: Mapping[str, Mapping[str, list[Record]]]) -> list[Batch]:
    made = []
    for table in TABLES:
        records = [
            {"shop_id": shop_id, **{name: _text(name, value) for name, value in row.items()}}
            for shop_id, tables in rows.items()
            for row in tables.get(table, [])
        ]
        if records:
            columns = list(dict.fromkeys(name for row in records for name in row))
            made.append(batch_of(table, records, f"{table}.csv", columns=columns, patch=False))
    return made


def _text(name: str, value: Any) -> Any:
    if value is None or not (name == "at" or name.endswith("_at")):
        return value
    return (
        f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value):%Y-%m-%dT%H:%M:%S.%fZ}"
    )


def zones(shops: Sequence[Shop]) -> Batch:
    """Return the shops' own rows."""
    rows = [{"shop_id": shop.shop_id, "timezone": shop.timezone} for shop in shops]
    return batch_of("shops", rows, "shops.csv", patch=False)


@cache
def _shipped() -> Book:
    return load_book(None)


def run(setup: Setup, **options: Any) -> RunReport:
    """Run the line; the shipped rules are read once, which is half of what a tiny run costs."""
    with mock.patch("jinpai.quality.inspector.load_book", return_value=_shipped()):
        return run_line(Lake(setup.root), cast(Config, setup), threads=2, **options)


def digest(setup: Setup, shop_id: str | None = None) -> dict[str, str]:
    """Return a hash per derived table: of its rows (of a shop) in the one order they can have."""
    of = f"where shop_id = '{shop_id}'" if shop_id else ""
    made = {}
    with duckdb.connect() as con:
        Lake(setup.root).snapshot().register_derived(con)
        for name in RESULTS:
            rows = con.sql(f"select * from {name} {of} order by all")
            text = repr((rows.columns, rows.types, rows.fetchall()))
            made[name] = hashlib.sha256(text.encode()).hexdigest()
    return made


def delete_rows(setup: Setup, rng: Random) -> str | None:
    """Take some rows of one file out of the lake, as an import that is taken back does."""
    lake = Lake(setup.root)
    with lake.importing() as writer:
        tables = [name for name in TABLES if writer.snapshot.data_files(name)]
        if not tables:
            return None
        name = rng.choice(tables)
        file = rng.choice(writer.snapshot.data_files(name))
        rows = pq.read_table(lake.folder / name / file.path, partitioning=None)
        kept = rows.filter(pa.array([rng.random() < 0.6 for _ in range(rows.num_rows)]))
        adds = []
        if kept.num_rows:
            path = Path(file.path).with_name(f"part-{writer.tag}-kept.parquet")
            (writer.folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(kept, writer.folder / name / path)
            adds = [replace(file, path=path.as_posix(), rows=kept.num_rows)]
        writer.publish({name: TableChange(adds, [file])}, pa.table({}))
    return name
