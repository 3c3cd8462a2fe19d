"""Values and messages in the form an explanation shows them: JSON values, phone numbers masked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.settings import Settings

__all__ = [
    "findings_of_sessions",
    "json_cell",
    "json_cells",
    "masked",
    "messages_of_rounds",
    "shown_message",
]

_MOBILE = re.compile(r"(?<![0-9])(1[3-9][0-9])[0-9]{4}([0-9]{4})(?![0-9])")

# Messages of each asked round, from the one that opened it to the one that closed it; of a round
# that nobody closed, the rest of its session.
_ROUND_MESSAGES = """
with ordered as (
    select
        m.*,
        coalesce(m.agent_id, '') as agent_key,
        row_number() over (
            partition by m.buyer_id, coalesce(m.agent_id, '')
            order by m.sent_at, m.seq asc nulls last, m.message_id
        ) as position
    from messages as m
    inner join (select distinct buyer_id, agent_key from asked_rounds) as t
        on t.buyer_id = m.buyer_id and t.agent_key = coalesce(m.agent_id, '')
    where m.shop_id = $shop_id and m.sender <> 'system' and us(m.sent_at) <= $as_of_us
)

select
    a.place, o.message_id, o.sent_at, o.seq, o.sender, o.is_auto, o.kind, o.text, o.product_id
from asked_rounds as a
inner join ordered as o
    on o.buyer_id = a.buyer_id
    and o.agent_key = a.agent_key
    and o.position >= a.opened_position
left join sessions as s
    on s.shop_id = $shop_id
    and s.buyer_id = a.buyer_id
    and coalesce(s.agent_id, '') = a.agent_key
    and s.session_no = a.session_no
where o.position <= a.closed_position or (a.closed_position is null and o.sent_at <= s.ended_at)
order by a.place, o.position
"""


_FINDINGS = """
select
    f.session_id, f.finding_id, f.rule, f.points, f.is_fatal, f.order_id, f.reason_zh, f.reason_en,
    f.evidence
from findings as f
inner join asked_sessions as a on a.session_id = f.session_id
where f.shop_id = $shop_id and not f.is_shadow and not f.is_overruled
order by f.session_id, f.points, f.rule
"""


def findings_of_sessions(
    engine: DuckEngine, shop_id: str, sessions: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return session -> its findings that count, the costliest first."""
    asked = pa.table({"session_id": pa.array(sorted(set(sessions)), pa.string())})
    engine.put("asked_sessions", asked)
    found = dict[str, list[dict[str, Any]]]()
    for row in engine.fetch("findings", _FINDINGS, {"shop_id": shop_id}).to_pylist():
        found.setdefault(row.pop("session_id"), []).append(row)
    return found


def json_cell(value: Any) -> Any:
    """Return a value as JSON has it: money as text, times as ISO text in UTC, dates as ISO text."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def json_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with every value as JSON has it."""
    return {name: json_cell(value) for name, value in row.items()}


def masked(text: str | None, unmask: bool = False) -> str | None:
    """Return a text with its Chinese mobile numbers made unreadable.

    >>> masked("电话13812341234")
    '电话138****1234'
    """
    return text if unmask or text is None else _MOBILE.sub(r"\1****\2", text)


def shown_message(row: Mapping[str, Any], settings: Settings, unmask: bool) -> dict[str, Any]:
    """Return a canonical message as shown: ``is_auto`` as the run saw it, its text masked."""
    text = row["text"]
    listed = row["sender"] == "agent" and text is not None
    is_auto = bool(row["is_auto"]) or (
        listed
        and (
            text in settings.auto_reply_texts
            or text.startswith(tuple(settings.auto_reply_prefixes))
        )
    )
    return json_cells(row) | {"is_auto": is_auto, "text": masked(text, unmask)}


def messages_of_rounds(
    engine: DuckEngine,
    shop_id: str,
    as_of_us: int,
    settings: Settings,
    rounds: Sequence[Mapping[str, Any]],
    unmask: bool,
) -> list[list[dict[str, Any]]]:
    """Return each round's messages, in the order of the rounds.

    Args:
        engine: holds ``messages`` as the run read them and ``sessions``.
        rounds: rows of ``rounds`` of the shop.
    """
    table: dict[str, pa.Array[Any]] = {
        "place": pa.array(range(len(rounds)), pa.int64()),
        "buyer_id": pa.array([r["buyer_id"] for r in rounds], pa.string()),
        "agent_key": pa.array([r["agent_id"] or "" for r in rounds], pa.string()),
    }
    for name in ("session_no", "opened_position", "closed_position"):
        table[name] = pa.array([r.get(name) for r in rounds], pa.int64())
    engine.put("asked_rounds", pa.table(table))
    values = {"shop_id": shop_id, "as_of_us": as_of_us}
    found: list[list[dict[str, Any]]] = [[] for _ in rounds]
    for row in engine.fetch("messages of rounds", _ROUND_MESSAGES, values).to_pylist():
        found[row.pop("place")].append(shown_message(row, settings, unmask))
    return found
