"""What people decided about findings, as a run takes it: the store hands it in as an Arrow table.

A finding whose appeal was upheld stays listed, marked ``is_overruled``, and costs nothing from the
next run on.
"""

from __future__ import annotations

import pyarrow as pa

__all__ = ["RULINGS", "UPHELD", "no_rulings"]

# The verdict that takes a finding out of the score; others are kept as they are and change nothing.
UPHELD = "upheld"

# One row per finding whose appeal is decided.
RULINGS = pa.schema([("finding_id", pa.string()), ("verdict", pa.string())])


def no_rulings() -> pa.Table:
    """Return the table of nothing decided."""
    return RULINGS.empty_table()
