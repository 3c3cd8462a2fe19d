"""Ids for messages that came without one: the same message gets the same id in every import."""

from __future__ import annotations

import duckdb

from jinpai.tables.zones import quoted

__all__ = ["with_message_ids"]

_BASE = (
    "md5(concat_ws(chr(31), shop_id, coalesce(buyer_id, ''), coalesce(agent_id, ''),"
    " epoch_us(sent_at), sender, coalesce(text, '')))"
)


def with_message_ids(con: duckdb.DuckDBPyConnection, query: str, source_file: str) -> str:
    """Return SQL of the conformed messages with every message_id filled in.

    An id is the hash of shop, buyer, agent, sent_at, sender, text and the occurrence number among
    equal rows of the file; ``occurrences`` remembers how many the file's earlier chunks had.
    """
    con.execute("CREATE TEMP TABLE IF NOT EXISTS occurrences (file VARCHAR, base VARCHAR, n INT)")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE unnamed AS SELECT *,"
        f" CASE WHEN message_id IS NULL THEN {_BASE} END AS _base FROM ({query})"
    )
    mine = f"FROM occurrences WHERE file = {quoted(source_file)} GROUP BY base"
    place = "row_number() OVER (PARTITION BY u._base ORDER BY u._n) + coalesce(o.n, 0)"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE named AS SELECT u.* EXCLUDE (_base) REPLACE"
        f" (coalesce(u.message_id, md5(concat_ws(chr(31), u._base, {place}))) AS message_id)"
        f" FROM unnamed u LEFT JOIN (SELECT base, sum(n)::BIGINT AS n {mine}) o ON o.base = u._base"
    )
    con.execute(
        f"INSERT INTO occurrences SELECT {quoted(source_file)}, _base, count(*) FROM unnamed"
        " WHERE _base IS NOT NULL GROUP BY _base"
    )
    return "FROM named"
