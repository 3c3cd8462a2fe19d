"""Names of Taobao's report columns through the years, and which report a header belongs to.

Names are compared normalised (``files.normalise_header``). Several names for one field stand in
order of preference: the first one that holds a value is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["COLUMNS", "FULL_REPORT", "HEADER_NAMES", "describe", "layout_of", "pick"]

Names = tuple[str, ...]

_ORDERS: dict[str, Names] = {
    "order_id": ("订单编号", "主订单编号"),
    "nick": ("买家会员名", "买家会员名称", "买家昵称"),
    "phone": ("联系手机",),
    "created_at": ("订单创建时间",),
    "paid_at": ("订单付款时间",),
    "shipped_at": ("发货时间",),
    "finished_at": ("确认收货时间",),
    "goods": ("买家应付货款",),
    "postage": ("买家应付邮费",),
    "payable": ("总金额",),
    "paid": ("买家实际支付金额", "买家实付金额"),
    "item_count": ("宝贝总数量", "商品总数量"),
    "status": ("订单状态",),
    "close_reason": ("订单关闭原因",),
    "note": ("订单备注", "商家备注", "商家备忘"),
}

_LINES: dict[str, Names] = {
    "line_id": ("子订单编号",),
    "order_id": ("主订单编号", "订单编号"),
    "title": ("标题", "商品标题", "宝贝标题"),
    "price": ("价格", "商品价格"),
    "quantity": ("购买数量",),
    "product_id": ("商品ID", "商品id", "商品Id"),
    "due": ("买家应付货款",),
    "paid": ("买家实际支付金额", "买家实付金额"),
    "created_at": ("订单创建时间",),
    "paid_at": ("订单付款时间",),
}

_REFUNDS: dict[str, Names] = {
    "refund_id": ("退款编号",),
    "line_id": ("订单编号",),
    "opened_at": ("退款的申请时间", "退款申请时间"),
    "ended_at": ("退款完结时间", "完结时间"),
    # What the buyer got back, as TOP's refund_fee; the total also holds the platform's coupons.
    "amount": ("买家退款金额", "退给买家金额", "退款总额"),
    "reason": ("买家退款原因",),
    "status": ("退款状态",),
    "help": ("客服介入状态",),
    "goods_returned": ("是否需要退货",),
    "kind": ("售后类型",),
}

_REVIEWS: dict[str, Names] = {
    "line_id": ("子订单编号",),
    "order_id": ("主订单编号", "订单编号", "订单号", "订单ID"),
    "nick": ("旺旺号", "买家会员名", "会员名", "用户昵称", "买家昵称", "昵称"),
    "posted_at": ("初评时间", "评价时间", "评论时间", "评价日期", "日期"),
    "text": (
        "初评内容",
        "初评",
        "评价内容",
        "评论内容",
        "买家评价",
        "评价正文",
        "评论正文",
        "评论",
    ),
    "rating": ("评价类型", "评价得分", "商品评分", "评分", "得分", "星级", "打分"),
}

COLUMNS: dict[str, dict[str, Names]] = {
    "orders": _ORDERS,
    "lines": _LINES,
    "lines_old": _LINES,
    "refunds": _REFUNDS,
    "reviews": _REVIEWS,
}
"""Layout -> field -> names of its column."""

HEADER_NAMES = frozenset(
    name for fields in COLUMNS.values() for names in fields.values() for name in names
)
"""Every name that may mark a header row."""

FULL_REPORT = {
    "orders": "order report",
    "lines": "line report",
    "lines_old": "old line report",
    "refunds": "refund export",
    "reviews": "review workbook",
}
_REPORT_ZH = {
    "orders": "订单报表",
    "lines": "宝贝报表",
    "lines_old": "旧版宝贝报表",
    "refunds": "退款导出",
    "reviews": "评价表",
}
_VERSION_ZH = {
    "2018-19": "2018–19 年版",
    "about 2016": "约 2016 年版",
    "about 2012": "约 2012 年版",
    "2025-26": "2025–26 年版",
    "2021 or later": "2021 年以后版",
}


def _any(names: Collection[str], *fields: Names) -> bool:
    return any(name in names for field in fields for name in field)


def layout_of(names: Collection[str]) -> str | None:
    """Return which Taobao report a header is of, or None.

    The narrow tests come first: a refund export and a new line report also hold what marks an order
    report. Douyin's 主订单编号/子订单编号 and Kuaishou's 订单号 must not pass.

    >>> layout_of({"订单编号", "标题", "价格", "购买数量"}), layout_of({"订单号", "实付款"})
    ('lines_old', None)
    """
    has_title = _any(names, _LINES["title"])
    if {"订单编号", "退款编号"} <= set(names) and _any(names, _REFUNDS["opened_at"], ("退款状态",)):
        return "refunds"
    if has_title and "购买数量" in names and _any(names, _LINES["order_id"]):
        if "子订单编号" in names:
            return "lines"
        return "lines_old" if _any(names, _LINES["price"], _LINES["paid"]) else None
    if "订单编号" in names and _any(names, _ORDERS["goods"], _ORDERS["paid"]):
        return "orders" if _any(names, ("总金额", "订单创建时间", "订单状态")) else None
    marks = ("nick", "order_id", "rating")
    if _any(names, _REVIEWS["posted_at"]) and _any(names, _REVIEWS["text"]):
        return "reviews" if _any(names, *(_REVIEWS[mark] for mark in marks)) else None
    return None


def describe(layout: str, names: Collection[str]) -> tuple[str, str]:
    """Return one line for people, e.g. ``Taobao order report, 54 columns (2018-19)``, en and zh."""
    en = f"Taobao {FULL_REPORT[layout]}, {len(names)} columns"
    zh = f"淘宝{_REPORT_ZH[layout]}，{len(names)} 列"
    if layout == "orders":
        version = _order_version(names)
        en, zh = f"{en} ({version})", f"{zh}（{_VERSION_ZH[version]}）"
    return en, zh


def _order_version(names: Collection[str]) -> str:
    if _any(names, _ORDERS["nick"]):
        if "确认收货时间" in names:
            return "2018-19"
        return "about 2016" if "订单创建时间" in names else "about 2012"
    return "2025-26" if "买家实付金额" in names else "2021 or later"


def pick(row: Mapping[str, str | None], names: Names) -> str | None:
    """Return the first filled cell of these columns."""
    return next((cell for name in names if (cell := row.get(name)) is not None), None)
