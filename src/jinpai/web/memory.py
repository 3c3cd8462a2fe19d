"""What was asked before: figures in memory, the least used forgotten first, and on disk as Arrow.

A key names the run and the question, so nothing ever has to be taken back.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.ipc

from jinpai.metrics.query import MetricRow
from jinpai.run import ShopRun
from jinpai.workspace import MetricsResult

__all__ = ["Held", "Memory"]

_T = TypeVar("_T")
Held = tuple[str, Any, int]
"""A key, its answer, and how many bytes it takes."""
LIMIT = 256 * 2**20
_ON_DISK = 1024 * 2**20
# About what a figure takes in memory: its parts, its keys and the dictionary that holds them.
_ROW_BYTES, _OTHER_BYTES = 900, 20_000
_PARTS = ("value", "numerator", "denominator")


class Memory:
    """Answers by key, of so many bytes in all.

    Args:
        folder: where figures are kept between starts; made when needed.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder, self._limit = folder, limit
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[Any, int]] = OrderedDict()
        self._asking: dict[str, threading.Lock] = {}
        self._taken: set[str] = set()
        self.bytes = 0

    def kept(self, key: str, answer: Callable[[], _T], size: int = _OTHER_BYTES) -> _T:
        """Return what ``answer`` gave for the key; those who ask at once wait for one answer."""
        found: tuple[_T] | None = self._find(key)
        if found is not None:
            return found[0]
        with self._lock:
            turn = self._asking.setdefault(key, threading.Lock())
        try:
            with turn:
                found = self._find(key)
                if found is None:
                    found = (answer(),)
                    self._hold(key, found[0], size)
        finally:
            with self._lock:
                self._asking.pop(key, None)
        return found[0]

    def found(self, key: str) -> Any | None:
        """Return what is kept under a key, None where there is nothing."""
        there = self._find(key)
        return None if there is None else there[0]

    def keep(self, key: str, value: Any, size: int) -> None:
        """Keep a value of so many bytes."""
        self._hold(key, value, size)

    def take(self) -> list[Held]:
        """Return what is held and was not taken before."""
        with self._lock:
            made = [
                (key, value, size)
                for key, (value, size) in self._held.items()
                if key not in self._taken
            ]
            self._taken.update(key for key, _, _ in made)
        return made

    def figures(
        self, key: str, shops: Callable[[], list[ShopRun]], ask: Callable[[], MetricsResult]
    ) -> MetricsResult:
        """Return figures from memory, else from disk, else as asked."""

        def answer() -> MetricsResult:
            found = self._load(key, shops)
            if found is None:
                found = ask()
                self._save(key, found)
            return found

        made = self.kept(key, answer)
        self._weigh(key, len(made.rows) * _ROW_BYTES)
        return made

    def _find(self, key: str) -> tuple[Any] | None:
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return (self._held[key][0],)

    def _hold(self, key: str, value: Any, size: int) -> None:
        with self._lock:
            if key in self._held:
                self.bytes -= self._held.pop(key)[1]
            self._held[key] = (value, size)
            self.bytes += size
            self._shrink()

    def _weigh(self, key: str, size: int) -> None:
        with self._lock:
            if key in self._held and self._held[key][1] != size:
                value, before = self._held[key]
                self._held[key] = (value, size)
                self.bytes += size - before
                self._shrink()

    def _shrink(self) -> None:
        while self.bytes > self._limit and len(self._held) > 1:
            self.bytes -= self._held.popitem(last=False)[1][1]

    def _load(self, key: str, shops: Callable[[], list[ShopRun]]) -> MetricsResult | None:
        try:
            with pa.OSFile(str(self._path(key)), "rb") as file:
                table = pyarrow.ipc.open_file(file).read_all()
            return _result(table, shops())
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return None

    def _save(self, key: str, result: MetricsResult) -> None:
        """Keep figures for the next start; a full or read-only disk is no reason to fail."""
        path = self._path(key)
        aside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        table = _table(result)
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (
                pa.OSFile(str(aside), "wb") as file,
                pyarrow.ipc.new_file(file, table.schema) as to,
            ):
                to.write_table(table)
            aside.replace(path)
            self._sweep()

    def _sweep(self) -> None:
        files = [(one.stat(), one) for one in self.folder.glob("*.arrow")]
        left = sum(stat.st_size for stat, _ in files)
        for stat, path in sorted(files, key=lambda one: one[0].st_mtime):
            if left <= _ON_DISK:
                return
            path.unlink(missing_ok=True)
            left -= stat.st_size

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.arrow"


def _table(result: MetricsResult) -> pa.Table:
    """Return the rows with nothing lost: counts, money and others in columns of their own."""
    rows = result.rows
    keys = list(rows[0].grain) if rows else []
    columns: dict[str, Any] = {
        "shop_id": pa.array([row.shop_id for row in rows], pa.string()),
        "metric": pa.array([row.metric for row in rows], pa.string()),
        "status": pa.array([row.status for row in rows], pa.string()),
        "cumulative": pa.array([row.cumulative for row in rows], pa.float64()),
        "first": pa.array([row.first for row in rows], pa.date32()),
        "last": pa.array([row.last for row in rows], pa.date32()),
    }
    for key in keys:
        kind = pa.date32() if key in ("day", "week") else pa.string()
        columns[f"key.{key}"] = pa.array([row.grain.get(key) for row in rows], kind)
    for part in _PARTS:
        values = [getattr(row, part) for row in rows]
        for name, kind, of in _KINDS:
            held = [value if type(value) is of else None for value in values]
            columns[f"{part}.{name}"] = pa.array(held, kind)
    about = {"judge_rule": result.judge_rule, "grain": ",".join(result.grain)}
    about["shops"] = ",".join(shop.shop_id for shop in result.shops)
    return pa.table(columns).replace_schema_metadata(about)


_KINDS = (
    ("int", pa.int64(), int),
    ("money", pa.decimal128(38, 2), Decimal),
    ("float", pa.float64(), float),
)


def _result(table: pa.Table, shops: Sequence[ShopRun]) -> MetricsResult:
    about = {name.decode(): text.decode() for name, text in (table.schema.metadata or {}).items()}
    columns = {name: table[name].to_pylist() for name in table.column_names}
    keys = [name.removeprefix("key.") for name in columns if name.startswith("key.")]
    rule, rows = about["judge_rule"], list[MetricRow]()
    for at in range(table.num_rows):
        parts = [
            next((v for n, _, _ in _KINDS if (v := columns[f"{part}.{n}"][at]) is not None), None)
            for part in _PARTS
        ]
        rows.append(
            MetricRow(
                shop_id=columns["shop_id"][at],
                grain={key: columns[f"key.{key}"][at] for key in keys},
                metric=columns["metric"][at],
                judge_rule=rule,
                value=parts[0],
                numerator=parts[1],
                denominator=parts[2],
                status=columns["status"][at],
                cumulative=columns["cumulative"][at],
                first=columns["first"][at],
                last=columns["last"][at],
            )
        )
    named = about["shops"].split(",")
    grain_parts = tuple(part for part in about["grain"].split(",") if part)
    kept = tuple(shop for shop in shops if shop.shop_id in named)
    return MetricsResult(rows, kept, grain_parts, rule, is_stale=False)
