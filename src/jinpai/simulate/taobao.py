"""Write a simulated shop as a seller would download it from Taobao.

Order report of 2018-19 (54 columns, GBK, ``="…"``), line workbook of 2025 (21 columns), refund
report of about 2017 (38 columns, GBK), reviews as TOP answers. Times are local.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from jinpai.simulate.columns import LINE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS
from jinpai.simulate.model import Row, World

__all__ = ["write_taobao"]

STATUS = {
    "unpaid": "等待买家付款",
    "paid": "买家已付款，等待卖家发货",
    "shipped": "卖家已发货，等待买家确认",
    "finished": "交易成功",
    "closed_unpaid": "交易关闭",
    "closed_refunded": "交易关闭",
}
CLOSING = {"closed_unpaid": "买家未付款", "closed_refunded": "退款"}
PAGE = 150  # reviews of one TOP answer at most


def write_taobao(world: World, out: Path) -> dict[Path, int]:
    """Write orders, lines, refunds and reviews; return rows per file."""
    stamp = (world.end + timedelta(hours=9, minutes=30)).strftime("%Y%m%d%H%M")
    refunded = _refunded(world)
    orders = out / f"ExportOrderList{stamp}.csv"
    _write_orders(orders, [_order_cells(world, row, refunded) for row in world.rows("orders")])
    lines = out / f"ExportOrderDetailList{stamp}12.xlsx"
    count = _write_lines(lines, world)
    refunds = out / f"退款管理_{stamp[:8]}.csv"
    _write_refunds(refunds, world)
    written = {
        orders: len(world.rows("orders")),
        lines: count,
        refunds: len(world.rows("refunds")),
    }
    return written | _write_reviews(out, world)


def time_text(value: datetime | None) -> str:
    """Return a time as the exports write it, empty when there is none."""
    return value.strftime("%Y-%m-%d %H:%M:%S") if value else ""


def _fen(text: str | None) -> int:
    return int((text or "0.00").replace(".", ""))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _refunded(world: World) -> dict[str, int]:
    """Fen paid back per line id."""
    found: dict[str, int] = {}
    for row in world.rows("refunds"):
        if row["outcome"] == "refunded":
            found[row["sub_order_id"]] = found.get(row["sub_order_id"], 0) + _fen(row["amount"])
    return found


def _waybill(row: Row) -> str:
    return f"QC{int(row['order_id']) // 1000 % 10**11:011d}" if row["shipped_at"] else ""


def _order_cells(world: World, row: Row, refunded: dict[str, int]) -> dict[str, str]:
    back = sum(refunded.get(line["sub_order_id"], 0) for line in row["lines"])
    paid, postage = _fen(row["paid_amount"]), _fen(row["postage"])
    waybill = _waybill(row)
    return {
        "订单编号": row["order_id"],
        "买家会员名": row["buyer_id"],
        "买家应付货款": _yuan(_fen(row["payable_amount"]) - postage),
        "买家应付邮费": row["postage"],
        "买家支付积分": "0",
        "总金额": row["payable_amount"],
        "返点积分": "0",
        "买家实际支付金额": _yuan(paid),
        "买家实际支付积分": "0",
        "订单状态": STATUS[row["status"]],
        "运送方式": "快递",
        "联系电话 ": "'",
        "联系手机": f"'{row['phone']}",
        "订单创建时间": time_text(row["created_at"]),
        "订单付款时间 ": time_text(row["paid_at"]),
        "宝贝标题 ": "，".join(line["title"] for line in row["lines"]),
        "宝贝种类 ": str(len(row["lines"])),
        "物流单号 ": f"No:{waybill}" if waybill else "",
        "物流公司": "示例快递" if waybill else "",
        "宝贝总数量": str(row["item_count"]),
        "店铺Id": "0",
        "店铺名称": world.shop,
        "订单关闭原因": CLOSING.get(row["status"], "订单未关闭"),
        "卖家服务费": "0.00",
        "买家服务费": "0元",
        "是否手机订单": "手机订单" if int(row["order_id"]) // 1000 % 4 else "",
        "是否代付": "否",
        "退款金额": _yuan(back),
        "确认收货时间": time_text(row["finished_at"]),
        "打款商家金额": f"{_yuan(paid - back) if row['finished_at'] else '0.00'}元",
    }


def _write_orders(path: Path, rows: list[dict[str, str]]) -> None:
    """The id is written raw as ``="…"``, every other cell in quotes."""
    text = [",".join(ORDER_COLUMNS)]
    for row in rows:
        cells = [row.get(column, "").replace('"', '""') for column in ORDER_COLUMNS[1:]]
        text.append(f'="{row["订单编号"]}",' + ",".join(f'"{cell}"' for cell in cells))
    path.write_bytes(("\r\n".join(text) + "\r\n").encode("gbk"))


def _write_lines(path: Path, world: World) -> int:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    book.set_properties({"created": world.end})  # a fixed time: same shop, same bytes
    sheet = book.add_worksheet("宝贝报表")
    states = {row["sub_order_id"]: row for row in world.rows("refunds")}
    sheet.write_row(0, 0, LINE_COLUMNS)
    count = 0
    for order in world.rows("orders"):
        for line in order["lines"]:
            count += 1
            cells = _line_cells(order, line, states.get(line["sub_order_id"]))
            for place, column in enumerate(LINE_COLUMNS):
                if (value := cells.get(column)) is not None:
                    write = sheet.write_string if isinstance(value, str) else sheet.write_number
                    write(count, place, value)
    book.close()
    return count


def _line_cells(order: Row, line: Row, refund: Row | None) -> dict[str, Any]:
    done = refund is not None and refund["outcome"] == "refunded"
    paid = bool(order["paid_at"])
    return {
        "子订单编号": line["sub_order_id"],
        "主订单编号": order["order_id"],
        "商品标题": line["title"],
        "商品价格": float(line["price"]),
        "购买数量": line["quantity"],
        "外部系统编号": f"QC-{line['product_id'][-4:]}",
        "订单状态": STATUS[order["status"]],
        "商家编码": f"QC-{line['product_id'][-4:]}",
        "支付单号": f"{order['paid_at']:%Y%m%d}2200{order['order_id'][-16:]}" if paid else None,
        "买家应付货款": float(line["amount"]),
        "买家实付金额": float(line["amount"]) if paid else 0.0,
        "退款状态": _refund_state(refund) if refund else "没有申请退款",
        "退款金额": refund["amount"] if refund and done else "无退款申请",
        "订单创建时间": time_text(order["created_at"]),
        "订单付款时间": time_text(order["paid_at"]) or None,
        "商品ID": line["product_id"],
        "物流单号": _waybill(order) or None,
        "确认收货时间": time_text(order["finished_at"]) or None,
    }


def _refund_state(refund: Row) -> str:
    if refund["outcome"] == "refunded":
        return "退款成功"
    if refund["outcome"] == "cancelled":
        return "退款关闭"
    return (
        "卖家已经同意退款，等待买家退货"
        if refund["goods_returned"]
        else "买家已经申请退款，等待卖家同意"
    )


def _write_refunds(path: Path, world: World) -> None:
    orders = {row["order_id"]: row for row in world.rows("orders")}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(REFUND_COLUMNS)
    for refund in world.rows("refunds"):
        cells = _refund_cells(world, orders[refund["order_id"]], refund)
        writer.writerow([cells.get(column, "") for column in REFUND_COLUMNS])
    path.write_bytes(text.getvalue().encode("gbk"))


def _refund_cells(world: World, order: Row, refund: Row) -> dict[str, str]:
    """The first column of this report is the line's id, whatever its name says."""
    line = next(row for row in order["lines"] if row["sub_order_id"] == refund["sub_order_id"])
    closed = time_text(refund["closed_at"])
    by_seller = refund["closed_by"] == "seller"
    return {
        "订单编号": f'="{refund["sub_order_id"]}"',
        "退款编号": f'="{refund["refund_id"]}"',
        "支付宝交易号": f'="{order["paid_at"]:%Y%m%d}2200{order["order_id"][-16:]}"',
        "订单付款时间": time_text(order["paid_at"]),
        "商家编码(商品编码)": f"QC-{line['product_id'][-4:]}",
        "退款完结时间": closed,
        "买家会员名称": order["buyer_id"],
        "买家实际支付金额": line["amount"],
        "宝贝标题": line["title"],
        "买家退款金额": refund["amount"],
        "手工退款/系统退款": "手工退款" if closed else "",
        "是否需要退货": "是" if refund["goods_returned"] else "否",
        "退款的申请时间": time_text(refund["opened_at"]),
        "退款状态": _refund_state(refund),
        "货物状态": "已收到货" if order["shipped_at"] else "未发货",
        "客服介入状态": "处理完成" if refund["disputed_at"] else "无客服介入",
        "买家退款原因": refund["reason"],
        "售中或售后": "售中",
        "完结时间": closed,
        "部分退款/全部退款": "全部退款" if refund["amount"] == line["amount"] else "部分退款",
        "是否零秒响应": "否",
        "退款操作人": world.agents[-1].agent_id if by_seller else "",
    }


def _write_reviews(out: Path, world: World) -> dict[Path, int]:
    reviews = world.rows("reviews")
    lines = {row["sub_order_id"]: row for row in world.rows("order_items")}
    written: dict[Path, int] = {}
    for page, first in enumerate(range(0, len(reviews), PAGE), start=1):
        rows = reviews[first : first + PAGE]
        answer = {
            "total_results": len(reviews),
            "has_next": first + PAGE < len(reviews),
            "trade_rates": {
                "trade_rate": [_rate(world, row, lines[row["sub_order_id"]]) for row in rows]
            },
            "request_id": f"sim{page:010d}",
        }
        path = out / f"top_traderates_get_{page:02d}.json"
        text = json.dumps({"traderates_get_response": answer}, ensure_ascii=False, indent=1)
        path.write_text(text + "\n", "utf-8", newline="\n")
        written[path] = len(rows)
    return written


def _rate(world: World, row: Row, line: Row) -> dict[str, object]:
    return {
        "tid": int(row["order_id"]),
        "oid": int(row["sub_order_id"]),
        "role": "buyer",
        "nick": row["buyer_id"],
        "result": row["rating"],
        "created": time_text(row["posted_at"]),
        "rated_nick": world.shop,
        "item_title": line["title"],
        "item_price": line["price"],
        "content": row["content"],
        "reply": row["reply"] or "",
        "num_iid": int(line["product_id"]),
        "valid_score": True,
    }
