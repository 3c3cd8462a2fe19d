"""Local wall times to UTC in plain SQL, from the same time zone data the rest of Jinpai uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache

from jinpai.periods import offset_spans

__all__ = ["FIRST", "PAST", "ident", "local_to_utc", "local_to_utc_of_shops"]

FIRST, PAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
# Where most data lies: its stretches are branches of the SQL, the latest first. All others are
# looked up in lists: 130 years of clocks as branches cost more to plan than a small import to do.
_NEAR_US = tuple(int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for y in (2020, 2029))


@cache
def _stretches(zone: str) -> tuple[tuple[int, int, int], ...]:
    """Return (first, past, offset) in microseconds of wall time, disjoint and in order.

    Where clocks were set back two stretches overlap and the earlier keeps the ambiguous times;
    where they were set forward there is a hole: those wall times do not exist.
    """
    found: list[tuple[int, int, int]] = []
    low, high = (int(time.timestamp()) * 1_000_000 for time in (FIRST, PAST))
    taken = low - 86_400_000_000 * 2
    for start, end, offset in offset_spans(zone, low, high):
        first, past = max(start + offset, taken), end + offset
        if first < past:
            found.append((first, past, offset))
            taken = past
    return tuple(found)


def local_to_utc(local: str, zone: str) -> str:
    """Return SQL for the UTC TIMESTAMP of a local TIMESTAMP; NULL where the time does not exist.

    An ambiguous time (clocks set back) is the first of the two.
    """
    us, low, high = f"epoch_us({local})", *_NEAR_US
    near = [span for span in _stretches(zone) if span[1] > low and span[0] < high]
    branches = " ".join(
        f"WHEN {us} >= {first} AND {us} < {past} THEN make_timestamp({us} - {offset})"
        for first, past, offset in reversed(near)
    )
    if len(near) == len(_stretches(zone)):
        return f"CASE {branches} END"
    return f"CASE WHEN {local} IS NULL THEN NULL {branches} {_looked_up(us, zone)} END"


@cache
def _lists(zone: str) -> tuple[str, str, str]:
    """Return `_stretches` as SQL: the lists of their firsts, pasts and offsets."""
    firsts, pasts, offsets = zip(*_stretches(zone), strict=True)
    return _list(firsts), _list(pasts), _list(offsets)


def _list(values: Iterable[int]) -> str:
    return f"'[{','.join(map(str, values))}]'::BIGINT[]"


def _looked_up(us: str, zone: str) -> str:
    firsts, pasts, offsets = _lists(zone)
    place = f"len(list_filter({firsts}, lambda first: first <= {us}))"
    return f"WHEN {us} < ({pasts})[{place}] THEN make_timestamp({us} - ({offsets})[{place}])"


def local_to_utc_of_shops(local: str, shop: str, zones: Mapping[str, str], default: str) -> str:
    """Return SQL as `local_to_utc`, each row in its own shop's zone (``shop``: SQL of its id)."""
    shops_of: dict[str, list[str]] = {}
    for shop_id, zone in zones.items():
        if zone != default:
            shops_of.setdefault(zone, []).append(shop_id)
    usual = local_to_utc(local, default)
    if not shops_of:
        return usual
    branches = " ".join(
        f"WHEN {shop} IN ({', '.join(map(quoted, shops))}) THEN {local_to_utc(local, zone)}"
        for zone, shops in shops_of.items()
    )
    return f"CASE {branches} ELSE {usual} END"


def ident(name: str) -> str:
    """Return a column's name for SQL: ``at`` is a reserved word.

    >>> ident("at")
    '"at"'
    """
    return f'"{name}"'


def quoted(text: str) -> str:
    """Return text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
