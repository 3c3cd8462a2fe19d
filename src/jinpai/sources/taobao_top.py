"""Answers of Taobao's open platform (TOP): trades, refunds, ratings.

Takes the answer with its wrapper (``trades_sold_get_response``), the simplified JSON without one,
a bare list of objects, several answers in a list or one a line, and one object in place of a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinpai.errors import InputError
from jinpai.sources.base import Batch, Note, Recognition, Reject
from jinpai.sources.cells import parse_money_text, parse_time_text
from jinpai.sources.taobao_links import Collector, Links, Row, real_nick
from jinpai.sources.taobao_rows import review_id
from jinpai.sources.taobao_words import opinion, order_status, rating, refund_facts

if TYPE_CHECKING:
    from jinpai.sources.files import SourceFile

__all__ = ["Answer", "PlatformError", "answers", "link", "read_answers", "recognise_answer"]

Item = Mapping[str, Any]
Answer = tuple[str, list[Any]]

# list element -> its list; the list's name is the answer's kind
_LISTS = {"trade": "trades", "refund": "refunds", "trade_rate": "trade_rates"}
_WRAPPER = re.compile(
    r'"(?:(?:trades?_\w*|refunds?_\w*|traderates?_\w*)_response|error_response)"\s*:'
)
_WORDS = {
    "trades": ("orders", "订单"),
    "refunds": ("refunds", "退款"),
    "trade_rates": ("ratings", "评价"),
}
_TRADE_COLUMNS = {  # canonical column -> the field it needs
    "created_at": "created",
    "paid_at": "pay_time",
    "shipped_at": "consign_time",
    "finished_at": "end_time",
    "closed_at": "end_time",
    "payable_amount": "payment",
    "item_count": "num",
    "status": "status",
    "flag": "seller_flag",
    "note": "seller_memo",
}


def recognise_answer(file: SourceFile) -> Recognition | None:
    """Return a claim on a JSON text that looks like an answer about trades, refunds or ratings."""
    if file.kind not in ("json", "jsonl"):
        return None
    head = file.head_text()
    if found := _WRAPPER.search(head):
        name = found[0].split('"')[1]
        # Any method may answer with an error; a reader that knows more about it should win.
        sure = 0.3 if name == "error_response" else 0.95
        return Recognition(
            sure, f"Taobao open platform answer ({name})", "top", f"淘宝开放平台返回（{name}）"
        )
    if not re.search(r'"(?:tid|oid)"\s*:', head):
        return None
    for kind, mark in (("refunds", "refund_id"), ("trade_rates", "result"), ("trades", "created")):
        if re.search(rf'"{mark}"\s*:', head) and re.search(r'"(?:oid|pay_time|orders)"\s*:', head):
            en, zh = _WORDS[kind]
            return Recognition(
                0.8, f"Taobao open platform answer ({en})", "top", f"淘宝开放平台返回（{zh}）"
            )
    return None


def answers(file: SourceFile) -> list[Answer]:
    """Return the (kind, objects) of every answer in the file.

    Raises:
        PlatformError: the platform answered with an error.
        InputError: the file holds no such answer.
    """
    whole = [value for _, value in file.json_lines()] if file.kind == "jsonl" else [file.json()]
    found: list[Answer] = []
    bare: list[Any] = []
    for value in whole:
        for node in value if isinstance(value, list) else [value]:
            answer = _answer(node, file.name)
            if answer is None:
                bare.append(node)
            else:
                found.append(answer)
    if bare:
        found.append((_kind_of_objects(bare, file.name), bare))
    return found


def _answer(node: Any, name: str) -> Answer | None:
    if not isinstance(node, dict):
        return None
    if isinstance(error := node.get("error_response"), dict):
        raise PlatformError(error, name)
    wrapper = next((key for key in node if key.endswith("_response")), None)
    inner = node[wrapper] if wrapper else node
    if not isinstance(inner, dict):
        return None
    for single, plural in _LISTS.items():
        for key in (plural, single):
            if isinstance(inner.get(key), dict | list):
                return plural, _listed(inner[key], single)
    if wrapper and (kind := _kind_of_wrapper(wrapper)):
        return kind, []  # an answer without results leaves its list out
    return None


def _listed(value: Any, single: str) -> list[Any]:
    if isinstance(value, dict) and single in value:
        value = value[single]
    return value if isinstance(value, list) else [value]


def _kind_of_wrapper(wrapper: str) -> str | None:
    starts = (("traderate", "trade_rates"), ("refund", "refunds"), ("trade", "trades"))
    return next((kind for start, kind in starts if wrapper.startswith(start)), None)


def _kind_of_objects(nodes: Sequence[Any], name: str) -> str:
    first = next((node for node in nodes if isinstance(node, dict) and "tid" in node), {})
    if "refund_id" in first and "refund_fee" in first:
        return "refunds"
    if "result" in first:
        return "trade_rates"
    if "created" in first:
        return "trades"
    raise InputError(
        "this JSON holds no trades, refunds or ratings of the open platform.",
        file=name,
        hint="Save the whole answer of taobao.trades.sold.get or a like method.",
        zh="该 JSON 不含开放平台的订单、退款或评价。"
        "请保存 taobao.trades.sold.get 等接口的完整返回。",
    )


class PlatformError(InputError):
    """The open platform answered with an error; ``said`` is what it said about it."""

    def __init__(self, error: Item, name: str) -> None:
        keys = ("code", "msg", "sub_code", "sub_msg")
        self.said = [str(error[key]) for key in keys if error.get(key)]
        super().__init__(
            f"the open platform answered with an error instead of data: {', '.join(self.said)}.",
            file=name,
            hint="Ask for the data again and import that answer.",
            zh=f"开放平台返回的是错误而不是数据（{'，'.join(self.said)}）。请重新获取后再导入。",
        )


def link(found: Sequence[Answer], links: Links) -> None:
    """Note which lines, nicks and open ids belong together."""
    for kind, items in found:
        for item in _objects(items):
            order_id, nick = _text(item, "tid"), _text(item, "buyer_nick", "nick")
            if kind == "trades":
                links.add_order(order_id, nick)
                for line in _objects(_listed(item.get("orders") or [], "order")):
                    links.add_line(order_id, _text(line, "oid"), _text(line, "title"))
            elif _by_buyer(item):
                if kind == "trade_rates":
                    links.add_order(order_id, nick)
                if (line_id := _text(item, "oid")) and order_id:
                    links.order_of_line.setdefault(line_id, order_id)
            uid = _text(item, "buyer_open_uid", "ouid")
            known = real_nick(nick) or links.nick_of_order.get(order_id or "")
            if uid and known and _by_buyer(item):
                links.nick_of_uid[uid] = known


def _objects(items: Sequence[Any]) -> Iterator[Item]:
    return (item for item in items if isinstance(item, dict))


def _by_buyer(item: Item) -> bool:
    return item.get("role") != "seller"


def read_answers(
    name: str, found: Sequence[Answer], links: Links
) -> Iterator[Batch | Reject | Note]:
    """Yield the rows of one file's answers; a row number is the object's place in the file."""
    place = 0
    of_kind: dict[str, list[Item]] = {}
    for kind, items in found:
        of_kind.setdefault(kind, []).extend(_objects(items))
    columns = {kind: _columns(kind, objects) for kind, objects in of_kind.items()}
    for kind, items in found:
        collector = Collector(name, columns[kind])
        for item in items:
            place += 1
            raw = json.dumps(item, ensure_ascii=False)
            if not isinstance(item, dict):
                table = {"trades": "orders", "refunds": "refunds"}.get(kind, "reviews")
                yield Reject(table, name, place, None, "unreadable_row", raw)
                continue
            for table, row in _ROWS[kind](item, links):
                collector.add(table, row | {"source_row": place, "raw": raw})
            yield from collector.full()
        yield from collector.rest()
        if kind == "trade_rates":
            yield from _seller_note(name, items)


def _seller_note(name: str, items: Sequence[Any]) -> Iterator[Note]:
    if count := sum(not _by_buyer(item) for item in _objects(items)):
        yield Note(
            name,
            f"{count} ratings written by the shop about its buyers are not loaded",
            f"{count} 条卖家给买家的评价未导入",
        )


def _columns(kind: str, items: Sequence[Item]) -> dict[str, tuple[str, ...]]:
    """Return the columns these answers can tell: what is in a query's field list varies."""
    keys = {key for item in items for key in item}
    if kind == "trades":
        lines = [line for item in items for line in _lines(item)]
        orders = [name for name, field in _TRADE_COLUMNS.items() if field in keys]
        if {"payment", "pay_time"} <= keys:
            orders.append("paid_amount")
        return {"orders": ("order_id", "buyer_id", *orders), **_line_columns(lines)}
    if kind == "refunds":
        told = {
            "amount": "refund_fee",
            "reason": "reason",
            "closed_at": "modified",
            "outcome": "status",
            "closed_by": "status",
            "disputed_at": "cs_status",
        }
        more = [name for name, field in told.items() if field in keys]
        if keys & {"has_good_return", "dispute_type"}:
            more.append("goods_returned")
        return {"refunds": ("refund_id", "order_id", "sub_order_id", "opened_at", *more)}
    texts = [
        name for name, field in {"rating": "result", "text": "content"}.items() if field in keys
    ]
    return {"reviews": ("review_id", "order_id", "buyer_id", "posted_at", *texts)}


def _line_columns(lines: Sequence[Item]) -> dict[str, tuple[str, ...]]:
    keys = {key for line in lines for key in line}
    told = {"product_id": "num_iid", "title": "title", "quantity": "num"}
    items = [name for name, field in told.items() if field in keys]
    if keys & {"divide_order_fee", "payment", "total_fee"}:
        items.append("amount")
    products = [name for name in ("title", "price") if name in keys]
    return {
        "order_items": ("order_id", "sub_order_id", *items),
        "products": ("product_id", *products),
    }


def _lines(trade: Item) -> Iterator[Item]:
    return _objects(_listed(trade.get("orders") or [], "order"))


def _trade(item: Item, links: Links) -> Iterator[tuple[str, Row]]:
    order_id, paid_at = _text(item, "tid"), _time(item, "pay_time")
    status = order_status(_text(item, "status"), was_paid=paid_at is not None)
    due, ended_at = _money(item, "payment"), _time(item, "end_time")
    yield (
        "orders",
        {
            "order_id": order_id,
            "buyer_id": _buyer(item, links),
            "created_at": _time(item, "created"),
            "paid_at": paid_at,
            "shipped_at": _time(item, "consign_time"),
            "finished_at": ended_at if status == "finished" else None,
            "closed_at": ended_at if (status or "").startswith("closed") else None,
            "payable_amount": due,
            # ``payment`` is the sum due until the buyer has paid it.
            "paid_amount": due if paid_at is not None else None,
            "item_count": _text(item, "num"),
            "status": status,
            "flag": _text(item, "seller_flag"),
            "note": _text(item, "seller_memo"),
        },
    )
    for line in _lines(item):
        yield from _trade_line(line, order_id)


def _trade_line(line: Item, order_id: str | None) -> Iterator[tuple[str, Row]]:
    product_id, title = _text(line, "num_iid"), _text(line, "title")
    yield (
        "order_items",
        {
            "order_id": order_id,
            "sub_order_id": _text(line, "oid"),
            "product_id": product_id,
            "title": title,
            "quantity": _text(line, "num"),
            "amount": _money(line, "divide_order_fee", "payment", "total_fee"),
        },
    )
    if product_id is not None:
        yield (
            "products",
            {"product_id": product_id, "title": title, "price": _money(line, "price")},
        )


def _buyer(item: Item, links: Links) -> str | None:
    """The nick where this or another file of the import tells it, else the open id."""
    order_id, uid = _text(item, "tid") or "", _text(item, "buyer_open_uid")
    nick = real_nick(_text(item, "buyer_nick")) or links.nick_of_order.get(order_id)
    return nick or links.nick_of_uid.get(uid or "") or uid


def _refund(item: Item, links: Links) -> Iterator[tuple[str, Row]]:
    opened_at, status = _time(item, "created"), _text(item, "status")
    line_id = _text(item, "oid")
    order_id = _text(item, "tid") or links.order_of_line.get(line_id or "")
    # The last change of a refund that has ended is its end; of an open one it is any step.
    ended_at = _time(item, "modified") if status in {"SUCCESS", "CLOSED"} else None
    facts = refund_facts(status, _text(item, "cs_status"), opened_at, ended_at)
    yield (
        "refunds",
        {
            "refund_id": _text(item, "refund_id"),
            "order_id": order_id,
            "sub_order_id": line_id,
            "opened_at": opened_at,
            "closed_at": facts.closed_at,
            "amount": _money(item, "refund_fee"),
            "reason": _text(item, "reason"),
            "outcome": facts.outcome,
            "closed_by": facts.closed_by,
            "disputed_at": facts.disputed_at,
            "goods_returned": _goods_returned(item),
        },
    )


def _goods_returned(item: Item) -> bool | None:
    told = _text(item, "has_good_return")
    if told is not None:
        return told == "true"
    kind = _text(item, "dispute_type")
    return None if kind is None else kind == "REFUND_AND_RETURN"


def _rate(item: Item, links: Links) -> Iterator[tuple[str, Row]]:
    if not _by_buyer(item):
        return
    order_id, line_id = _text(item, "tid"), _text(item, "oid")
    nick, posted_at = _text(item, "nick"), _time(item, "created")
    content = item.get("content")
    text = content if isinstance(content, str) else None
    yield (
        "reviews",
        {
            "review_id": review_id(line_id, order_id or nick, posted_at, text),
            "order_id": order_id or links.order_of_line.get(line_id or ""),
            "buyer_id": real_nick(nick) or links.nick_of_order.get(order_id or ""),
            "posted_at": posted_at,
            "rating": rating(_text(item, "result")),
            "text": opinion(text),
        },
    )


_ROWS: dict[str, Callable[[Item, Links], Iterator[tuple[str, Row]]]] = {
    "trades": _trade,
    "refunds": _refund,
    "trade_rates": _rate,
}


def _text(item: Item, *keys: str) -> str | None:
    for key in keys:
        value = item.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is not None and (text := str(value).strip()):
            return text
    return None


def _time(item: Item, key: str) -> str | None:
    return parse_time_text(_text(item, key))


def _money(item: Item, *keys: str) -> str | None:
    return parse_money_text(_text(item, *keys))
