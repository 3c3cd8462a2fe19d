"""Settle rows whose key is not alone: against each other, and against what the lake has.

A key is *suspect* when it came more than once, came in a patch, or is in the lake. Only suspect
rows are settled, in the order they came: the first row of every key, then the second, and so on,
each against the state its predecessor left. All other rows are new and stay in the files they
are in. Then every file that holds a row that changed is written again with its partition's news.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from jinpai.tables import conform, meet, write
from jinpai.tables.delta import DataFile, parquet
from jinpai.tables.lake import Snapshot, TableChange
from jinpai.tables.rejects import REJECTS
from jinpai.tables.schema import Table
from jinpai.tables.stage import Staged
from jinpai.tables.zones import ident, quoted

__all__ = ["Settled", "settle"]

_AT_ONCE = 3_000_000  # suspect rows settled at once; more are split by the hash of their key
_MADE = (
    *("known", "suspects", "dropped", "beaten"),
    *("final", "gone", "cand", "state", "step", "outcome"),
)
Outcomes = Counter[tuple[str, str]]
"""(source file, outcome) -> rows; outcomes are inserted, replaced, unchanged and rejected."""


@dataclass
class Settled:
    """What became of a table's rows.

    Attributes:
        change: what to commit; None when the table stays as it is.
        outcomes: of suspect rows.
        taken: suspect rows that lie in staged files, per source file: no longer plain new rows.
        corrected: patch rows whose end was set equal to its start after merging.
        rejects: rows refused after merging.
    """

    change: TableChange | None
    outcomes: Outcomes = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    corrected: int = 0
    rejects: list[pa.Table] = field(default_factory=list)


@dataclass
class _Work:
    con: duckdb.DuckDBPyConnection
    staged: Staged
    folder: Path
    clock_skew: int
    lake_sql: str
    settled: Settled = field(default_factory=lambda: Settled(None))

    @property
    def table(self) -> Table:
        return self.staged.table

    @property
    def keys(self) -> tuple[str, ...]:
        return ("shop_id", *self.table.key)

    @property
    def columns(self) -> tuple[str, ...]:
        return conform.columns_of(self.table)

    @property
    def contents(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if name not in self.keys)

    def same_key(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{key} = {right}.{key}" for key in self.keys)


def settle(
    con: duckdb.DuckDBPyConnection,
    staged: Staged,
    sources: list[str],
    snapshot: Snapshot,
    folder: Path,
    tag: str,
    clock_skew: int,
) -> Settled:
    """Settle one table after its last flush; writes new files under ``folder/<table>``.

    Leaves no temporary relation behind but the stager's own.
    """
    table = staged.table
    there = _near(con, staged, snapshot.data_files(table.name))
    root = snapshot.lake.folder / table.name
    paths = [str(root / file.path) for file in there]
    work = _Work(con, staged, folder / table.name, clock_skew, _files_sql(table, paths))
    suspects = 0
    if there or staged.dirty or staged.flushes > 1:  # a single flush has no key twice
        meet.know(con, table, paths, sum(file.rows for file in there))
        suspects = meet.find_suspects(con, table)
    met = meet.meet(con, table) if there or suspects else []
    for source, equal, rows in met:
        work.settled.outcomes[sources[source], "unchanged" if equal else "replaced"] += rows
        work.settled.taken[sources[source]] += rows
    if not met and not suspects:
        work.settled.change = TableChange(staged.files) if staged.files else None
    else:
        columns = ", ".join(f"{ident(name)} {kind}" for name, kind in _types(table))
        con.execute(f"CREATE OR REPLACE TEMP TABLE final ({columns}, _month INTEGER)")
        keys = ", ".join(f"{name} {kind}" for name, kind in _types(table) if name in work.keys)
        con.execute(f"CREATE OR REPLACE TEMP TABLE gone ({keys}, _file VARCHAR)")
        parts = suspects // _AT_ONCE + 1 if suspects else 0
        for part in range(parts):
            _settle_part(work, f"_h % {parts} = {part}")
        work.settled.change = _rewrite(work, there, root, tag)
    for name in _MADE:
        con.execute(f"DROP TABLE IF EXISTS {name}")
    return work.settled


def _near(con: duckdb.DuckDBPyConnection, staged: Staged, there: list[DataFile]) -> list[DataFile]:
    """Return the lake's files that may hold rows of the shops that came."""
    found = con.execute(f"SELECT DISTINCT shop_id FROM dirty_{staged.table.name}").fetchall()
    shops = {shop for (shop,) in found}
    return [
        file
        for file in there
        if file.may_hold(shops) or any(file.may_share(new) for new in staged.files)
    ]


def _types(table: Table) -> list[tuple[str, str]]:
    own = [(column.name, conform.TYPES[column.kind]) for column in table.columns]
    return [
        ("shop_id", "VARCHAR"),
        *own,
        ("source_file", "VARCHAR"),
        ("source_row", "BIGINT"),
    ]


def _listed(table: Table) -> str:
    return ", ".join(ident(name) for name, _ in _types(table))


def _files_sql(table: Table, paths: list[str]) -> str:
    """Return SQL of files' rows (canonical and trace columns, _file, _month); no files, no rows."""
    if not paths:
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in _types(table))
        none = "CAST(NULL AS VARCHAR) AS _file, CAST(NULL AS INTEGER) AS _month"
        return f"SELECT {typed}, {none} WHERE false"
    names = ", ".join(
        f"make_timestamp(epoch_us({ident(name)})) AS {ident(name)}"
        if kind == "TIMESTAMP"
        else ident(name)
        for name, kind in _types(table)
    )
    source = parquet(paths, ", filename = true")
    inner = f"SELECT {names}, filename AS _file FROM {source}"
    return f"SELECT *, {write.month_sql(table)} AS _month FROM ({inner})"


def _staged_sql(work: _Work) -> str:
    """Return SQL of the rows in staged files with their hash (_h)."""
    paths = [str(work.folder / file.path) for file in work.staged.files]
    rows = _files_sql(work.table, paths)
    return f"SELECT *, {conform.hashed(work.table)} AS _h FROM ({rows})"


def _settle_part(work: _Work, test: str) -> None:
    """Settle the suspect keys that pass the test; adds to ``final`` and ``gone``."""
    con = work.con
    _candidates(work, test)
    mine = f"_h IN (SELECT _h FROM suspects WHERE {test})"
    lake = f"SELECT *, {conform.hashed(work.table)} AS _h FROM ({work.lake_sql})"
    names = _listed(work.table)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE state AS SELECT {names}, _file, false AS _changed"
        f" FROM ({lake}) WHERE {mine}"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE outcome (_id BIGINT, outcome VARCHAR, _bad VARCHAR)")
    ((rounds,),) = con.execute("SELECT coalesce(max(_k), 0) FROM cand").fetchall()
    for number in range(1, rounds + 1):
        _round(work, number)
    _count(work)
    con.execute(
        f"INSERT INTO final SELECT {names}, {write.month_sql(work.table)} FROM state WHERE _changed"
    )
    con.execute(
        f"INSERT INTO gone SELECT {', '.join(work.keys)}, _file FROM state"
        " WHERE _changed AND _file IS NOT NULL"
    )


def _candidates(work: _Work, test: str) -> None:
    """Make ``cand``: the suspect rows with _id, _k (round) and _same (as the row before it)."""
    con, table = work.con, work.table
    flushes = pa.table(
        {
            "_file": [str(work.folder / path) for path in work.staged.flush_of],
            "_flush": pa.array(list(work.staged.flush_of.values()), pa.int32()),
        }
    )
    con.register("flushes", flushes)
    names = _listed(table)
    mine = f"_h IN (SELECT _h FROM suspects WHERE {test})"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE cand AS SELECT *, row_number() OVER () AS _id, 1 AS _k,"
        " false AS _same FROM ("
        f"SELECT {names}, _h, _flush, _seq, _mask FROM dirty_{table.name} WHERE {test} UNION ALL"
        f" SELECT {names}, _h, _flush, 0, 0 FROM ({_staged_sql(work)}) JOIN flushes USING (_file)"
        f" WHERE {mine})"
    )
    con.unregister("flushes")
    keys = ", ".join(work.keys)
    ((alone,),) = con.execute(
        f"SELECT count(*) = (SELECT count(*) FROM (SELECT DISTINCT {keys} FROM cand)) FROM cand"
    ).fetchall()
    if not alone:
        _number(work)


def _number(work: _Work) -> None:
    """Give each row the round it is settled in; a row equal to the one before shares its round."""
    keys = ", ".join(work.keys)
    inside = f"PARTITION BY {keys} ORDER BY _flush, _seq"
    same = " AND ".join(
        f"lag({ident(name)}) OVER w IS NOT DISTINCT FROM {ident(name)}"
        for name in (*work.contents, "_mask")
    )
    first = "row_number() OVER w > 1"
    work.con.execute(
        "CREATE OR REPLACE TEMP TABLE cand AS SELECT * REPLACE"
        f" ((count(*) FILTER (NOT _same) OVER ({inside}))::INTEGER AS _k) FROM ("
        f"SELECT * REPLACE (({first} AND {same}) AS _same) FROM cand WINDOW w AS ({inside}))"
    )


def _merged(work: _Work) -> list[str]:
    """Return the select list of a row laid over its predecessor: patches keep absent columns."""
    listed = []
    for name in work.columns:
        carriers = [
            str(number)
            for number, carried in enumerate(work.staged.masks)
            if number == 0 or name in carried
        ]
        default = conform.DEFAULTS.get((work.table.name, name))
        if name in work.keys or len(carriers) == len(work.staged.masks):
            listed.append(f"c.{name}")
            continue
        value = f"CASE WHEN c._mask IN ({', '.join(carriers)}) THEN c.{name} ELSE s.{name} END"
        listed.append(f"{f'coalesce({value}, {default})' if default else value} AS {name}")
    return listed


def _round(work: _Work, number: int) -> None:
    """Settle the number-th row of each key against ``state`` and bring ``state`` up to date."""
    con, table = work.con, work.table
    every = set(work.columns)
    patches = len(work.staged.masks) > 1
    bad = conform.first_fault(conform.checks(table, every, work.clock_skew)) if patches else "NULL"
    fix = conform.moved(table, every) if patches else "false"
    before = ", ".join(f"s.{name} AS s_{name}" for name in work.contents)
    rows = (
        f"SELECT c._id, {', '.join(_merged(work))}, c.source_file, c.source_row, s._file,"
        f" s.shop_id IS NULL AS _new{', ' if before else ''}{before}"
        f" FROM cand c LEFT JOIN state s ON {work.same_key('c', 's')}"
        f" WHERE c._k = {number} AND NOT c._same"
    )
    kept = ", ".join(f"s_{name}" for name in work.contents)
    judged = (
        f"SELECT _id, {', '.join(conform.fixed(table, every))}, source_file, source_row, _file,"
        f" _new, {bad} AS _bad, {fix} AS _fix{', ' if kept else ''}{kept} FROM ({rows})"
    )
    same = " AND ".join(f"{ident(name)} IS NOT DISTINCT FROM s_{name}" for name in work.contents)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE step AS SELECT *, CASE WHEN _bad IS NOT NULL THEN 'rejected'"
        f" WHEN _new THEN 'inserted' WHEN {same or 'true'} THEN 'unchanged' ELSE 'replaced' END"
        f" AS _outcome FROM ({judged})"
    )
    con.execute("INSERT INTO outcome SELECT _id, _outcome, _bad FROM step")
    ((corrected,),) = con.execute(
        "SELECT count(*) FROM step WHERE _fix AND _outcome <> 'rejected'"
    ).fetchall()
    work.settled.corrected += corrected
    names = _listed(table)
    con.execute(
        f"DELETE FROM state s USING step p WHERE p._outcome = 'replaced'"
        f" AND {work.same_key('s', 'p')}"
    )
    con.execute(
        f"INSERT INTO state SELECT {names}, _file, true FROM step"
        " WHERE _outcome IN ('inserted', 'replaced')"
    )


def _count(work: _Work) -> None:
    """Add the outcomes of ``cand`` to the sums; rows equal to the one before share its fate."""
    con, keys = work.con, ", ".join(work.keys)
    fate = (
        "CASE WHEN o.outcome = 'rejected' THEN 'rejected' WHEN c._same THEN 'unchanged'"
        " ELSE o.outcome END"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE fates AS"
        f" SELECT c._id, c.source_file, c._mask, c._flush, c._seq, o._bad, {fate} AS fate"
        f" FROM cand c JOIN (SELECT {keys}, _k, _id AS lead FROM cand WHERE NOT _same) l"
        f" ON {work.same_key('c', 'l')} AND c._k = l._k JOIN outcome o ON o._id = l.lead"
    )
    for source_file, outcome, count in con.execute(
        "SELECT source_file, fate, count(*) FROM fates GROUP BY ALL"
    ).fetchall():
        work.settled.outcomes[source_file, outcome] += count
    for source_file, count in con.execute(
        "SELECT source_file, count(*) FROM cand WHERE _seq = 0 AND _mask = 0 GROUP BY ALL"
    ).fetchall():
        work.settled.taken[source_file] += count
    _refuse(work)
    con.execute("DROP TABLE fates")


def _refuse(work: _Work) -> None:
    listed = ", ".join(map(ident, work.columns))
    refused = work.con.sql(
        f'SELECT NULL::TIMESTAMPTZ AS imported_at, {quoted(work.table.name)} AS "table",'
        ' c.source_file, c.source_row, split_part(f._bad, chr(9), 1) AS "column",'
        " split_part(f._bad, chr(9), 2) AS reason, CAST(to_json(r) AS VARCHAR) AS raw"
        f" FROM fates f JOIN cand c USING (_id) JOIN (SELECT _id, {listed} FROM cand) r USING (_id)"
        " WHERE f.fate = 'rejected' ORDER BY c._flush, c._seq"
    ).to_arrow_table()
    if refused.num_rows:
        work.settled.rejects.append(refused.cast(REJECTS))


def _rewrite(work: _Work, there: list[DataFile], root: Path, tag: str) -> TableChange | None:
    """Write what changed, with the other rows of the files it touches; returns the change."""
    con, table = work.con, work.table
    files = work.staged.files
    dropped, beaten = _count_by(con, "_f", "dropped"), _count_by(con, "_file", "beaten")
    gone = _count_by(con, "_file", "gone")
    loose = [file for place, file in enumerate(files) if place in dropped]
    new = [file for place, file in enumerate(files) if 0 < dropped[place] < file.rows]
    lost = [beaten[at] + gone[str(root / file.path)] for at, file in enumerate(there)]
    removes = [file for file, rows in zip(there, lost, strict=True) if rows]
    old = [file for file, rows in zip(there, lost, strict=True) if 0 < rows < file.rows]
    # Counted before rows are left out, which is near enough to lay them out.
    every = [str(root / file.path) for file in old] + [str(work.folder / file.path) for file in new]
    wanted = write.cells_in(
        con,
        "(SELECT shop_id, _month FROM final UNION ALL"
        f" SELECT shop_id, _month FROM ({_files_sql(table, every)}))",
    )
    names, key = _listed(table), conform.hashed(table)

    def source(one: write.Cell) -> str:
        mine = [str(root / file.path) for file in old if one.may_meet(file)]
        more = [str(work.folder / file.path) for file in new if one.may_meet(file)]
        return (
            f"SELECT {names} FROM final WHERE {one.test} UNION ALL"
            f" SELECT {names} FROM ({_files_sql(table, mine)}) f WHERE {one.test} AND NOT EXISTS"
            f" (SELECT 1 FROM gone g WHERE {work.same_key('f', 'g')})"
            f" AND {key} NOT IN (SELECT _h FROM beaten) UNION ALL"
            f" SELECT {names} FROM ({_files_sql(table, more)}) WHERE {one.test}"
            f" AND {key} NOT IN (SELECT _h FROM dropped)"
        )

    made = write.write_cells(con, table, wanted, source, work.folder, tag)
    adds = [file for file in files if file not in loose] + made
    return TableChange(adds, removes) if adds or removes else None


def _count_by(con: duckdb.DuckDBPyConnection, column: str, relation: str) -> Counter[int | str]:
    found = con.execute(f"SELECT {column}, count(*) FROM {relation} GROUP BY ALL").fetchall()
    return Counter(dict(found))
