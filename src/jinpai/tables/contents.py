"""What a table holds in one word, however its rows are ordered and spread over files.

Two states whose words are equal have the same rows: so a part of the work and all of it can be
compared, on any size of data.
"""

from __future__ import annotations

import duckdb

from jinpai.tables import derived
from jinpai.tables.lake import Snapshot
from jinpai.tables.zones import ident

__all__ = ["contents"]


def contents(snapshot: Snapshot) -> dict[str, str]:
    """Return derived table -> ``rows-hash``, the sum of its rows' hashes modulo 2^64, in hex.

    The hash is the engine's own: words of different versions of it cannot be compared. Raises what
    reading the files raises.
    """
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return {name: _word(con, snapshot, name) for name in snapshot.derived}


def _word(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, name: str) -> str:
    folder = snapshot.lake.folder / name
    rows = derived.view_sql(con, folder, snapshot.versions[name])
    columns = sorted(column for column, *_ in con.execute(f"DESCRIBE {rows}").fetchall())
    listed = ", ".join(map(ident, columns))
    sql = f"SELECT count(*), coalesce(sum(hash({listed})), 0) FROM ({rows})"
    ((count, total),) = con.execute(sql).fetchall()
    return f"{count}-{int(total) % 2**64:016x}"
