"""The steps from messages to receptions, in order.

Reads the canonical tables and the run relations (``run_shops``, ``setting_texts``, ``shop_clock``,
``shop_days``, ``duty_marks``). Source of the definitions: docs/definitions, section 3.
"""

from __future__ import annotations

from collections.abc import Set

from jinpai.engine.plan import Step, sql_step

__all__ = ["RESULTS", "conversation_steps", "marking_steps"]

# What later stages and people read; everything else is a means.
RESULTS = ("sessions", "rounds", "receptions", "online_days")

_EMPTY = {
    "duty_waits": (
        "select cast(null as bigint) as thread_no, cast(null as integer) as opened_position,"
        " cast(null as boolean) as is_opened_on_duty, cast(null as bigint) as duty_us"
        " from run_shops where false"
    ),
    "ad_receptions": (
        "select cast(null as bigint) as thread_no, cast(null as integer) as day_no"
        " from run_shops where false"
    ),
}


def conversation_steps(settings_in_use: Set[str], has_duty_hours: bool) -> list[Step]:
    """Return the steps that make the relations of ``RESULTS``.

    Relations that are only published are views, so that they stream to their files.

    Args:
        settings_in_use: list settings that any shop of the run fills. Message texts are read only
            if a phrase is asked for, since they are most of the bytes.
        has_duty_hours: whether any shop of the run has duty hours.
    """
    return [
        *marking_steps(settings_in_use),
        _step("visible_messages", keep=False),
        _step("thread_names"),
        _step("agent_numbers"),
        _step("threads"),
        _step("turns_by_time"),
        _step("tied_threads"),
        _step("turns_by_id"),
        _step("stretches"),
        _step("session_spans"),
        _step("round_spans"),
        _unless(not has_duty_hours, "duty_waits"),
        _step("reception_days"),
        _step("buyer_marks"),
        _unless("ad_phrases" not in settings_in_use, "ad_receptions"),
        _step("reception_marks"),
        _step("filtered_receptions"),
        _step("order_facts"),
        _step("reception_orders"),
        _step("reception_kinds"),
        _step("receptions", keep=False),
        _step("judged_sessions"),
        _step("session_load"),
        _step("sessions", keep=False),
        _step("rounds", keep=False),
        _step("online_spans"),
        _step("online_days"),
    ]


def marking_steps(settings_in_use: Set[str]) -> list[Step]:
    """Return the steps that tell automatic replies by their texts.

    Message ids are read only where texts can make a message one.
    """
    if settings_in_use & {"auto_reply_texts", "auto_reply_prefixes"}:
        return [_step("auto_replies"), _step("marked_messages", keep=False)]
    none = "select *, false as is_auto_text from messages"
    return [Step("marked_messages", none, keep=False)]


def _step(name: str, *, keep: bool = True) -> Step:
    return sql_step("jinpai.conversations", name, keep=keep)


def _unless(empty: bool, name: str) -> Step:
    return Step(name, _EMPTY[name]) if empty else _step(name)
