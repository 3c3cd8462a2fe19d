"""The canonical tables as the last run read them: some shops may have been left out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jinpai.line import shop_runs
from jinpai.tables import delta
from jinpai.tables.lake import Snapshot

__all__ = ["as_read"]


@dataclass(frozen=True)
class _AsRead(Snapshot):
    """A snapshot in which some shops have the files of other versions."""

    others: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def files(self, table: str) -> list[str]:
        folder = self.lake.folder / table
        mine = [file for file in self.data_files(table) if file.shop_id not in self.others]
        for version in {versions.get(table) for versions in self.others.values()} - {None}:
            mine += [
                file
                for file in delta.data_files(folder, version or 0)
                if self.others.get(file.shop_id, {}).get(table) == version
            ]
        return sorted(str(folder.resolve() / file.path) for file in mine)


def as_read(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with every shop's canonical rows as its derived rows were made from."""
    run = snapshot.run or {}
    manifest = replace(snapshot.manifest, versions=run["versions"])
    others = {shop.shop_id: shop.versions for shop in shop_runs(run) if shop.versions}
    if not others:
        return Snapshot(snapshot.lake, manifest)
    return _AsRead(snapshot.lake, manifest, others)
