"""Evaluate a mapping on one record: names, conditions, values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.sources.canonical_tables import is_prose
from jinpai.sources.columns import value_text
from jinpai.sources.grids import normalise_header, unguard
from jinpai.sources.mapping_model import Condition, TableRule, Value

__all__ = ["Record", "added", "condition", "names_of", "parse_time", "value"]

Getter = Callable[["Record"], str | None]
_FIELD = re.compile(r"\{([^{}]+)\}")
_EXACT_MATH = Context(prec=200)
_EXCEL_ZERO = datetime(1899, 12, 30)


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
        data: name -> value.
        parent: the record whose list this one stands in.
        index: place in that list, from 1.
        row: file row (line) number.
    """

    data: dict[str, Any]
    row: int
    index: int = 1
    parent: Record | None = None

    def get(self, name: str) -> str | None:
        """Return the value of a name as text: ``a``, ``a.b``, ``../a``, ``@index`` or ``@row``."""
        if name.startswith("../"):
            return self.parent.get(name[3:]) if self.parent else None
        if name.startswith("@"):
            return str({"@index": self.index, "@row": self.row}.get(name, ""))
        return value_text(self.data[name] if name in self.data else dig(self.data, name))


def dig(data: object, path: str) -> Any:
    """Follow a dotted path through dictionaries and lists (None when it ends early)."""
    for part in path.split("."):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def names_of(rule: TableRule) -> Iterator[str]:
    """Yield every name a rule reads from its records."""
    conditions = list(rule.when)
    for item in rule.columns.values():
        yield from item.column
        yield from _FIELD.findall(item.template or "")
        yield from (name for name in item.product or () if _decimal(name) is None)
        if item.plus_seconds is not None and _decimal(item.plus_seconds) is None:
            yield item.plus_seconds
        conditions += item.when
    for test in conditions:
        yield test.column or test.present or test.absent or ""


def reader(name: str, empty: frozenset[str], prose: bool = False) -> Getter:
    """Return a function that reads one name, cleaned; words of people are kept as they are."""

    plain = normalise_header(name)  # as the headers of tables are spelt

    def read(record: Record) -> str | None:
        raw = record.get(name)
        if raw is None and plain != name:
            raw = record.get(plain)
        if raw is None:
            return None
        text = unguard(raw)
        if prose:
            return raw if text else None
        return None if text in empty else text

    return read


def condition(tests: Sequence[Condition], empty: frozenset[str]) -> Callable[[Record], bool]:
    """Return a function that says whether a record passes all the tests."""
    made = [_test(test, empty) for test in tests]
    return lambda record: all(test(record) for test in made)


def _test(test: Condition, empty: frozenset[str]) -> Callable[[Record], bool]:
    read = reader(test.column or test.present or test.absent or "", empty)
    if test.present is not None:
        return lambda record: read(record) is not None
    if test.absent is not None:
        return lambda record: read(record) is None
    if test.above is not None:
        low = Decimal(str(test.above))
        return lambda record: (_decimal(read(record)) or low) > low
    if test.not_in is not None:
        refused = frozenset(test.not_in)
        return lambda record: read(record) not in refused
    wanted = frozenset([test.equals] if test.equals is not None else test.is_in or ())
    return lambda record: read(record) in wanted


def value(name: str, spec: Value, empty: frozenset[str], zone: ZoneInfo) -> Getter:
    """Return a function that makes one canonical column from a record."""
    origin = _origin(name, spec, empty)
    passes = condition(spec.when, empty)
    steps = [step for step in (_mapper(spec), _timer(spec, empty, zone), _money(spec)) if step]

    def make(record: Record) -> str | None:
        if not passes(record):
            return None
        text = origin(record)
        for step in steps:
            text = step(record, text) if text is not None else None
        return spec.default if text is None else text

    return make


def _origin(name: str, spec: Value, empty: frozenset[str]) -> Getter:
    if spec.const is not None:
        return lambda record: spec.const
    if spec.template is not None:
        return _template(spec.template, empty)
    if spec.product is not None:
        return _product(spec.product, empty, is_whole=not spec.total)
    readers = [reader(column, empty, is_prose(name)) for column in spec.column]
    return lambda record: next((v for r in readers if (v := r(record)) is not None), None)


def _product(names: Sequence[str], empty: frozenset[str], is_whole: bool) -> Getter:
    """Multiply exactly; what is no number is handed on, so that the tables stage rejects it."""
    factors = [_seconds(name, empty) for name in names]

    def make(record: Record) -> str | None:
        texts = [text for read in factors if read and (text := read(record)) is not None]
        if len(texts) < len(factors):
            return None
        numbers = [number for text in texts if (number := _decimal(text)) is not None]
        if len(numbers) < len(texts):
            return " * ".join(texts)
        exact = _EXACT_MATH.create_decimal(1)
        for number in numbers:
            exact = _EXACT_MATH.multiply(exact, number)
        return cents(exact) if is_whole else format(exact, "f")

    return make


def cents(number: Decimal) -> str:
    """Return a number to the cent, half up; a whole number without cents.

    >>> cents(Decimal("0.195")), cents(Decimal("-0.005")), cents(Decimal("6.0"))
    ('0.20', '-0.01', '6')
    """
    rounded = number.quantize(Decimal("0.01"), ROUND_HALF_UP, _EXACT_MATH)
    return format(rounded, "f").removesuffix(".00")


def added(texts: Sequence[str]) -> str | None:
    """Return the exact sum to the cent, None of nothing; a text that is no number is handed on."""
    total = Decimal(0)
    for text in texts:
        number = _decimal(text)
        if number is None:
            return text
        total = _EXACT_MATH.add(total, number)
    return cents(total) if texts else None


def _template(template: str, empty: frozenset[str]) -> Getter:
    """A template with an empty field is empty as a whole: half an id is no id."""
    fields = {name: reader(name, empty) for name in _FIELD.findall(template)}

    def make(record: Record) -> str | None:
        values = {name: read(record) for name, read in fields.items()}
        if any(value is None for value in values.values()):
            return None
        return _FIELD.sub(lambda found: values[found[1]] or "", template)

    return make


Step = Callable[[Record, str], str | None]


def _mapper(spec: Value) -> Step | None:
    if not spec.map:
        return None
    return lambda record, text: spec.map.get(
        text, text if spec.otherwise == "keep" else spec.otherwise
    )


def _money(spec: Value) -> Step | None:
    if spec.unit != "fen":
        return None

    def yuan(record: Record, text: str) -> str:
        fen = _decimal(text)
        return text if fen is None else format(fen / 100, "f")

    return yuan


def _timer(spec: Value, empty: frozenset[str], zone: ZoneInfo) -> Step | None:
    """What cannot be read is handed on as it is: the tables stage rejects it by name."""
    if not spec.format and spec.plus_seconds is None:
        return None
    seconds = _seconds(spec.plus_seconds, empty)

    def make(record: Record, text: str) -> str | None:
        moment = parse_time(text, spec.format)
        if moment is None:
            return text
        if seconds is None:
            return moment.isoformat(sep=" ")
        plus = seconds(record)
        if plus is None:
            return None
        number = _decimal(plus)
        return f"{text} + {plus}" if number is None else _later(moment, number, zone)

    return make


def _seconds(spec: str | None, empty: frozenset[str]) -> Getter | None:
    if spec is None:
        return None
    return (lambda record: spec) if _decimal(spec) is not None else reader(spec, empty)


def _later(moment: datetime, seconds: Decimal, zone: ZoneInfo) -> str:
    """Add elapsed seconds: over a change of clocks this differs from adding to the wall time."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    utc = aware.astimezone(UTC)
    if utc.astimezone(aware.tzinfo).replace(tzinfo=None) != aware.replace(tzinfo=None):
        return moment.isoformat(sep=" ")  # a wall time that does not exist: rejected later
    return (utc + timedelta(microseconds=int(seconds * 1_000_000))).isoformat(sep=" ")


def parse_time(text: str, formats: Sequence[str] = ()) -> datetime | None:
    """Read a time by the first format that fits (default ``iso``); None when none does.

    >>> parse_time("2026/3/2 9:05", ["iso", "%Y/%m/%d %H:%M"])
    datetime.datetime(2026, 3, 2, 9, 5)
    """
    for form in formats or ("iso",):
        try:
            moment = _parse(text, form)
        except (ValueError, OverflowError, InvalidOperation):
            continue
        return moment
    return None


def _parse(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text.replace("/", "-"))
    if form == "epoch_s":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(text) * 10**6))
    if form == "epoch_ms":
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(Decimal(text) * 1000))
    if form == "excel":
        return _EXCEL_ZERO + timedelta(milliseconds=round(Decimal(text) * 86_400_000))
    return datetime.strptime(text, form)


def _decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text) if text is not None else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
