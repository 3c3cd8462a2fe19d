"""When a reception was answered, told one message after the other."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from jinpai.engine.duckdb import DuckEngine
from reference.conversations import threads
from reference.model import Shop, latest, visible
from reference.shops import random_as_of, random_shop
from worlds import put_tables, run_shop, run_shops


def answered(shop: Shop) -> dict[tuple[object, ...], int | None]:
    """Return (agent, buyer, day) -> when a human wrote next after the buyer's last message."""
    found: dict[tuple[object, ...], int | None] = {}
    for (agent_id, buyer_id), thread in threads(shop).items():
        for place, message in enumerate(thread):
            if message.role == "buyer":
                later = (one.at for one in thread[place:] if one.role == "human")
                found[agent_id, buyer_id, message.day] = next(later, None)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_a_reception_is_answered_when_a_human_writes_next(seed: int) -> None:
    rng = Random(seed)
    shop = random_shop(rng)
    as_of = random_as_of(rng, shop)
    with DuckEngine(threads=2) as engine:
        put_tables(engine, [shop])
        run_shops(engine, [run_shop(shop, as_of)])
        rows = engine.fetch("receptions", "select * from receptions").to_pylist()
    told = {(row["agent_id"], row["buyer_id"], row["day"]): _us(row["answered_at"]) for row in rows}
    expected = answered(visible(shop, latest(shop) if as_of is None else as_of))
    assert told == expected


def _us(at: datetime | None) -> int | None:
    return None if at is None else (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)
