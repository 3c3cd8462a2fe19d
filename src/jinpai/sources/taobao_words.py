"""What the words of Taobao mean: order states, refund states, platform help, empty reviews."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinpai.sources.cells import blank_to_none

__all__ = ["RefundFacts", "help_code", "opinion", "order_status", "rating", "refund_facts"]

_ORDER_STATUS = {
    "等待买家付款": "unpaid",
    "买家已付款等待卖家发货": "paid",
    "买家已付款": "paid",
    "等待卖家发货": "paid",
    "卖家部分发货": "part_shipped",
    "部分发货": "part_shipped",
    "卖家已发货等待买家确认": "shipped",
    "卖家已发货": "shipped",
    "买家已签收": "shipped",
    "交易成功": "finished",
    "TRADE_NO_CREATE_PAY": "unpaid",
    "PAY_PENDING": "unpaid",
    "WAIT_PRE_AUTH_CONFIRM": "unpaid",
    "WAIT_BUYER_PAY": "unpaid",
    "WAIT_SELLER_SEND_GOODS": "paid",
    "PAID_FORBID_CONSIGN": "paid",
    "SELLER_CONSIGNED_PART": "part_shipped",
    "WAIT_BUYER_CONFIRM_GOODS": "shipped",
    "TRADE_BUYER_SIGNED": "shipped",
    "TRADE_FINISHED": "finished",
    "TRADE_CLOSED": "closed_refunded",
    "TRADE_CLOSED_BY_TAOBAO": "closed_unpaid",
}

# TOP cs_status: 3 stepped in, 4 first review done, 5 supervisor review failed, 6 done, 8 decided
# for the buyer, 9 for the seller, 10 evidence phase, 11 appeal open. 1 not needed, 2 only asked for
# and 7 withdrawn are no dispute: the platform has not stepped in.
_STEPPED_IN = frozenset({"3", "4", "5", "6", "8", "9", "10", "11"})
_DECIDED = frozenset({"6", "8", "9"})

_HELP_WORDS = (  # first hit wins, so the narrower word stands before the wider one
    ("无客服介入", "1"),
    ("不需", "1"),
    ("未介入", "1"),
    ("撤", "7"),
    ("支持买家", "8"),
    ("支持卖家", "9"),
    ("初审", "4"),
    ("复审", "5"),
    ("举证", "10"),
    ("申诉", "11"),
    ("完成", "6"),
    ("需", "2"),
)

_REFUND_STATE = {
    "退款成功": "refunded",
    "SUCCESS": "refunded",
    "退款关闭": "cancelled",
    "CLOSED": "cancelled",
    "卖家拒绝退款": "refused",
    "SELLER_REFUSE_BUYER": "refused",
}

_NO_OPINION = frozenset(
    {
        "评价方未及时做出评价系统默认好评",
        "此用户没有填写评价",
        "此用户没有填写评论",
        "此用户未填写评价内容",
        "15天内买家未做出评价",
        "系统默认评论",
    }
)

_RATINGS = {"good": "good", "neutral": "neutral", "bad": "bad"} | {
    "好评": "good",
    "中评": "neutral",
    "差评": "bad",
}


@dataclass(frozen=True)
class RefundFacts:
    """What a refund's state says: each field as in the canonical refunds table."""

    closed_at: str | None
    outcome: str | None
    closed_by: str | None
    disputed_at: str | None


def order_status(text: str | None, *, was_paid: bool) -> str | None:
    """Return the canonical state of an export text or TOP code; unknown words stay as they are.

    交易关闭 says two things: a paid order was closed by a refund, an unpaid one has lapsed.

    >>> order_status("买家已付款，等待卖家发货", was_paid=True)
    'paid'
    >>> order_status("交易关闭", was_paid=True), order_status("交易关闭", was_paid=False)
    ('closed_refunded', 'closed_unpaid')
    """
    value = blank_to_none(text)
    if value is None:
        return None
    if value == "交易关闭":
        return "closed_refunded" if was_paid else "closed_unpaid"
    return _ORDER_STATUS.get(re.sub(r"[，,\s]", "", value), value)


def help_code(text: str | None) -> str:
    """Return the TOP cs_status of a code or of a text in 客服介入状态; an unknown text is "3".

    >>> help_code("无客服介入"), help_code("处理完成"), help_code("客服已介入"), help_code("6")
    ('1', '6', '3', '6')
    """
    value = blank_to_none(text)
    if value is None or value == "0":
        return "1"
    if value.isdigit():
        return value
    return next((code for word, code in _HELP_WORDS if word in value), "3")


def refund_facts(
    status: str | None, help_text: str | None, opened_at: str | None, ended_at: str | None
) -> RefundFacts:
    """Tell how and by whom a refund was closed, and whether the platform stepped in.

    - refunded or cancelled only when the state says so; a refusal counts as ``rejected`` only once
      the refund has an end, for until then the buyer may still change it or call the platform.
    - closed by the platform if it finished the case; else money back (by hand or by the shop's
      automatic rules) is the seller's doing, a withdrawal the buyer's.
    - No export gives the time the platform stepped in. That a dispute happened matters more than
      its hour, so it is dated at the application, the best time known.
    """
    state = _REFUND_STATE.get(blank_to_none(status) or "")
    code = help_code(help_text)
    disputed_at = opened_at if code in _STEPPED_IN else None
    if state is None or (state == "refused" and ended_at is None):
        return RefundFacts(ended_at, None, None, disputed_at)
    outcome = "rejected" if state == "refused" else state
    closed_by = "buyer" if outcome == "cancelled" else "seller"
    return RefundFacts(
        ended_at, outcome, "platform" if code in _DECIDED else closed_by, disputed_at
    )


def opinion(text: str | None) -> str | None:
    """Return a review's text, or None where the platform wrote it for a silent buyer.

    >>> opinion("评价方未及时做出评价，系统默认好评！"), opinion("灯很亮")
    (None, '灯很亮')
    """
    if text is None or not text.strip():
        return None
    bare = re.sub(r"[\s,，.。!！]", "", text).replace("作出", "做出")
    return None if bare in _NO_OPINION else text


def rating(text: str | None) -> str | None:
    """Return good, neutral or bad for a word or for stars (4-5, 3, 1-2); other texts unchanged.

    >>> rating("中评"), rating("5"), rating("2星"), rating(None)
    ('neutral', 'good', 'bad', None)
    """
    value = blank_to_none(text)
    if value is None:
        return None
    if stars := re.fullmatch(r"([1-5])(?:\.0)?\s*[星分]?", value):
        return ("bad", "bad", "neutral", "good", "good")[int(stars[1]) - 1]
    return _RATINGS.get(value, value)
