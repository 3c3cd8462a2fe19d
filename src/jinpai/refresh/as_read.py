"""The canonical tables as the last run read them: some shops may have been left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from jinpai.line import shop_runs
from jinpai.tables.lake import Snapshot
from jinpai.tables.zones import quoted

__all__ = ["as_read"]


@dataclass(frozen=True)
class _AsRead(Snapshot):
    """A snapshot in which some shops have the rows of other versions."""

    others: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def table_sql(self, name: str) -> str:
        said = super().table_sql(name)
        groups: dict[int, list[str]] = {}
        for shop, versions in self.others.items():
            if name in versions:
                groups.setdefault(versions[name], []).append(shop)
        parts = [f"select * from ({said}) where shop_id not in ({_listed(self.others)})"]
        for version, shops in groups.items():
            manifest = replace(self.manifest, versions={name: version})
            theirs = Snapshot(self.lake, manifest).table_sql(name)
            parts.append(f"select * from ({theirs}) where shop_id in ({_listed(shops)})")
        return " union all ".join(parts)


def _listed(shops: Iterable[str]) -> str:
    return ", ".join(map(quoted, shops))


def as_read(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with every shop's canonical rows as its derived rows were made from."""
    run = snapshot.run or {}
    manifest = replace(snapshot.manifest, versions=run["versions"])
    others = {shop.shop_id: shop.versions for shop in shop_runs(run) if shop.versions}
    if not others:
        return Snapshot(snapshot.lake, manifest)
    return _AsRead(snapshot.lake, manifest, others)
