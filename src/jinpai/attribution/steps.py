"""The steps from sessions and orders to credits, in order.

Reads ``order_facts``, ``judged_sessions``, ``reception_*`` and ``threads`` of the conversations
stage. Source of the definitions: docs/definitions, section 3 (winner, judge rules, assist).
"""

from __future__ import annotations

from jinpai.engine.plan import Step, sql_step

__all__ = ["RESULTS", "attribution_steps"]

RESULTS = ("candidates", "judged_orders", "credits", "reception_links", "sale_lines")


def attribution_steps() -> list[Step]:
    """Return the steps that make the relations of ``RESULTS``; those read once are views."""
    return [
        _step("order_moments", keep=False),
        _step("nearby_sessions"),
        _step("ranked_sessions"),
        _step("winners"),
        _step("candidates", keep=False),
        _step("order_verdicts"),
        _step("judged_orders", keep=False),
        _step("credits", keep=False),
        _step("reception_links", keep=False),
        _step("sale_lines"),
    ]


def _step(name: str, *, keep: bool = True) -> Step:
    return sql_step("jinpai.attribution", name, keep=keep)
