"""Words for the columns and values of explanations, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinpai.cli.words import say

__all__ = ["COLUMNS", "SHOWN", "arithmetic_words", "field", "value_word"]

_FIELDS = {
    # facts
    "receptions": ("Receptions", "接待"),
    "inquiry_sales": ("Orders of inquiries", "询单成交"),
    "assists": ("Assists", "协助"),
    "sales": ("Sales", "成交订单"),
    "product_sales": ("Sales by item", "成交商品"),
    "orders": ("Orders", "订单"),
    "rounds": ("Rounds", "对话轮次"),
    "sessions": ("Sessions", "会话"),
    "accounts": ("Online days", "在线天数"),
    "order_events": ("After the orders", "订单之后"),
    "recent_reviews": ("Scored reviews of 180 days", "180 天内有评分的评价"),
    "sold_orders": ("Orders paid", "付款订单"),
    "sold_items": ("Orders paid, by item", "付款订单（按商品）"),
    "cell_buyers": ("Buyers who paid", "付款买家"),
    "earlier_buyers": ("Buyers who paid before", "前一段付款买家"),
    "first_purchases": ("First purchases", "首次购买"),
    "new_receptions": ("Receptions of new buyers", "新客接待"),
    "inspections": ("Inspected sessions", "质检会话"),
    "product_inspections": ("Inspected sessions, by product", "质检会话（按商品）"),
    "session_findings": ("Findings", "质检结果"),
    "product_findings": ("Findings, by product", "质检结果（按商品）"),
    # columns
    "score": ("Score", "得分"),
    "faults": ("Faults", "问题"),
    "merits": ("Merits", "亮点"),
    "is_fatal": ("Fatal", "致命"),
    "finding_id": ("Finding", "编号"),
    "points": ("Points", "分值"),
    "why": ("Why", "原因"),
    "day": ("Day", "日期"),
    "agent_id": ("Agent", "客服"),
    "credited_agent_id": ("Credited to", "归属"),
    "created_agent_id": ("Won at creation by", "下单优胜"),
    "buyer_id": ("Buyer", "买家"),
    "order_id": ("Order", "订单"),
    "product_id": ("Product", "商品"),
    "kind": ("Kind", "类型"),
    "status": ("Status", "状态"),
    "filter_reason": ("Filtered", "过滤"),
    "created_at": ("Created", "下单"),
    "paid_at": ("Paid", "付款"),
    "closed_at": ("Closed", "结束"),
    "opened_at": ("Opened", "开始"),
    "started_at": ("From", "开始"),
    "ended_at": ("To", "结束"),
    "wait_us": ("Wait", "等待"),
    "capped_wait_us": ("Capped", "封顶等待"),
    "duty_wait_us": ("On duty", "在岗等待"),
    "is_late": ("Late", "跨会话"),
    "is_first_in_session": ("First", "首轮"),
    "in_platform_hours": ("Platform hours", "考核时段"),
    "messages": ("Messages", "消息"),
    "buyer_messages": ("Buyer wrote", "买家消息"),
    "human_messages": ("Agent wrote", "人工消息"),
    "slow_rounds": ("Slow rounds", "慢回复轮"),
    "is_slow": ("Slow", "慢响应"),
    "is_replied": ("Replied", "已回复"),
    "has_order": ("Ordered", "已下单"),
    "has_paid": ("Paid", "已付款"),
    "is_assist": ("Assist", "协助"),
    "is_paid_in_time": ("Paid in time", "按时付款"),
    "event": ("What", "事件"),
    "event_id": ("Number", "编号"),
    "happened_at": ("When", "时间"),
    "sub_order_id": ("Sub-order", "子订单"),
    "closed_by": ("Closed by", "完结方"),
    "goods_returned": ("Goods back", "退货"),
    "open_us": ("Open", "处理时长"),
    "stage": ("Stage", "环节"),
    "cause": ("Cause", "原因"),
    "rating": ("Rating", "评级"),
    "service_score": ("Score", "服务评分"),
    "review_id": ("Review", "评价编号"),
    "posted_at": ("Posted", "评价时间"),
    "first_day": ("First day", "首次购买日"),
    "last_day": ("Last day", "最近购买日"),
    "second_day": ("Again on", "再次购买日"),
    "is_returning": ("Came back", "回头客"),
    "purchases": ("Purchases", "购买次数"),
    "gaps": ("Gaps", "间隔数"),
    "gap_days": ("Days between", "间隔天数"),
    "latest_order_id": ("Latest order", "最近订单"),
    "latest_paid_at": ("Paid", "付款"),
    "has_stayed": ("Bought in the period", "本期购买"),
    "first_order_id": ("First order", "首单"),
    "first_paid_at": ("Paid", "付款"),
    "has_repurchased": ("Again in N days", "N 天内复购"),
    "is_retained": ("In the N after", "其后 N 天内购买"),
    "concurrency": ("At once", "同时会话"),
    "online_us": ("Online", "在线"),
    "amount": ("Amount", "金额"),
    "paid_amount": ("Paid amount", "实付金额"),
    "payable_amount": ("Payable", "应付金额"),
    "refunded_amount": ("Refunded", "已退款"),
    "item_amount": ("Amount", "金额"),
    "shared_amount": ("Share of paid", "实付分摊"),
    "units": ("Items", "件数"),
    "source_status": ("Platform says", "平台状态"),
    "flag": ("Flag", "旗帜"),
    "judge_rule": ("Rule", "判定规则"),
    "reason": ("Why", "原因"),
    "place": ("#", "名次"),
    "is_covering": ("Covers", "覆盖"),
    "items": ("Items", "商品"),
    "talk": ("What was said", "聊天内容"),
    "auto": ("auto", "自动回复"),
    "numerator": ("In numerator", "计入分子"),
    "minus": ("Taken off", "扣减"),
    "denominator": ("In denominator", "计入分母"),
    "inquiry_sales_amount": ("Inquiry sales", "询单销售额"),
    "residual": ("Sales beside inquiries", "询单之外的销售"),
}
_VALUES = {
    "kind": {
        "inquiry": ("inquiry", "询单"),
        "aftersale": ("after-sales", "售后"),
        "followup": ("follow-up", "跟进"),
        "text": ("text", "文字"),
        "image": ("image", "图片"),
        "link": ("link", "链接"),
        "card": ("card", "卡片"),
        "emoji": ("emoji", "表情"),
        "other": ("other", "其他"),
    },
    "status": {
        "credited": ("credited", "已归属"),
        "silent": ("silent", "静默"),
        "excluded": ("excluded", "排除"),
        "unpaid": ("unpaid", "未付款"),
    },
    "filter_reason": {
        "internal": ("internal", "内部账号"),
        "listed": ("listed", "排除名单"),
        "advertisement": ("advertisement", "广告"),
        "one_sentence": ("one sentence", "一句话"),
    },
    "event": {
        "refund_opened": ("refund opened", "发起退款"),
        "refund_disputed": ("refund disputed", "退款纠纷"),
        "refund_closed": ("refund closed", "退款完结"),
        "complaint": ("complaint", "投诉"),
        "review": ("review", "评价"),
    },
    "closed_by": {
        "seller": ("seller", "卖家"),
        "buyer": ("buyer", "买家"),
        "platform": ("platform", "平台"),
    },
    "rating": {
        "good": ("good", "好评"),
        "neutral": ("neutral", "中评"),
        "bad": ("bad", "差评"),
    },
    "judge_rule": {
        "order": ("order", "下单判定"),
        "order_first": ("order first", "下单优先判定"),
        "payment": ("payment", "付款判定"),
    },
    "sender": {
        "buyer": ("buyer", "买家"),
        "agent": ("agent", "客服"),
        "robot": ("robot", "机器人"),
        "system": ("system", "系统"),
    },
}
_RECEPTION = "kind filter_reason buyer_messages human_messages slow_rounds"
_ROUND = "opened_at wait_us is_late"
_EVENT = (
    "happened_at event order_id sub_order_id amount closed_by goods_returned open_us stage cause"
    " rating service_score"
)
_CELL_BUYER = "first_day last_day is_returning purchases gaps gap_days paid_amount latest_order_id"
_FIRST_PURCHASE = "first_order_id first_paid_at second_day has_repurchased is_retained"
_INSPECTION = "started_at ended_at score faults merits is_fatal"
_FOUND = "started_at finding_id points order_id"
_WHO = ("day", "agent_id", "buyer_id")
COLUMNS: dict[str, tuple[str, ...]] = {
    "receptions": (*_WHO, *_RECEPTION.split(), "is_replied", "has_order", "has_paid", "is_assist"),
    "inquiry_sales": (*_WHO, "order_id", "paid_amount"),
    "assists": (*_WHO, "kind", "order_id", "credited_agent_id", "paid_amount"),
    "sales": (*_WHO, "order_id", "status", "paid_amount", "units", "refunded_amount"),
    "product_sales": (*_WHO, "order_id", "product_id", "amount", "units"),
    "orders": (*_WHO, "order_id", "created_at", "paid_at", "paid_amount"),
    "rounds": (*_WHO[1:], *_ROUND.split()),
    "sessions": (*_WHO[1:], "started_at", "ended_at", "messages", "concurrency"),
    "accounts": (*_WHO, "online_us"),
    "order_events": ("agent_id", *_EVENT.split()),
    "recent_reviews": ("agent_id", "posted_at", "review_id", "order_id", "service_score"),
    "sold_orders": (*_WHO, "order_id", "paid_at", "paid_amount"),
    "sold_items": (*_WHO, "order_id", "sub_order_id", "product_id", "paid_at"),
    "cell_buyers": (*_WHO[1:], *_CELL_BUYER.split()),
    "earlier_buyers": (*_WHO[1:], "latest_order_id", "latest_paid_at", "has_stayed"),
    "first_purchases": (*_WHO, *_FIRST_PURCHASE.split()),
    "new_receptions": (*_WHO, *_RECEPTION.split(), "has_order", "has_paid", "is_assist"),
    "inspections": (*_WHO[1:], *_INSPECTION.split()),
    "product_inspections": (*_WHO[1:], "product_id", *_INSPECTION.split()),
    "session_findings": (*_WHO[1:], *_FOUND.split()),
    "product_findings": (*_WHO[1:], "product_id", *_FOUND.split()),
}
# Every column shown, in the order of the tables.
SHOWN: tuple[str, ...] = tuple(dict.fromkeys(name for names in COLUMNS.values() for name in names))


def field(name: str) -> str:
    """Return a column's or fact's name for people."""
    return say(*_FIELDS[name]) if name in _FIELDS else name


def value_word(name: str, value: Any) -> str:
    """Return a value for people: words for known values, ✓ for yes, the rest as it is.

    >>> value_word("is_late", True), value_word("units", 3)
    ('✓', '3')
    """
    if isinstance(value, bool):
        return "✓" if value else ""
    words = _VALUES.get(name, {}).get(str(value))
    return say(*words) if words else str(value)


def arithmetic_words(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line per number: how it is counted from the rows."""
    how = found["arithmetic"]
    names = {
        "numerator": say("numerator", "分子"),
        "minus": say("taken off", "扣减"),
        "denominator": say("denominator", "分母"),
        "shop_numerator": say("the shop's numerator", "全店分子"),
        "shop_denominator": say("the shop's denominator", "全店分母"),
    }
    for role, name in names.items():
        if role not in how:
            continue
        shown = found.get(role) if role in ("numerator", "denominator") else None
        is_plain = shown is not None and "shop_numerator" not in how
        equals = f" = {_number(shown)}" if is_plain else ""
        yield f"{name}{equals}: {_how(how[role])}"


def _number(value: Any) -> str:
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def _how(how: Mapping[str, Any]) -> str:
    columns = ", ".join(how["columns"])
    once = ", ".join(how.get("once_per", ()))
    words = {
        "count": ("rows", "行数"),
        "distinct": (f"distinct {columns}", f"不同的 {columns} 数"),
        "sum": (f"sum of {columns}", f"{columns} 之和"),
        "sum_once": (f"sum of {columns}, once per {once}", f"{columns} 之和（每个 {once} 一次）"),
        "max": (f"largest {columns}", f"{columns} 的最大值"),
    }[how["kind"]]
    where = (
        "" if how["where"] == "true" else say(f" where {how['where']}", f"，条件 {how['where']}")
    )
    by = how["divide_by"]
    divided = "" if by == 1 else f" ÷ {by:,}"
    return say(*words) + divided + where
