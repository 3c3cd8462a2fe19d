"""Two languages for everything people read: English, or Chinese where the locale is Chinese.

A text in two languages is written ``both(en, zh)`` where it must be picked later (help texts), and
``say(en, zh)`` where it is shown at once.
"""

from __future__ import annotations

import os
import re
from typing import Literal

__all__ = ["both", "language", "pick", "say", "usage_text"]

_MARK = "\x1f"
# What the options parser says, and the same in Chinese; the first that matches is put in.
_USAGE = (
    (r"No such option: (\S+)", r"没有这个选项：\1"),
    (r"No such command '(.*?)'\.", r"没有这个命令：\1。"),
    (r"Missing command\.", "缺少命令。"),
    (r"Missing (?:argument|option|parameter):? '?(.*?)'?\.", r"缺少 \1。"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"多余的参数：\1"),
    (r"Option '(.*?)' requires an argument\.", r"选项 \1 需要一个值。"),
    (r"Invalid value for '(.*?)': (?:Value error, )?", r"\1 的值不对："),
    (r"'(.*)' is not one of (.*)\.", r"‘\1’ 不在 \2 之中。"),
    (r"Input should be a valid integer.*", "应为整数。"),
    (r"Input should be greater than or equal to (\S+)", r"不得小于 \1。"),
    (r"Did you mean (.*)\?", r"是不是想输入 \1？"),
)


def language() -> Literal["en", "zh"]:
    """Return the language for people: JINPAI_LANG (zh or en), else that of the locale."""
    for name in ("JINPAI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if name != "JINPAI_LANG" and value:
            return "zh" if value.startswith("zh") else "en"
        if value[:2] in ("zh", "en"):
            return "zh" if value.startswith("zh") else "en"
    return "en"


def say(en: str, zh: str) -> str:
    """Return the text in the language of the user."""
    return zh if language() == "zh" else en


def both(en: str, zh: str) -> str:
    """Return a text that `help.localise` turns into one of its languages."""
    return f"{en}{_MARK}{zh}"


def pick(text: str) -> str:
    """Return the text of a `both` in the language of the user; other text as it is."""
    en, mark, zh = text.partition(_MARK)
    return say(en, zh) if mark else en


def usage_text(text: str) -> str:
    """Return what the options parser says about wrong words in the language of the user."""
    text = text.replace("Value error, ", "")
    if language() == "zh":
        for pattern, chinese in _USAGE:
            text = re.sub(pattern, chinese, text, count=1)
    return text
