"""From paths to the lake: open, recognise, read, load. The one road for every way of importing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from jinpai.errors import UsageError
from jinpai.forget.incoming import without_forgotten
from jinpai.forget.rows import Shown
from jinpai.sources import mapping as mapping_source
from jinpai.sources.base import Context, Note, Source
from jinpai.sources.files import open_paths
from jinpai.sources.registry import Claim, Recognised, recognise
from jinpai.tables import load
from jinpai.tables.lake import Lake, Snapshot
from jinpai.tables.load import ImportReport, Item, Progress
from jinpai.tables.schema import table_columns
from jinpai.workspace_config import Config

__all__ = ["Imported", "Seen", "import_paths"]


@dataclass(frozen=True)
class Seen:
    """One file: which reader took it, as what, how sure; source None when none did."""

    file: str
    source: str | None
    what: str
    confidence: float
    what_zh: str = ""


@dataclass(frozen=True)
class Imported:
    """What was recognised and what came of it."""

    seen: tuple[Seen, ...]
    report: ImportReport
    notes: tuple[Note, ...] = field(default=())


def import_paths(
    lake: Lake,
    config: Config,
    paths: Sequence[str | Path],
    *,
    source: str | None = None,
    mapping: str | Path | None = None,
    shop_id: str | None = None,
    options: Mapping[str, str] | None = None,
    dry_run: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
    memory: str = "3GB",
    threads: int = 2,
    names: Mapping[Path, str] | None = None,
) -> Imported:
    """Import files, folders and archives, all or nothing.

    Args:
        source: force one reader by name; default by content.
        mapping: a mapping file (docs/mapping.md) instead of the built-in readers.
        shop_id: shop of rows that name none; default the workspace's.
        options: reader options, such as ``date_order=dmy``.
        dry_run: change nothing, report what would happen.
        names: what people call files whose paths say nothing (see `files.open_paths`).
    Raises:
        UsageError: no path; both source and mapping; UnknownName for a source or shop.
        InputError: a file that cannot be taken; nothing was changed.
    """
    if not paths:
        raise UsageError(
            "Name at least one file, folder or .zip to import.",
            zh="请至少指定一个要导入的文件、文件夹或 .zip。",
        )
    if source is not None and mapping is not None:
        raise UsageError(
            "Give --source or --mapping, not both: a mapping file is a reader itself.",
            zh="--source 与 --mapping 只能给一个：映射文件本身就是读取器。",
        )
    entry = config.shop(shop_id)
    notes: list[Note] = []
    files = open_paths([Path(path) for path in paths], notes, names)
    force: str | Source | None = mapping_source.load(Path(mapping)) if mapping else source
    columns = sorted({name for names in table_columns().values() for name in names})
    found = recognise(files, force, columns)
    snapshot = lake.snapshot()
    zones = snapshot.zones()
    context = Context(
        shop_id=entry.shop_id,
        timezone=zones.get(entry.shop_id, entry.timezone),
        tables=table_columns(),
        shop_name=entry.name,
        agent_ids=_agents(snapshot),
        options=options or {},
    )
    act = load.preview if dry_run else load.import_batches
    settings = config.settings(entry.shop_id)

    def shown(shop: str) -> Shown:
        return Shown.of(config.settings(shop if shop in config.shops else None))

    report = act(
        lake,
        without_forgotten(_items(found.claims, context), snapshot, shown, entry.shop_id),
        shop_id=entry.shop_id,
        timezone=context.timezone,
        clock_skew_seconds=settings.clock_skew,
        strict=strict,
        progress=progress,
        memory_limit=memory,
        threads=threads,
    )
    return Imported(_seen(found), report, (*notes, *report.notes))


def _items(claims: Sequence[Claim], context: Context) -> Iterator[Item]:
    for claim in claims:
        yield from claim.source.read(claim.files, context)


def _seen(found: Recognised) -> tuple[Seen, ...]:
    taken = [
        Seen(file.name, claim.source.name, known.what, known.confidence, known.what_zh)
        for claim in found.claims
        for file, known in zip(claim.files, claim.recognitions, strict=True)
    ]
    return (*taken, *(Seen(file.name, None, "", 0.0) for file in found.unrecognised))


def _agents(snapshot: Snapshot) -> frozenset[str]:
    with duckdb.connect() as con:
        sql = snapshot.table_sql("agents")
        return frozenset(row[0] for row in con.execute(f"select agent_id from ({sql})").fetchall())
