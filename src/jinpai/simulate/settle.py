"""Close the books of a simulated shop: what its last evening can know, in order, with ids."""

from __future__ import annotations

from datetime import datetime

from jinpai.simulate.model import Row, World
from jinpai.tables.schema import TABLES

__all__ = ["settle"]

# table -> (id column, prefix); the other tables got their ids from the story.
NUMBERED = {
    "messages": ("message_id", "m"),
    "transfers": ("transfer_id", "t"),
    "complaints": ("complaint_id", "cp"),
}
# A column that is only known once another one is.
FOLLOWS = {
    "refunds": {"outcome": "closed_at", "closed_by": "closed_at"},
    "reviews": {"reply": "replied_at"},
}


def settle(world: World) -> World:
    """Drop what lies after ``world.end``, sort every table by its own time, number the rows."""
    for name, rows in world.tables.items():
        own_time = TABLES[name].own_time
        if own_time is None:
            continue
        kept = [row for row in rows if row[own_time] <= world.end]
        for row in kept:
            _forget_future(name, row, world.end)
        kept.sort(key=lambda row: (row[own_time], row.get("conversation_id", "")))
        world.tables[name] = kept
    for name, (column, prefix) in NUMBERED.items():
        for number, row in enumerate(world.rows(name), start=1):
            row[column] = f"{prefix}{number:08d}"
    return world


def _forget_future(table: str, row: Row, end: datetime) -> None:
    for column, value in row.items():
        if isinstance(value, datetime) and value > end:
            row[column] = None
    for column, needed in FOLLOWS.get(table, {}).items():
        if row[needed] is None:
            row[column] = None
