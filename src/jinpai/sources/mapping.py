"""Read any CSV, workbook, JSON or Parquet file through a mapping file (docs/mapping.md)."""

from __future__ import annotations

import fnmatch
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinpai.errors import UnreadableFile, nearest
from jinpai.sources.base import Batch, Context, Note, Recognition, Reject
from jinpai.sources.canonical_tables import REQUIRED
from jinpai.sources.columns import text_table
from jinpai.sources.files import SourceFile, normalise_header
from jinpai.sources.mapping_model import Mapping, TableRule, load_mapping
from jinpai.sources.mapping_records import header_of, roots, walk
from jinpai.sources.mapping_values import Record, added, condition, names_of, parse_time, value

__all__ = ["MappingSource", "load"]

_ROWS = 20_000
Made = dict[str, str | None]
Numbered = tuple[int, Made]


def load(path: Path) -> MappingSource:
    """Return the reader a mapping file describes (UsageError when the file is wrong)."""
    return MappingSource(load_mapping(Path(path)), Path(path).name)


class MappingSource:
    """A reader made from a mapping file."""

    name = "mapping"
    title_zh = "映射文件"
    title_en = "Mapping file"

    def __init__(self, mapping: Mapping, file_name: str) -> None:
        self.mapping, self.file_name = mapping, file_name
        self._names = _own_names(mapping)

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Claim a file that has the columns the mapping reads.

        Raises:
            UnreadableFile: the user named the file, and a column the mapping reads is not in it.
        """
        if not any(fnmatch.fnmatch(file.basename, pattern) for pattern in self.mapping.files):
            return None
        header = header_of(file, self.mapping.sheet, self._names)
        missing = self._not_in(header) if header is not None else []
        if self._occurs(file) if header is None else not missing:
            tables = ", ".join(dict.fromkeys(rule.table for rule in self.mapping.tables))
            return Recognition(
                1.0,
                f"{self.file_name}: {tables} ({file.kind})",
                what_zh=f"{self.file_name}：{tables}（{file.kind}）",
            )
        if file.given and header:
            raise self._missing(file, missing[0], header)
        return None

    def _not_in(self, header: Sequence[str]) -> list[str]:
        there = set(map(normalise_header, header))
        return [name for name in self._names if normalise_header(name) not in there]

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield each file's rows, a batch for each rule and some thousand records.

        Raises:
            UnreadableFile: the file is damaged.
        """
        zone = ZoneInfo(self.mapping.timezone or context.timezone)
        for file in files:
            yield from _FileReading(self.mapping, file, zone).rows(self._names)

    def _occurs(self, file: SourceFile) -> bool:
        """Whether a JSON file has a record in which something the mapping reads occurs."""
        if file.kind == "xml":
            return False
        heads = itertools.islice(roots(file, None, ()), 5)
        tops = [head for head in heads if isinstance(head, Record)]
        for rule in self.mapping.tables:
            for record in _at(tops, self.mapping, rule):
                if any(record.get(name) is not None for name in names_of(rule) if name[0] != "@"):
                    return True
        return False

    def _missing(self, file: SourceFile, name: str, header: Sequence[str]) -> UnreadableFile:
        near = nearest(name, header)
        return UnreadableFile(
            f"the mapping file {self.file_name} reads the column '{name}', which is not there.",
            file=file.name,
            column=name,
            hint=f"Did you mean '{near}'?" if near else f"There are: {', '.join(header[:20])}.",
            zh=f"映射文件 {self.file_name} 要读列“{name}”，但文件里没有。"
            + (f"是不是“{near}”？" if near else f"现有的列：{'、'.join(header[:20])}。"),
        )


def _own_names(mapping: Mapping) -> list[str]:
    """Return the names read from the file's own rows (not from nested records)."""
    rules = [rule for rule in mapping.tables if not rule.records]
    names = itertools.chain.from_iterable(names_of(rule) for rule in rules)
    return list(dict.fromkeys(name for name in names if not name.startswith(("@", "../"))))


def _at(tops: Iterable[Record], mapping: Mapping, rule: TableRule) -> Iterator[Record]:
    path = ".".join(part for part in (mapping.records, rule.records) if part)
    for top in tops:
        yield from walk(top, path)


class _Rule:
    """One rule, ready to make rows."""

    def __init__(self, rule: TableRule, mapping: Mapping, zone: ZoneInfo) -> None:
        empty = frozenset(mapping.empty) | {""}
        self.rule, self.mapping = rule, mapping
        self.passes = condition(rule.when, empty)
        self.columns = {name: value(name, spec, empty, zone) for name, spec in rule.columns.items()}
        self.fills = {name: spec.fill for name, spec in rule.columns.items() if spec.fill}
        self.totals = [name for name, spec in rule.columns.items() if spec.total]
        self.held: list[Numbered] = []
        self._sums: dict[tuple[str | None, ...], tuple[int, Made, dict[str, list[str]]]] = {}

    def rows(self, tops: Sequence[Record]) -> list[Numbered]:
        """Return (file row, canonical row) for every record that passes."""
        return [
            (record.row, {name: make(record) for name, make in self.columns.items()})
            for record in _at(tops, self.mapping, self.rule)
            if self.passes(record)
        ]

    def add(self, rows: Sequence[Numbered]) -> None:
        """Put rows of the same key together: the last row's cells, and what is added up."""
        keys = [name for name in REQUIRED[self.rule.table] if name.endswith("_id")]
        for at, row in rows:
            key = tuple(row.get(name) for name in keys)
            texts = self._sums[key][2] if key in self._sums else {name: [] for name in self.totals}
            for name in self.totals:
                if (text := row[name]) is not None:
                    texts[name].append(text)
            self._sums[key] = (at, row, texts)

    def summed(self) -> list[Numbered]:
        """Return a row per key, numbered as its last one."""
        return [
            (at, row | {name: added(found) for name, found in texts.items()})
            for at, row, texts in self._sums.values()
        ]


class _FileReading:
    """One pass over one file."""

    def __init__(self, mapping: Mapping, file: SourceFile, zone: ZoneInfo) -> None:
        self.mapping, self.file, self.zone = mapping, file, zone
        self.rules = [_Rule(rule, mapping, zone) for rule in mapping.tables]
        self.made = dict.fromkeys(range(len(self.rules)), 0)

    def rows(self, names: Sequence[str]) -> Iterator[Batch | Reject | Note]:
        """Yield the file's rows; rules that fill over conversations come at the end."""
        items = roots(self.file, self.mapping.sheet, names)
        while part := list(itertools.islice(items, _ROWS)):
            yield from (item for item in part if isinstance(item, Reject))
            tops = [item for item in part if isinstance(item, Record)]
            for at, rule in enumerate(self.rules):
                made = rule.rows(tops)
                self.made[at] += len(made)
                if rule.totals:
                    rule.add(made)
                elif rule.fills:
                    rule.held += made
                elif made:
                    yield self._batch(rule, made)
        for rule in self.rules:
            if rule.totals and (summed := rule.summed()):
                yield self._batch(rule, summed)
            if rule.held:
                for name, how in rule.fills.items():
                    _fill(rule.held, name, how, self.zone)
                yield self._batch(rule, rule.held)
        yield from self._idle()

    def _batch(self, rule: _Rule, made: Sequence[Numbered]) -> Batch:
        rows = text_table(list(rule.columns), [row for _, row in made], [at for at, _ in made])
        zone = self.mapping.timezone
        return Batch(rule.rule.table, rows, self.file.name, self.mapping.patch, zone)

    def _idle(self) -> Iterator[Note]:
        for at, count in self.made.items():
            if count == 0:
                table = self.mapping.tables[at].table
                yield Note(
                    self.file.name,
                    f"rule {at + 1} ({table}) made no row",
                    f"第 {at + 1} 条规则（{table}）没有产生任何行",
                )


def _fill(held: Sequence[Numbered], name: str, how: str, zone: ZoneInfo) -> None:
    """Fill the empty cells of a column from the rows of the same conversation."""
    groups: dict[str, list[Made]] = defaultdict(list)
    for _, row in held:
        conversation = row["conversation_id"]
        if conversation is not None:
            groups[conversation].append(row)
    for rows in groups.values():
        _fill_one(_in_time(rows, zone), name, how)


def _in_time(rows: list[Made], zone: ZoneInfo) -> list[Made]:
    """Order by sent_at where every row has one that can be read, else as in the file."""
    moments: list[datetime] = []
    for row in rows:
        moment = parse_time(row.get("sent_at") or "")
        if moment is None:
            return rows
        moments.append(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    order = sorted(range(len(rows)), key=moments.__getitem__)
    return [rows[at] for at in order]


def _fill_one(rows: Sequence[Made], name: str, how: str) -> None:
    known = [row[name] for row in rows if row[name] is not None]
    if not known:
        return
    if how == "first_in_conversation":
        upcoming = known[0]
        for row in rows:
            row[name] = row[name] or upcoming
        return
    upcoming = known[-1]
    for row in reversed(rows):
        upcoming = row[name] = row[name] or upcoming
