"""A conversation drawn: bubbles, gaps, waits, and what was bought meanwhile, in one order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.web.contexts import Page
from jinpai.web.words import Words

__all__ = ["lines_of", "time_words"]

Line = dict[str, Any]
_SECONDS = 1_000_000
_GAP = 120
"""Seconds of silence worth a line of their own."""


def lines_of(page: Page, talk: Mapping[str, Any], zone: ZoneInfo, *, slow: int) -> list[Line]:
    """Return the lines of a conversation, oldest first.

    Args:
        slow: seconds from which a wait is called slow.
    """
    lines = [_message(page, row, zone) for row in talk["messages"]]
    _add_waits(page, lines, talk["rounds"], slow)
    events = [*_orders(page, talk, zone), *_refunds(page, talk, zone)]
    begins = {row["started_at"]: row for row in talk["sessions"]}
    made: list[Line] = []
    before: datetime | None = None
    for line in sorted([*lines, *events], key=lambda one: (one["at"], one["what"] != "event")):
        session = begins.pop(line["iso"], None) if line["what"] == "message" else None
        if session is not None:
            made.append(_session(page, session, len(talk["sessions"]) - len(begins)))
        gap = 0.0 if before is None else (line["at"] - before).total_seconds()
        if gap >= _GAP:
            text = page.w("talk_gap", time=time_words(page.w, gap))
            made.append({"what": "gap", "text": text})
        made.append(line)
        before = line["at"]
    return made


def _at(iso: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(iso).astimezone(zone)


def _message(page: Page, row: Mapping[str, Any], zone: ZoneInfo) -> Line:
    at = _at(row["sent_at"], zone)
    is_buyer = row["sender"] == "buyer"
    is_auto = row["is_auto"] or row["sender"] == "robot"
    kind = row["kind"] if row["kind"] != "text" else ""
    return {
        "what": "message",
        "at": at,
        "iso": row["sent_at"],
        "time": f"{at:%H:%M:%S}",
        "id": row["message_id"],
        "side": "buyer" if is_buyer else "agent",
        "is_auto": is_auto,
        "label": page.w("talk_robot" if row["sender"] == "robot" else "talk_auto")
        if is_auto
        else "",
        "text": row["text"] or "",
        "kind": page.w(f"talk_kind_{kind}") if kind else "",
        "product": row.get("product"),
        "product_id": row["product_id"],
        "wait": "",
        "wait_tone": "",
    }


def _add_waits(page: Page, lines: list[Line], rounds: Any, slow: int) -> None:
    """Say at the answer how long it took; at the question when nobody answered."""
    answers = {row["closed_at"]: row for row in rounds if row["closed_at"]}
    questions = {row["opened_at"]: row for row in rounds if not row["closed_at"]}
    for line in lines:
        row = answers.get(line["iso"]) if line["side"] == "agent" and not line["is_auto"] else None
        if row is not None:
            answers.pop(line["iso"])
            seconds = row["wait_us"] / _SECONDS
            word = "talk_wait_slow" if seconds > slow else "talk_wait"
            word = "talk_late_answer" if row["is_late"] else word
            line["wait"] = page.w(word, time=time_words(page.w, seconds))
            line["wait_tone"] = "worse" if row["is_late"] or seconds > slow else ""
        elif line["side"] == "buyer" and line["iso"] in questions:
            questions.pop(line["iso"])
            line["wait"], line["wait_tone"] = page.w("talk_no_answer"), "worse"


def _session(page: Page, row: Mapping[str, Any], number: int) -> Line:
    text = page.w("talk_session", n=number, messages=row["messages"])
    reason = row["filter_reason"]
    if reason:
        word = f"filter_{reason}"
        named = page.w(word) if page.w.has(word) else reason
        text += " · " + page.w("talk_session_filtered", reason=named)
    return {"what": "session", "text": text}


def _event(page: Page, iso: str, zone: ZoneInfo, icon: str, text: str, order: str) -> Line:
    at = _at(iso, zone)
    href = page.url("order", order_id=order)
    when = f"{at:%m-%d %H:%M:%S}"
    return {
        "what": "event", "at": at, "iso": iso, "time": when, "icon": icon, "text": text,
        "order": order, "href": href,
    }  # fmt: skip


def _orders(page: Page, talk: Mapping[str, Any], zone: ZoneInfo) -> list[Line]:
    made = []
    for row in talk["orders"]:
        amount = page.w.amount(float(row["paid_amount"])) if row["paid_amount"] else ""
        text = page.w("event_created", amount=amount).rstrip(", ")
        made.append(
            _event(page, row["created_at"], zone, "shopping-cart", text, row["order_id"])
        )  # fmt: skip
        if row["paid_at"]:
            paid = page.w("event_paid", amount=amount)
            made.append(_event(page, row["paid_at"], zone, "credit-card", paid, row["order_id"]))
    return made


def _refunds(page: Page, talk: Mapping[str, Any], zone: ZoneInfo) -> list[Line]:
    made = []
    for row in talk["refunds"]:
        amount = page.w.amount(float(row["amount"])) if row["amount"] else ""
        text = page.w("event_refund_opened", amount=amount).rstrip(", ")
        text += f" · {row['reason']}" if row["reason"] else ""
        made.append(
            _event(page, row["opened_at"], zone, "receipt-refund", text, row["order_id"])
        )  # fmt: skip
    return made


def time_words(words: Words, seconds: float) -> str:
    """Return a stretch of time as people say it: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if words.language == "zh":
        if hours >= 48:
            return f"{hours // 24} 天"
        if hours:
            return f"{hours} 小时 {minutes} 分"
        return f"{minutes} 分 {whole % 60} 秒" if minutes else f"{whole} 秒"
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"
