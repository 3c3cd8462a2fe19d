"""What came against what the lake has: by hashes, without moving the rows.

Three hashes stand for a row: ``_h`` and ``_g`` of its key, made in different ways, and ``_c`` of
all its columns. Keys are equal when both of theirs are (128 bits); rows of one key are equal when
``_c`` is, which is wrong once in 2^64 replaced rows. Keys that share ``_h`` but not ``_g`` go the
long way, where the columns themselves are compared.

DuckDB's hash of a text lets a change of byte 8 be undone by one of byte 16. Two texts that it takes
for one it tells apart when both are moved by some bytes, so all but ``_h`` look at texts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from jinpai.tables.conform import TYPES, columns_of, hashed
from jinpai.tables.delta import parquet
from jinpai.tables.schema import Table
from jinpai.tables.write import own_times
from jinpai.tables.zones import ident

__all__ = ["HASHES", "differ", "find_suspects", "hashes", "know", "meet", "no_hashes"]

HASHES = "_h UBIGINT, _g UBIGINT, _c UBIGINT"
_FEW = 10  # when the lake is so many times larger, its keys are looked at before its rows


def hashes(table: Table, alias: str = "") -> str:
    """Return the select list of a row's hashes."""
    kinds = {"shop_id": "VARCHAR", **{one.name: TYPES[one.kind] for one in table.columns}}
    every = {name: f"CAST({alias}{ident(name)} AS {kinds[name]})" for name in columns_of(table)}
    moved = [f"concat('#', {one})" for name, one in every.items() if kinds[name] == "VARCHAR"]
    return f"{_keys(table, alias)}, hash({', '.join([*every.values(), *moved])}) AS _c"


def no_hashes(table: Table, alias: str = "") -> str:
    """Return the select list where the lake has nothing to compare with."""
    return f"{hashed(table, alias)} AS _h, 0::UBIGINT AS _g, 0::UBIGINT AS _c"


def _keys(table: Table, alias: str) -> str:
    keys = ", '|', ".join(f"{alias}{name}" for name in ("shop_id", *table.key))
    twice = ", ".join(f"concat('{moved}', {keys})" for moved in ("#", "####"))
    return f"{hashed(table, alias)} AS _h, hash({twice}) AS _g"


def know(con: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str], there: int) -> None:
    """Make ``known`` (hashes, _file: place in ``files``): the lake's rows whose key came.

    Args:
        files: the lake's files; none, and ``known`` is empty.
        there: how many rows they hold.
    """
    name = table.name
    con.execute(f"CREATE OR REPLACE TEMP TABLE known ({HASHES}, _file INTEGER)")
    mine = f"(SELECT _h FROM seen_{name} UNION ALL SELECT _h FROM dirty_{name})"
    ((came,),) = con.execute(f"SELECT count(*) FROM {mine}").fetchall()
    places = list(range(len(files)))
    if came * _FEW < there:
        source = parquet(list(files))
        found = con.execute(
            f"SELECT DISTINCT _file FROM (SELECT {hashed(table)} AS _h, file_index AS _file"
            f" FROM {source}) WHERE _h IN {mine}"
        ).fetchall()
        places = sorted(place for (place,) in found)
    if not places:
        return
    source = parquet([files[place] for place in places])
    rows = f"SELECT {own_times(table)}, file_index::BIGINT + 1 AS _at FROM {source}"
    con.execute(
        f"INSERT INTO known SELECT _h, _g, _c, ({places})[_at]"
        f" FROM (SELECT {hashes(table)}, _at FROM ({rows})) WHERE _h IN {mine}"
    )


def differ(hashes: Sequence[Any]) -> bool:
    """Whether no hash of a key is there twice (Arrow arrays of ``_h``)."""
    every = np.sort(np.concatenate([part.to_numpy() for part in hashes]))
    return not bool((every[1:] == every[:-1]).any())


def find_suspects(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Make ``suspects`` (_h): keys that came more than once, in a patch, or cannot be told apart.

    Returns:
        How many rows that came have such a key.
    """
    name = table.name
    con.execute(f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT DISTINCT _h FROM dirty_{name}")
    for relation in (f"seen_{name}", "known"):
        every = np.sort(con.execute(f"SELECT _h FROM {relation}").fetchnumpy()["_h"])
        twice = np.unique(every[1:][every[1:] == every[:-1]])
        if len(twice):
            _suspect(con, pa.table({"_h": twice}))
    alike = con.sql(f"SELECT _h FROM seen_{name} s JOIN known k USING (_h) WHERE s._g <> k._g")
    _suspect(con, alike.to_arrow_table())
    ((count,),) = con.execute(
        f"SELECT (SELECT count(*) FROM seen_{name} WHERE _h IN (FROM suspects))"
        f" + (SELECT count(*) FROM dirty_{name})"
    ).fetchall()
    return int(count)


def _suspect(con: duckdb.DuckDBPyConnection, more: pa.Table) -> None:
    if more.num_rows:
        con.register("more", more)
        con.execute("INSERT INTO suspects SELECT _h FROM more WHERE _h NOT IN (FROM suspects)")
        con.unregister("more")


def meet(con: duckdb.DuckDBPyConnection, table: Table) -> list[tuple[int, bool, int]]:
    """Compare what came, suspects apart, with ``known``.

    Makes ``dropped`` (_h, _f), rows of staged files that must not stay (suspects are settled by
    themselves, equal rows are there already), and ``beaten`` (_h, _file), rows of the lake that a
    staged row replaces.

    Returns:
        (source, equal, rows) of the rows that met their like; source as in ``seen_<table>``.
    """
    name = table.name
    con.execute(
        "CREATE OR REPLACE TEMP TABLE met AS"
        " SELECT s._h, s._f, s._s, k._file, s._c = k._c AS _equal"
        f" FROM seen_{name} s JOIN known k USING (_h) WHERE _h NOT IN (FROM suspects)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE dropped AS SELECT _h, _f FROM met WHERE _equal UNION ALL"
        f" SELECT _h, _f FROM seen_{name} WHERE _h IN (FROM suspects)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE beaten AS SELECT _h, _file FROM met WHERE NOT _equal")
    counted = con.execute("SELECT _s, _equal, count(*) FROM met GROUP BY ALL").fetchall()
    con.execute("DROP TABLE met")
    return [(source, equal, rows) for source, equal, rows in counted]
