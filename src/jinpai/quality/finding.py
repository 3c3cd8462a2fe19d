"""Findings and scores as every run publishes them: two derived tables of the lake.

``findings``        one row per finding
``session_scores``  one row per inspected session: unfiltered, as the run cut it

A session is named by shop, account, buyer and start (``session_id``); the same four columns are in
both tables and in ``sessions``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import pyarrow as pa

__all__ = ["EVIDENCE", "FINDINGS", "SCORES", "finding_id", "session_id"]

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

_SESSION = [
    ("shop_id", pa.string()),
    ("agent_id", pa.string()),  # null: nobody in particular
    ("buyer_id", pa.string()),
    ("day", pa.date32()),  # local day of the session's start
    ("session_no", pa.int64()),  # of the buyer and account, as in `sessions`
    ("session_id", pa.string()),
    ("started_at", pa.timestamp("us")),  # UTC
    ("ended_at", pa.timestamp("us")),
]

FINDINGS = pa.schema(
    [
        ("finding_id", pa.string()),
        *_SESSION,
        ("rule", pa.string()),
        ("rule_version", pa.string()),
        ("rule_group", pa.string()),  # timing, selling, wording, merit
        ("severity", pa.string()),  # low, medium, high
        ("points", pa.float64()),  # below 0 for a fault; at most two decimal places
        ("is_merit", pa.bool_()),
        ("is_fatal", pa.bool_()),
        ("is_shadow", pa.bool_()),  # of a rule on trial: costs nothing
        ("is_overruled", pa.bool_()),  # an appeal was upheld: costs nothing
        ("order_id", pa.string()),
        ("reason_zh", pa.string()),
        ("reason_en", pa.string()),
        ("evidence", pa.list_(EVIDENCE)),  # at most 10, in order of time
    ]
)

SCORES = pa.schema(
    [
        *_SESSION,
        ("is_judged", pa.bool_()),  # both sides wrote: it counts in figures
        ("score", pa.float64()),  # 100 + merits - faults, not below 0; 0 with a fatal fault
        ("faults", pa.int64()),  # findings that cost points or are fatal, and count
        ("merits", pa.int64()),
        ("is_fatal", pa.bool_()),
        ("product_ids", pa.list_(pa.string())),  # products its messages show, sorted
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
    parts = [shop_id, session, rule, rule_version, order_id, *message_ids]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
