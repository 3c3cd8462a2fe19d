"""Random shops through files and `jinpai import`, `run` and `metrics --format json`.

Every metric there is, row by row, against the reference.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from line.driving import Shop as Workspace
from reference.canonical_files import write_canonical
from reference.facts import facts
from reference.long_shops import random_long_shop
from reference.metrics import FAMILIES, METRICS, Row, as_float, evaluate, is_nothing
from reference.model import Shop, Value, latest
from reference.shops import random_as_of, random_shop

GRAINS = ((), ("agent",), ("team", "month"), ("product",), ("agent", "week"))


def loaded(folder: Path, shop: Shop) -> Workspace:
    workspace = Workspace(folder / "shop", timezone=shop.timezone)
    for name, value in shop.settings.items():
        workspace.set(name, json.dumps(value, ensure_ascii=False))
    exports = folder / "exports"
    exports.mkdir()
    workspace.load(*write_canonical(shop, exports))
    return workspace


def moment(at: int | None) -> str | None:
    if at is None:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()


def number(value: Any) -> Any:
    """Return money, which JSON has as text, as the decimal it is."""
    return Decimal(value) if isinstance(value, str) else value


def same(ours: Any, theirs: Value) -> bool:
    ours, other = number(ours), as_float(theirs)
    if ours is None or other is None:
        return ours is None and other is None
    return bool(ours == theirs) or abs(float(ours) - other) <= 1e-9 * max(1.0, abs(other))


def key(metric: str, grain: dict[str, Any]) -> tuple[Any, ...]:
    return (metric, *sorted(grain.items()))


def check(workspace: Workspace, theirs: list[Row], grain: tuple[str, ...], *options: str) -> None:
    """Compare the metrics the reference has rows of; rows with nothing in them may be absent."""
    by = ("--by", ",".join(grain)) if grain else ()
    wanted = ",".join(sorted({row.metric for row in theirs}))
    others = {key(row.metric, row.grain): row for row in theirs}
    ours = workspace.must("metrics", workspace.root, "--metric", wanted, *by, *options)["rows"]
    for row in ours:
        other = others.pop(key(row["metric"], row["grain"]), None)
        if other is None:
            assert not row["value"], row
            continue
        assert same(row["value"], other.value), (row, other)
        assert same(row["numerator"] or 0, other.numerator or 0), (row, other)
        assert same(row["denominator"] or 0, other.denominator or 0), (row, other)
        assert row["status"] == other.status, (row, other)
    assert [row for row in others.values() if not is_nothing(row) and row.value is not None] == []


@pytest.mark.parametrize(("rule", "make"), [("order", random_shop), ("payment", random_long_shop)])
def test_every_row_of_every_metric(tmp_path: Path, rule: str, make: Any) -> None:
    rng = Random(f"{rule} {make.__name__}")
    shop = replace(make(rng), shop_id="s")
    at = random_as_of(rng, shop)
    workspace = loaded(tmp_path, shop)
    workspace.run(moment(at))
    found = facts(shop, latest(shop) if at is None else at, rule)
    first, last = found.days()[0], found.days()[-1]
    assert {row.metric for row in evaluate(shop, as_of=at)} == set(METRICS)
    # Days are asked for: without any, after-sales metrics are those of the 28 to the as-of day.
    days = ("--judge-rule", rule, "--from", str(first), "--to", str(last))
    for grain in GRAINS:
        theirs = evaluate(shop, as_of=at, grains=[grain], judge_rule=rule, families=FAMILIES[:3])
        check(workspace, theirs, grain, *days)
    end = found.calendar.day_of(found.as_of)
    for grain in ((), ("agent",)):
        theirs = evaluate(
            shop, as_of=at, grains=[grain], day_from=end - timedelta(days=27), day_to=end,
            judge_rule=rule, families=["aftersales"],
        )  # fmt: skip
        check(workspace, theirs, grain, "--judge-rule", rule)
