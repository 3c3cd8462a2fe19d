"""The steps from sessions and orders to credits, in order.

Reads ``order_facts``, ``judged_sessions``, ``reception_*`` and ``threads`` of the conversations
stage. Source of the definitions: docs/definitions, section 3 (winner, judge rules, assist).
"""

from __future__ import annotations

from jinpai.engine.plan import Step, sql_step

__all__ = ["RESULTS", "attribution_steps", "view_steps"]

RESULTS = ("judged_orders", "reception_links", "sale_lines")


def attribution_steps() -> list[Step]:
    """Return the steps that make the relations of ``RESULTS``; those read once are views."""
    return [
        _step("order_moments", keep=False),
        _step("candidate_sessions", keep=False),
        _step("winners"),
        _step("order_verdicts"),
        _step("judged_orders", keep=False),
        _step("credits", keep=False),
        _step("reception_links", keep=False),
        _step("sale_lines"),
    ]


def view_steps() -> list[Step]:
    """Return what is told from the results when it is asked for, since storing it costs more.

    Reads ``order_windows`` (shop_id, order_window_us, two_sided) beside the results.
    """
    return [_step("credits", keep=False), _step("candidates", keep=False)]


def _step(name: str, *, keep: bool = True) -> Step:
    return sql_step("jinpai.attribution", name, keep=keep)
