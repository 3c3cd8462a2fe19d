"""The shop as plain rows, the settings with their defaults, and what had happened at as_of.

Instants are int microseconds since 1970 UTC, money is Decimal, dates are datetime.date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["DEFAULTS", "HOUR", "RULES", "SECOND", "Row", "Shop", "Value", "latest", "visible"]

Value = int | Decimal | Fraction | None
Record = dict[str, Any]

SECOND = 1_000_000
HOUR = 3600 * SECOND
RULES = ("order", "order_first", "payment")

DEFAULTS: Mapping[str, Any] = {
    "business_day_start": "00:00",
    "session_gap": 600,
    "excluded_flags": [],
    "auto_reply_texts": [],
    "auto_reply_prefixes": [],
    "internal_accounts": [],
    "excluded_buyers": [],
    "ad_phrases": [],
    "ad_max_messages": 5,
    "one_sentence": False,
    "one_sentence_max": 5,
    "inquiry_days": 2,
    "aftersale_days": 21,
    "followup_window": 48,
    "two_sided": True,
    "order_window": 48,
    "judge_rule": "order_first",
    "payment_days": 4,
    "duty_hours": None,
    "platform_from": "08:00",
    "platform_to": "23:00",
    "slow_times": 3,
    "slow_seconds": 120,
    "repurchase_days": 30,
}

OWN_TIME = {
    "messages": "sent_at",
    "transfers": "at",
    "orders": "created_at",
    "refunds": "opened_at",
    "complaints": "opened_at",
    "reviews": "posted_at",
    "online_sessions": "online_at",
}
# offline_at is not here: a session that ends after as_of has a sentence of its own.
OTHER_TIMES = {
    "orders": ("paid_at", "shipped_at", "finished_at", "closed_at"),
    "refunds": ("closed_at", "disputed_at"),
    "reviews": ("edited_at", "replied_at"),
}


@dataclass(frozen=True)
class Shop:
    """One shop: its zone, the settings that differ from the defaults, its canonical rows."""

    shop_id: str
    timezone: str
    settings: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, list[Record]] = field(default_factory=dict)

    def rows(self, table: str) -> list[Record]:
        """Return the rows of a table (empty when the shop has none)."""
        return self.tables.get(table, [])

    def setting(self, name: str) -> Any:
        """Return the setting in force; KeyError for an unknown name."""
        return self.settings[name] if name in self.settings else DEFAULTS[name]

    def team_of(self, agent_id: str | None) -> str | None:
        """Return the team of an account; None for the unassigned and for accounts without a row."""
        for agent in self.rows("agents"):
            if agent["agent_id"] == agent_id:
                team: str | None = agent.get("team")
                return team
        return None


@dataclass(frozen=True)
class Row:
    """One figure: value, numerator and denominator exact (Fraction for quotients).

    ``cumulative`` is the share of a class of complaints and of those before it.
    """

    shop_id: str
    grain: dict[str, str | None]
    metric: str
    judge_rule: str
    value: Value
    numerator: Value
    denominator: Value
    status: str
    cumulative: Value = None


def latest(shop: Shop) -> int | None:
    """Return the default as_of: the latest sent_at, created_at or paid_at; None for no rows."""
    times = [m["sent_at"] for m in shop.rows("messages")]
    for order in shop.rows("orders"):
        times.append(order["created_at"])
        if order.get("paid_at") is not None:
            times.append(order["paid_at"])
    return max(times, default=None)


def visible(shop: Shop, as_of: int) -> Shop:
    """Return the shop as it had happened at as_of, itself included."""
    tables = {name: [dict(row) for row in rows] for name, rows in shop.tables.items()}
    for name, column in OWN_TIME.items():
        tables[name] = [row for row in tables.get(name, []) if row[column] <= as_of]
    for name, columns in OTHER_TIMES.items():
        for row in tables[name]:
            for column in columns:
                if row.get(column) is not None and row[column] > as_of:
                    row[column] = None
    for refund in tables["refunds"]:
        if refund.get("closed_at") is None:
            refund["closed_by"] = refund["outcome"] = None
    return replace(shop, tables=tables)
