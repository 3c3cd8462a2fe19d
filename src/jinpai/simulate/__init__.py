"""A shop with known truth, written as canonical CSV or in the real export formats.

>>> import tempfile
>>> from pathlib import Path
>>> made = simulate(Path(tempfile.mkdtemp()), agents=2, days=2, buyers=5, seed=1)
>>> made.rows["agents"], made.truth["from"]
(2, '2026-03-01')
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from jinpai.errors import UnknownName, UsageError
from jinpai.simulate.canonical import people_rows, write_canonical, write_table
from jinpai.simulate.model import World, load_phrases
from jinpai.simulate.plants import plant
from jinpai.simulate.qianniu import write_qianniu
from jinpai.simulate.settle import settle
from jinpai.simulate.shop import live
from jinpai.simulate.taobao import write_taobao

__all__ = ["SOURCES", "Simulated", "simulate"]

SOURCES = ("canonical", "taobao")
BY_HAND = ("transfers", "complaints")  # what no Taobao export has


@dataclass(frozen=True)
class Simulated:
    """What was written.

    Attributes:
        rows: canonical table name -> rows that happened.
        files: file -> rows in it, in the order they were written.
        truth: parameters of agents and buyers, campaigns, who truly sold each order, and
            ``settings``: the settings of Jinpai that fit this shop, ``planted``: what inspection
            must find in the planted sessions.
    """

    rows: dict[str, int]
    files: dict[Path, int]
    truth: dict[str, Any]


def simulate(
    out: str | Path,
    *,
    agents: int = 10,
    days: int = 30,
    buyers: int = 1800,
    seed: int = 1,
    source: str = "canonical",
    truth: str | Path | None = None,
    start: date | str = "2026-03-01",
    planted: int = 0,
) -> Simulated:
    """Write a simulated shop into the folder ``out`` (made if missing) and return what it holds.

    The shop lives in Asia/Shanghai from ``start`` for ``days`` days. ``source`` is ``canonical``
    (one UTF-8 CSV per table) or ``taobao`` (the files a seller downloads, plus ``agents``,
    ``transfers`` and ``complaints`` as canonical CSV, which no download has). ``truth`` names a
    file for the truth as JSON; keep it out of ``out`` if you import the whole folder. The same
    arguments write the same bytes, and both sources tell the same story. With ``planted``, so many
    sessions of every scenario of plants.yaml are added, each with a fault or merit or narrowly
    without one; the truth then says under ``planted`` what is to be found in them.

    Raises UsageError for counts below 1 and an unreadable start, UnknownName for the source.
    """
    if source not in SOURCES:
        raise UnknownName("source", source, SOURCES)
    for name, count in (("agents", agents), ("days", days), ("buyers", buyers)):
        if count < 1:
            raise UsageError(
                f"--{name} must be at least 1, not {count}.",
                zh=f"--{name} 至少为 1，不能是 {count}。",
            )
    phrases = load_phrases()
    world = live(agents, days, buyers, seed, _midnight(start), phrases)
    if planted:
        world.truth["planted"] = plant(world, phrases, planted, seed)
    world = settle(world)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    files = write_canonical(world, folder) if source == "canonical" else _platform(world, folder)
    if truth is not None:
        text = json.dumps(world.truth, ensure_ascii=False, indent=1)
        Path(truth).write_text(text + "\n", "utf-8", newline="\n")
    rows = {name: len(found) for name, found in (people_rows(world) | world.tables).items()}
    return Simulated(rows, files, world.truth)


def _midnight(start: date | str) -> datetime:
    try:
        day = date.fromisoformat(start) if isinstance(start, str) else start
    except ValueError as error:
        raise UsageError(
            f"The start must be a day like 2026-03-01, not '{start}'.",
            zh=f"起始日应写成 2026-03-01 的形式，不能是“{start}”。",
        ) from error
    return datetime.combine(day, time())


def _platform(world: World, out: Path) -> dict[Path, int]:
    """Write what a seller downloads, and by hand what he would have to type."""
    written = write_taobao(world, out) | write_qianniu(world, out)
    typed = {"agents": people_rows(world)["agents"]}
    typed |= {name: world.rows(name) for name in BY_HAND if world.rows(name)}
    return written | {write_table(out, name, rows): len(rows) for name, rows in typed.items()}
