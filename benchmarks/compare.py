"""Check that the two peer scripts give the same figures.

    python benchmarks/compare.py ONE.parquet OTHER.parquet [--common]

Prints the columns that differ and exits with 1 if any does. Counts must be equal, means and money
equal to 1e-9 relative; a figure absent in one file may be 0 in the other (an empty cell).
``--common`` leaves out the figures that one of them has not.
"""

from __future__ import annotations

import sys

import polars as pl

CELL = ["agent_id", "day"]


def differences(one: pl.DataFrame, other: pl.DataFrame) -> dict[str, int]:
    """Number of cells that differ, per column; empty when the files agree."""
    names = [name for name in one.columns if name not in CELL]
    missing = set(names) ^ {name for name in other.columns if name not in CELL}
    keys = [pl.col("agent_id").cast(pl.String), pl.col("day").cast(pl.Date)]
    figures = [
        pl.col(name).cast(pl.Float64).fill_nan(None) for name in names if name not in missing
    ]
    left, right = (frame.select(*keys, *figures) for frame in (one, other))
    both = left.join(right, on=CELL, how="full", coalesce=True, nulls_equal=True, suffix="_2")
    found = dict.fromkeys(missing, -1)
    for name in sorted(set(names) - missing):
        a, b = pl.col(name).fill_null(0), pl.col(f"{name}_2").fill_null(0)
        wrong = both.filter((a - b).abs() > 1e-9 * pl.max_horizontal(a.abs(), b.abs()))
        if wrong.height:
            found[name] = wrong.height
    return found


def main() -> int:
    """Compare the two files named on the command line."""
    one, other = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
    if "--common" in sys.argv:
        both = [name for name in one.columns if name in other.columns]
        one, other = one.select(both), other.select(both)
    found = differences(one, other)
    print(found or "the same figures")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
