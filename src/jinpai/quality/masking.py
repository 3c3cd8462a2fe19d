"""Personal data out of texts that leave the shop: training packs, questions to a judge.

Masks go by form alone, so they take too much rather than too little; a name nobody introduces is
the only thing they cannot know, unless it is given.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import re2

__all__ = ["personal", "unnamed"]

_CHARS = 2000
_N = r"[0-9０-９]"
_GAP = r"[\s\-－—_.·]?"
_HAN = r"[一-鿿]"
_NUMBER = r"[0-9０-９一二三四五六七八九十A-Za-z\-]{1,8}"
_APPS = (
    r"(?:微信号?|薇信|威信|wechat|weixin|wx|vx|v信|qq|扣扣|支付宝|旺旺|账号|帐号|whatsapp|telegram)"
)
_PLACE = (
    r"(?:省|自治区|市|自治州|县|区|镇|乡|街道|大道|路|街|巷|胡同|弄|村|小区|花园|新村|大厦|广场"
    r"|公寓|校区)"
)
_HOUSE = r"(?:号楼|号院|号|栋|幢|座|楼|单元|室|层|弄)"
_TELLS = (
    r"(?:收货人|收件人|联系人|姓名|名字叫|名字是|我叫|我姓|签收人)"
    r"[\s:：,，]{0,3}(?:是|为|叫)?[\s:：]{0,2}"
)
# Kind of data -> how it looks and what stays of it. RE2, so that no text can stall it; what is
# said to be something and what is longer comes first.
_FORMS: dict[str, tuple[str, str]] = {
    "邮箱": (r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}", "{}"),
    "账号": (
        rf"({_APPS}[\s:：,，]{{0,3}}(?:是|为|加|搜|号)?[\s:：]{{0,3}})[A-Za-z][\w\-]{{4,30}}",
        r"\1{}",
    ),
    "姓名": (rf"({_TELLS}){_HAN}{{2,4}}?($|[^一-鿿]|的|电话|手机|地址)", r"\1{}\2"),
    "证件号": (rf"{_N}(?:{_GAP}{_N}){{16}}{_GAP}[xX]", "{}"),
    "单号": (rf"[1-9]{_N}{{11,}}|{_N}(?:{_GAP}{_N}){{12,}}", "{}"),
    "手机号": (rf"[1１][3-9３-９](?:{_GAP}{_N}){{9}}", "{}"),
    "电话": (rf"[0０]{_N}{{2,3}}{_GAP}{_N}{{7,8}}|[48]00(?:{_GAP}{_N}){{7}}", "{}"),
    "地址": (
        rf"(?:{_HAN}{{1,8}}?{_PLACE}){{1,6}}{_NUMBER}{_HOUSE}(?:{_NUMBER}{_HOUSE}?){{0,4}}"
        rf"|(?:{_HAN}{{2,8}}?(?:省|自治区|市|县|区|街道|镇)){{2,5}}(?:{_HAN}{{1,8}}?{_PLACE})?",
        "{}",
    ),
    "数字": (
        rf"{_N}(?:[\s\-－]?{_N}){{5,}}|[零〇一二三四五六七八九幺两0-9０-９]{{7,}}",
        "{}",
    ),
}


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[str, Any, bytes], ...]:
    loose = re2.Options()
    loose.case_sensitive = False
    return tuple(
        (kind, re2.compile(form, loose), kept.format(f"[{kind}]").encode())
        for kind, (form, kept) in _FORMS.items()
    )


def unnamed(text: str, names: Collection[str] = ()) -> str:
    """Return a text with numbers, accounts, addresses and names masked, such as ``[手机号]``.

    What lies beyond 2,000 characters is not looked at and so left out.

    Args:
        names: what else must not stay, such as the buyer's and the agent's.

    >>> unnamed("我叫王小明，电话 138-1234 5678")
    '我叫[姓名]，电话 [手机号]'
    """
    text = text if len(text) <= _CHARS else text[:_CHARS] + "…"
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, "[姓名]")
    raw = text.encode("utf-8", "replace")
    for _, form, kept in _compiled():
        raw = form.sub(kept, raw)
    return raw.decode()


def personal(text: str, names: Collection[str] = ()) -> tuple[str, ...]:
    """Return the kinds of personal data that are in a text still, such as ``手机号``."""
    found = ["姓名"] if any(name in text for name in filter(None, names)) else []
    found += [kind for kind, form, _ in _compiled() if form.search(text)]
    return tuple(found)
