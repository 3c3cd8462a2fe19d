"""What people decided about findings, as a run takes it: the store hands it in as an Arrow table.

A finding whose appeal was upheld stays listed, marked ``is_overruled``, and costs nothing from the
next run on.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["RULINGS", "UPHELD", "no_rulings", "overruled"]

# The verdict that takes a finding out of the score; others are kept as they are and change nothing.
UPHELD = "upheld"

# One row per finding whose appeal is decided.
RULINGS = pa.schema([("finding_id", pa.string()), ("verdict", pa.string())])


def no_rulings() -> pa.Table:
    """Return the table of nothing decided."""
    return RULINGS.empty_table()


def overruled(rulings: pa.Table | None) -> frozenset[str]:
    """Return the ids of findings that no longer count."""
    if rulings is None:
        return frozenset()
    pairs = zip(rulings["finding_id"].to_pylist(), rulings["verdict"].to_pylist(), strict=True)
    return frozenset(name for name, verdict in pairs if verdict == UPHELD)
