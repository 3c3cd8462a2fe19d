"""Findings and scores as every run publishes them: derived tables of the lake.

``findings``          one row per finding
``session_scores``    one row per inspected session: unfiltered, as the run cut it
``session_products``  one row per inspected session and product its messages show

A session is named by shop, account, buyer and start (``session_id``). docs/inspection.md names the
columns; the rows come from `inspector.INSPECTED`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as _quoted

import pyarrow as pa

__all__ = ["EVIDENCE", "finding_id", "session_id"]

# A message that shows a finding: its characters from ``start`` up to but without ``end`` (in
# Unicode characters), and when it was sent (microseconds since 1970 UTC).
EVIDENCE = pa.struct(
    [
        ("message_id", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("at_us", pa.int64()),
    ]
)


def session_id(shop_id: str, agent_id: str | None, buyer_id: str, started_us: int) -> str:
    """Return the name of a session: ``shop/agent/buyer/microseconds``, agent empty for nobody."""
    return f"{shop_id}/{agent_id or ''}/{buyer_id}/{started_us}"


def finding_id(
    shop_id: str,
    session: str,
    rule: str,
    rule_version: str,
    message_ids: Iterable[str],
    order_id: str | None = None,
) -> str:
    """Return what a finding is called for ever: 24 hexadecimal digits.

    Another session, rule version, order or message that shows it makes another finding; the
    characters follow from the version and the message.

    >>> finding_id("s", "s/a/b/0", "ignored", "1f", ["m1", "m2"])
    '826ee8a6d3a1f7a199f41a3d'
    """
    # As json.dumps writes a list, without spaces, in a third of its time.
    order = "null" if order_id is None else _quoted(order_id)
    text = ",".join([*map(_quoted, (shop_id, session, rule, rule_version)), order])
    text = ",".join([text, *map(_quoted, message_ids)])
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()[:24]
