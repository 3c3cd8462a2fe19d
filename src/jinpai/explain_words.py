"""The sentences of explanations, Chinese and English side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from jinpai.settings import Settings

__all__ = ["credit_reason", "filter_words", "kind_words", "lost_words", "moment_words"]

Words = tuple[str, str]

_MOMENTS = {
    "created": ("下单时", "when the order was created"),
    "paid": ("付款时", "when it was paid"),
}
_WON = ("优胜：排在第一", "won: the best candidate")
_LOST = {
    "not_covering": (
        "优胜会话正在进行，本会话没有覆盖该时刻",
        "did not cover the moment, the winner did",
    ),
    "earlier_end": ("结束时间早于优胜会话", "ended earlier than the winner"),
    "earlier_start": ("开始时间早于优胜会话", "started earlier than the winner"),
    "larger_agent_id": ("起止时间相同，按账号排序在后", "same times, larger agent id"),
    "filtered": ("不是候选：会话被过滤", "no candidate: the session is filtered"),
    "unassigned": ("不是候选：会话没有客服", "no candidate: the session has no agent"),
    "unattended": ("不是候选：没有人工回复", "no candidate: no human message"),
    "one_sided": ("不是候选：买家没有发言", "no candidate: no buyer message"),
    "out_of_window": ("不是候选：不在判定时间窗内", "no candidate: outside the order window"),
}


def moment_words(moment: str) -> Words:
    """Return the name of a moment (``created``, ``paid``)."""
    return _MOMENTS[moment]


def lost_words(reason: str | None, place: int | None) -> Words:
    """Return why a session near an order lost, or that it won."""
    return _LOST[reason] if reason is not None else _WON


def credit_reason(rule: str, status: str, agent_id: str | None, order: Mapping[str, Any]) -> Words:
    """Return why an order is credited as it is under a judge rule.

    Args:
        order: a row of ``judged_orders``.
    """
    if status == "unpaid":
        return "尚未付款，不计入任何人的销售", "not paid, so it is nobody's sale"
    if status == "excluded":
        return "订单带有排除标记，不归属任何人", "its flag excludes it, so nobody is credited"
    if order["buyer_id"] is None:
        return "订单没有买家，无法归属，为静默销售", "it has no buyer, so it is silent"
    if rule == "order_first" and order["created_agent_id"] is None:
        return _later(agent_id)
    moment = "paid" if rule == "payment" else "created"
    zh, en = _MOMENTS[moment]
    if agent_id is None:
        return f"{zh}没有候选会话，为静默销售", f"no candidate {en}, so it is silent"
    return f"{zh}的优胜客服是 {agent_id}", f"{agent_id} won {en}"


def _later(agent_id: str | None) -> Words:
    if agent_id is None:
        return (
            "下单时和付款时都没有候选会话，为静默销售",
            "no candidate when it was created nor when it was paid, so it is silent",
        )
    return (
        f"下单时没有候选会话，付款时的优胜客服是 {agent_id}",
        f"no candidate when it was created; {agent_id} won when it was paid",
    )


def kind_words(
    reception: Mapping[str, Any], orders: Sequence[Mapping[str, Any]], settings: Settings
) -> tuple[list[str], str, str]:
    """Return the orders that make a reception's kind, and why in Chinese and English.

    Args:
        reception: a row of ``receptions``.
        orders: its buyer's orders with created_at, created_day, paid_at and closed_at.
    """
    at, kind = reception["first_at"], reception["kind"]
    if kind == "followup":
        pending = reception["pending_order_id"]
        return (
            [pending],
            f"买家咨询前 {settings.followup_window} 小时内已下单 {pending}，当时尚未付款也未关闭",
            f"the buyer had created order {pending} in the {settings.followup_window} h before, "
            "not paid and not closed yet",
        )
    if kind == "aftersale":
        since = at - timedelta(days=settings.aftersale_days)
        paid = [o for o in orders if o["paid_at"] is not None and since <= o["paid_at"] < at]
        ids = [order["order_id"] for order in paid]
        named = ", ".join(ids)
        return (
            ids,
            f"买家在此前 {settings.aftersale_days} 天内已付款订单 {named}，窗口内没有新下单",
            f"the buyer had paid order {named} in the {settings.aftersale_days} days before "
            "and created none in the inquiry window",
        )
    last = reception["day"] + timedelta(days=settings.inquiry_days - 1)
    ids = [o["order_id"] for o in orders if o["created_at"] >= at and o["created_day"] <= last]
    if not ids:
        return (
            [],
            "没有相关订单，按询单计",
            "no order before or after it decides otherwise, so it is an inquiry",
        )
    named = ", ".join(ids)
    return (
        ids,
        f"买家在询单窗口内（至 {last}）下单 {named}",
        f"the buyer created order {named} in the inquiry window (until {last})",
    )


def filter_words(reason: str | None, settings: Settings) -> Words:
    """Return why a reception is filtered, or that it is not."""
    few, least = settings.ad_max_messages, settings.one_sentence_max
    return {
        None: ("未过滤", "not filtered"),
        "internal": (
            "买家是店铺账号或内部账号（internal_accounts）",
            "the buyer is an account of the shop or matches internal_accounts",
        ),
        "listed": (
            "买家在排除名单中（excluded_buyers）",
            "the buyer is listed in excluded_buyers",
        ),
        "advertisement": (
            f"买家消息含广告语（ad_phrases），且当日消息少于 {few} 条",
            f"a buyer message holds one of ad_phrases and there are fewer than {few} messages",
        ),
        "one_sentence": (
            f"买家只说了一句，且当日消息少于 {least} 条",
            f"exactly one buyer message and fewer than {least} messages",
        ),
    }[reason]
