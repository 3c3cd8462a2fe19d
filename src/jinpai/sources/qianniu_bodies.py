"""Clean the bodies of copied chats: what people wrote, without what the window drew around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinpai.sources.chat_rows import Event, content_kind, item_id

__all__ = ["NOTICE", "RECALL", "Body", "clean_body", "is_noise", "set_content"]

RECALL = re.compile(r"\s*(?P<who>\S.*?)\s*撤回了一条消息\s*")
NOTICE = re.compile(r"\s*由 .+ 转交给 .+")
_RECEIPTS = frozenset({"已读", "未读", "发送中"})
_WINDOW = frozenset({"千牛", "商品详情页", "重新编辑"})
_REASON = re.compile(r"原因：【.*】")
_PRICE = re.compile(r"[¥￥]\s*\d[\d,]*(?:\.\d+)?(?:\s*[-~起].*)?")
_SOURCE = "当前用户来自"
_CARD = "商品推荐"
_WEB_IMAGE = "请在客户端查看原始聊天记录，网页版无法展示"
_QUOTED_LINK = re.compile(r"`\s*(https?://[^`\s]+)\s*`")
_CARD_ITEM = re.compile(r"商品\s*ID\s*[:：]\s*(\d{5,20})", re.IGNORECASE)


@dataclass
class Body:
    """What a message holds: text (None: nothing that can be shown), and whether a visit ends it.

    ``visit`` is True when the window announced the buyer's next visit below the message: another
    conversation begins. ``card`` is True for a product card.
    """

    text: str | None
    visit: bool = False
    card: bool = False


def clean_body(lines: Sequence[str], *, by_agent: bool, indented: bool = False) -> Body:
    """Take receipts, price tags, product cards and window titles off a message's lines.

    A line is taken off only beside other content: a buyer may well write ``已读``; below an agent's
    header a lone receipt stands for something that could not be copied.
    """
    kept = [_QUOTED_LINK.sub(r"\1", line.rstrip()) for line in _unindent(lines, indented)]
    visit = next((i for i, line in enumerate(kept) if line.strip().startswith(_SOURCE)), None)
    kept = _trim(kept[:visit])
    card = len(kept) > 1 and kept[0].strip() == _CARD
    kept = kept[1:] if card else _without_cards(kept)
    if by_agent or len(kept) > 1:
        kept = _trim(kept[:-1]) if kept and kept[-1].strip() in _RECEIPTS else kept
    content = _trim([line for line in kept if not is_noise(line)])
    text = "\n".join(content or kept)
    return Body(text or None, visit is not None, card)


def is_noise(line: str) -> bool:
    """Tell whether the line is drawn by the client: a window title, a price tag, a reason."""
    bare = line.strip()
    return bool(
        bare in _WINDOW or _REASON.fullmatch(bare) or _PRICE.fullmatch(bare) or NOTICE.match(line)
    )


def set_content(event: Event, body: Body) -> None:
    """Put a body into an event: text, kind and product."""
    if body.text is None:
        event.kind = "other"
        return
    if body.text.strip() == _WEB_IMAGE:
        event.text, event.kind = "[图片]", "image"
        return
    event.text = body.text
    event.kind = "card" if body.card else content_kind(body.text)
    named = _CARD_ITEM.search(body.text)
    event.product_id = item_id(body.text) or (named[1] if named else None)


def _unindent(lines: Sequence[str], indented: bool) -> list[str]:
    filled = [line for line in lines if line.strip()]
    if indented and filled and all(line[:2] == "  " for line in filled):
        return [line[2:] for line in lines]
    return list(lines)


def _without_cards(lines: Sequence[str]) -> list[str]:
    """Leave out ``商品推荐`` and the title below it, up to the price tag that closes the card."""
    kept: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        ends = [i for i, other in enumerate(rest[:3]) if _PRICE.fullmatch(other.strip())]
        if line.strip() == _CARD and kept and ends:
            rest = rest[ends[0] + 1 :]
        else:
            kept.append(line)
    return kept


def _trim(lines: Sequence[str]) -> list[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return list(lines[start:end])
