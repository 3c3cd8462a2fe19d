"""What a chat tells of a person that others need not read: phone numbers, names, addresses.

A second net under `metrics.texts.masked`, for pages: addresses and names as people write them when
they order. It hides too much rather than too little.
"""

from __future__ import annotations

import re

import re2

__all__ = ["hide"]

_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)[\s-]?(\d{4})[\s-]?(\d{4})(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(0\d{2,3})[\s-]?(\d{7,8})(?!\d)")
_ID_CARD = re.compile(r"(?<!\d)(\d{6})\d{8}(\d{3}[\dXx])(?![\dXx])")
# Texts come from strangers and may be a megabyte long: what looks ahead takes linear time (re2).
_EMAIL = re2.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]*(@[A-Za-z0-9.-]+\.[A-Za-z]{2,})")
_NAME = re.compile(
    r"((?:收货人|收件人|联系人|姓名|名字叫|我叫|本人)\s*[:：是]?\s*)([\u4e00-\u9fff·]{2,4})"
)
# From a place name to a house: 浙江省杭州市西湖区文三路 12 号 3 幢 201 室.
_ADDRESS = re2.compile(
    r"[一-鿿]{2,12}?(?:省|市|自治区|区|县|镇|乡|街道)[一-鿿A-Za-z0-9\s\x{a0}\x{3000}\-—（）()]{0,40}?"
    r"(?:路|街|道|巷|弄|村|小区|花园|公寓|大厦|苑|号|幢|栋|单元|室)[A-Za-z0-9\s\x{a0}\x{3000}\-—号幢栋单元楼层室座弄]{0,24}"
)
_ADDRESS_LABEL = re.compile(r"((?:收货地址|地址)\s*[:：是]\s*)(\S[^\n，,。；;]{3,80})")


def hide(text: str | None) -> str | None:
    """Return a text with what identifies a person made unreadable.

    >>> hide("收货人：王小明 13812341234 地址：浙江省杭州市西湖区文三路12号")
    '收货人：王** 138****1234 地址：〔地址已隐藏〕'
    """
    if text is None:
        return None
    text = _ID_CARD.sub(r"\1********\2", text)
    text = _PHONE.sub(r"\1****\3", text)
    text = _LANDLINE.sub(r"\1*******", text)
    text = _EMAIL.sub(r"\1***\2", text)
    text = _NAME.sub(lambda found: found[1] + found[2][0] + "**", text)
    text = _ADDRESS_LABEL.sub(r"\1〔地址已隐藏〕", text)
    return str(_ADDRESS.sub("〔地址已隐藏〕", text))
