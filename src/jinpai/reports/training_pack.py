"""A training pack as one HTML file to read or print: bad cases, and how others did well there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from jinpai.reports.words import Language

__all__ = ["render_pack"]

_ENGLISH: dict[str, str] = {
    "title": "Training pack", "brand": "Jinpai", "bad": "What went wrong", "good": "Done well",
    "same": "Same situation, done well", "none": "No faultless session in this situation yet.",
    "agent": "Agent", "score": "Score", "order": "led to an order", "asked": "Buyer",
    "points": "points", "fatal": "fatal", "sessions": "rules", "masked": "Numbers, names, accounts"
    " and addresses are masked.", "buyer": "Buyer", "robot": "Robot", "nothing": "No faults found.",
    "contents": "Contents", "why": "Merits", "evidence": "evidence",
}  # fmt: skip
_CHINESE: dict[str, str] = {
    "title": "培训案例", "brand": "金牌", "bad": "问题案例", "good": "优秀案例",
    "same": "同样情形的优秀做法", "none": "暂无同样情形下没有问题的会话。",
    "agent": "客服", "score": "得分", "order": "促成订单", "asked": "买家",
    "points": "分", "fatal": "致命", "sessions": "条规则",
    "masked": "号码、姓名、账号与地址均已隐去。",
    "buyer": "买家", "robot": "机器人", "nothing": "没有发现问题。",
    "contents": "目录", "why": "亮点", "evidence": "证据",
}  # fmt: skip


def render_pack(
    lessons: Sequence[Mapping[str, Any]], language: Language, *, shop: str, when: str
) -> str:
    """Return lessons (`quality.cases.lessons_json`) as an HTML document without scripts.

    Args:
        shop: whose sessions these are; ``when`` says of which days.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jinpai.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = _CHINESE if language == "zh" else _ENGLISH
    return environment.get_template("training_pack.html.j2").render(
        lessons=lessons, w=words, zh=language == "zh", shop=shop, when=when, clock=_clock
    )


def _clock(seconds: int | None) -> str:
    """Return seconds since the first message as ``m:ss``, or nothing."""
    return "" if seconds is None else f"{seconds // 60}:{seconds % 60:02d}"
