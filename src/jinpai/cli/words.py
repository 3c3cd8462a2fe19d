"""Two languages for everything people read: English, or Chinese where the locale is Chinese.

A text in two languages is written ``both(en, zh)`` where it must be picked later (help texts), and
``say(en, zh)`` where it is shown at once.
"""

from __future__ import annotations

import os
from typing import Any, Literal

from typer import rich_utils

__all__ = ["both", "language", "localise", "pick", "say"]

_MARK = "\x1f"
_PANELS = {
    "ARGUMENTS_PANEL_TITLE": ("Arguments", "参数"),
    "OPTIONS_PANEL_TITLE": ("Options", "选项"),
    "COMMANDS_PANEL_TITLE": ("Commands", "命令"),
    "DEFAULT_STRING": ("[default: {}]", "[默认：{}]"),
    "REQUIRED_LONG_STRING": ("[required]", "[必填]"),
}


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
    """Return a text that `localise` turns into one of its languages."""
    return f"{en}{_MARK}{zh}"


def pick(text: str) -> str:
    """Return the text of a `both` in the language of the user; other text as it is."""
    en, mark, zh = text.partition(_MARK)
    return say(en, zh) if mark else en


def localise(command: Any) -> Any:
    """Put every help text of a command and of those below it into the user's language."""
    for name, (en, zh) in _PANELS.items():
        setattr(rich_utils, name, say(en, zh))
    _localise(command)
    return command


def _localise(thing: Any) -> None:
    for name in ("help", "epilog", "short_help"):
        text = getattr(thing, name, None)
        if isinstance(text, str):
            setattr(thing, name, pick(text))
    for param in getattr(thing, "params", ()):
        _localise(param)
    if hasattr(thing, "get_help_option"):
        thing.context_settings.setdefault("help_option_names", ["--help", "-h"])
    for sub in getattr(thing, "commands", {}).values():
        _localise(sub)
