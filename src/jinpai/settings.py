"""The settings: what each is called, takes and means, and the values in force.

The registry is data (settings.yaml), checked when this module is imported. Values are kept in their
written form (numbers in the setting's unit, clock times as ``"HH:MM"``); `Settings` gives them
typed, and a ``settings_id`` that changes whenever one of them does.

``python -m jinpai.settings`` prints docs/settings.md.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import time
from fractions import Fraction
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from jinpai.duty import DutyHours, read_duty_hours
from jinpai.errors import SettingError, UnknownName, UsageError, nearest
from jinpai.periods import clock_text, clock_us
from jinpai.shipped import parsed

__all__ = ["REGISTRY", "Setting", "Settings", "Value", "parse", "reference", "setting"]

Kind = Literal[
    "clock", "seconds", "hours", "days", "count", "switch", "choice", "texts", "duty_hours"
]
Section = Literal["time", "tables", "conversations", "attribution", "metrics", "quality", "scoring"]
# A value in its written (JSON) form.
Value = Any

_UNIT_SECONDS = {"seconds": 1, "hours": 3600, "days": 86_400}
_UNITS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("s", "sec", "second", "seconds", "秒")),
    (60, ("m", "min", "minute", "minutes", "分", "分钟")),
    (3600, ("h", "hour", "hours", "小时")),
    (86_400, ("d", "day", "days", "天")),
)
_SWITCH = dict.fromkeys(("true", "yes", "on", "是"), True) | dict.fromkeys(
    ("false", "no", "off", "否"), False
)


class Setting(BaseModel):
    """One registered setting.

    Attributes:
        kind: what it takes: ``clock`` a clock time; ``seconds``, ``hours``, ``days`` a whole number
            of them; ``count`` a whole number of ``unit``; ``texts`` a list of texts.
        low, high: closed bounds of numbers and clock times.
        choices: the values of a ``choice``.
        zh, en: one line of help.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    section: Section
    kind: Kind
    unit: str = ""
    default: Value
    low: int | str | None = None
    high: int | str | None = None
    choices: tuple[str, ...] = ()
    zh: str
    en: str

    def model_post_init(self, context: object, /) -> None:
        """Refuse a registry entry whose default does not pass its own check."""
        if self.default is not None and parse_for(self, self.default) != self.default:
            raise ValueError(f"{self.name}: the default is not in its written form")

    @property
    def takes(self) -> str:
        """What the setting takes, for help and errors."""
        spans = f" from {self.low} to {self.high}"
        return {
            "clock": f"a clock time HH:MM{spans}",
            "count": f"a whole number{spans}",
            "switch": "true or false",
            "choice": f"one of {', '.join(self.choices)}",
            "texts": "a list of texts",
            "duty_hours": "an object with weekly and exceptions",
        }.get(self.kind, f"whole {self.kind}{spans}")

    @property
    def takes_zh(self) -> str:
        """What the setting takes, in Chinese."""
        spans = f"（{self.low} 至 {self.high}）"
        return {
            "clock": f"时刻 HH:MM{spans}",
            "seconds": f"整数秒{spans}",
            "hours": f"整数小时{spans}",
            "days": f"整数天{spans}",
            "switch": "true 或 false",
            "choice": f"{'、'.join(self.choices)} 之一",
            "texts": "文字列表",
            "duty_hours": "含 weekly 与 exceptions 的对象",
        }.get(self.kind, f"整数{spans}")


@dataclass(frozen=True)
class Settings:
    """The effective values for one shop, every setting of the registry.

    Numbers are in the setting's unit (``session_gap`` seconds, ``*_window`` hours, ``*_days``
    days); clock times are text that `jinpai.periods` takes. `us` gives durations and clock times
    in microseconds.
    """

    business_day_start: str
    clock_skew: int
    excluded_flags: tuple[str, ...]
    auto_reply_texts: tuple[str, ...]
    auto_reply_prefixes: tuple[str, ...]
    session_gap: int
    internal_accounts: tuple[str, ...]
    excluded_buyers: tuple[str, ...]
    ad_phrases: tuple[str, ...]
    ad_max_messages: int
    one_sentence: bool
    one_sentence_max: int
    inquiry_days: int
    aftersale_days: int
    followup_window: int
    two_sided: bool
    order_window: int
    judge_rule: Literal["order", "order_first", "payment"]
    payment_days: int
    duty_hours: DutyHours | None
    platform_from: str
    platform_to: str
    slow_times: int
    slow_seconds: int
    repurchase_days: int
    inspect: bool
    missing: Literal["exclude", "zero"]
    promote_after: int
    demote_after: int

    @classmethod
    def of(cls, values: Mapping[str, Value] | None = None) -> Settings:
        """Return the defaults with ``values`` (written forms, None for the default) over them.

        Raises UnknownName and SettingError.

        >>> Settings.of({"session_gap": "10 min"}) == Settings.of()
        True
        """
        merged = {name: entry.default for name, entry in REGISTRY.items()}
        for name, value in (values or {}).items():
            merged[name] = default_of(name) if (known := parse(name, value)) is None else known
        if clock_us(merged["platform_to"]) <= clock_us(merged["platform_from"]):
            raise SettingError(
                f"platform_from {merged['platform_from']} must be before platform_to "
                f"{merged['platform_to']}; set the one that gives way first.",
                zh=f"platform_from {merged['platform_from']} 须早于 platform_to "
                f"{merged['platform_to']}；请先改让出的那一个。",
            )
        return cls(**{name: _typed(REGISTRY[name], value) for name, value in merged.items()})

    @cached_property
    def values(self) -> dict[str, Value]:
        """Every value in its written (JSON) form, by name."""
        return {field.name: _written(getattr(self, field.name)) for field in fields(self)}

    @cached_property
    def settings_id(self) -> str:
        """A short stable hash of all effective values: 16 hexadecimal digits."""
        text = json.dumps(self.values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def us(self, name: str) -> int:
        """Return a duration, or a clock time since midnight, in microseconds.

        >>> Settings.of().us("session_gap")
        600000000
        """
        entry, value = setting(name), getattr(self, name)
        if entry.kind == "clock":
            return clock_us(value)
        if entry.kind not in _UNIT_SECONDS:
            raise SettingError(f"{name} is not a time: it takes {entry.takes}.")
        return int(value) * _UNIT_SECONDS[entry.kind] * 1_000_000


def setting(name: str) -> Setting:
    """Return the registered setting; raises UnknownName with the nearest one."""
    if name not in REGISTRY:
        raise UnknownName("setting", name, REGISTRY)
    return REGISTRY[name]


def default_of(name: str) -> Value:
    """Return a setting's default in its written form."""
    return setting(name).default


def parse(name: str, value: Value) -> Value:
    """Check a value for a setting and return its written form; None (null) means the default.

    Takes JSON values and text as typed: ``600``, ``"600 s"``, ``10 min``, ``48h``, ``2 d``,
    ``true``, ``08:00``, ``["a", "b"]``. Bare text for a list is a list of that
    one text, commas and all.
    Raises UnknownName and SettingError.

    >>> parse("session_gap", "10 min"), parse("ad_phrases", "加微信"), parse("ad_phrases", "null")
    (600, ['加微信'], None)
    """
    return parse_for(setting(name), value)


def parse_for(entry: Setting, value: Value) -> Value:
    """As `parse`, for a registry entry."""
    if isinstance(value, str):
        value = _from_text(entry, value)
    if value is None:
        return None
    try:
        return _CHECKS[entry.kind](entry, value)
    except UsageError as error:
        raise SettingError(f"{entry.name}: {error}", zh=f"{entry.name}：{error.text_zh}") from None


def _from_text(entry: Setting, text: str) -> Value:
    """Read typed text: JSON where it is JSON, else the text itself."""
    word = text.strip()
    if word == "null":
        return None
    # Bare text for a list stays text: an account may well be called 600.
    if entry.kind == "texts" and not word.startswith(("[", '"', "{")):
        return [text]
    try:
        value = json.loads(word)
    except ValueError:
        if word.startswith(("[", "{", '"')):
            raise SettingError(
                f"{entry.name}: {word[:60]} looks like JSON and is not; check quotes and brackets.",
                zh=f"{entry.name}：{word[:60]} 像 JSON 但不完整；请检查引号与括号。",
            ) from None
        return word
    return [value] if entry.kind == "texts" and isinstance(value, str) else value


def _refuse(entry: Setting, value: Value) -> UsageError:
    shown = json.dumps(value, ensure_ascii=False, default=str)[:60]
    return UsageError(
        f"takes {entry.takes}, not {shown}.", zh=f"应为{entry.takes_zh}，不能是 {shown}。"
    )


def _check_number(entry: Setting, value: Value) -> int:
    number = _amount(entry, value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _refuse(entry, value)
    # nan and inf fail the bounds as well.
    if not _bound(entry.low) <= number <= _bound(entry.high) or number != int(number):
        raise _refuse(entry, value)
    return int(number)


def _bound(limit: int | str | None) -> int:
    if not isinstance(limit, int):
        raise ValueError("a number's bounds must be numbers")
    return limit


def _amount(entry: Setting, text: str) -> int | None:
    """Read ``600`` or ``10 min`` in the setting's unit; None where it is no whole number of it."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([^\s\d]*)", text.strip())
    if not match:
        return None
    amount, unit = Fraction(match[1]), match[2].lower()
    if unit:
        named = [seconds for seconds, names in _UNITS if unit in names]
        if not named or entry.kind not in _UNIT_SECONDS:
            return None
        amount = amount * named[0] / _UNIT_SECONDS[entry.kind]
    return int(amount) if amount.denominator == 1 else None


def _check_clock(entry: Setting, value: Value) -> str:
    if isinstance(value, time):  # TOML has clock times of its own
        value = value.isoformat()
    if not isinstance(value, str):
        raise _refuse(entry, value)
    us = clock_us(value)
    if not clock_us(str(entry.low)) <= us <= clock_us(str(entry.high)):
        raise _refuse(entry, value)
    return clock_text(us)


def _check_switch(entry: Setting, value: Value) -> bool:
    known = _SWITCH.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(known, bool):
        raise _refuse(entry, value)
    return known


def _check_choice(entry: Setting, value: Value) -> str:
    if value in entry.choices:
        return str(value)
    hint = nearest(value, entry.choices) if isinstance(value, str) else None
    more, more_zh = (f" Did you mean '{hint}'?", f"是不是“{hint}”？") if hint else ("", "")
    refusal = _refuse(entry, value)
    raise UsageError(f"{refusal}{more}", zh=f"{refusal.zh}{more_zh}")


def _check_texts(entry: Setting, value: Value) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _refuse(entry, value)
    for place, text in enumerate(value):
        if not isinstance(text, str):
            raise UsageError(
                f"[{place}] takes a text, not {text!r}; write it in quotes.",
                zh=f"[{place}] 应为文字，不能是 {text!r}；请加引号。",
            )
        if not text.strip():
            raise UsageError(
                f"[{place}] is empty, and an empty text would match everything.",
                zh=f"[{place}] 为空，而空文字会匹配一切。",
            )
        if re.search("[\ud800-\udfff\0]", text):
            raise UsageError(
                f"[{place}] holds characters that are no text: {text!r}.",
                zh=f"[{place}] 含有非文字字符：{text!r}。",
            )
    return list(dict.fromkeys(value))


def _check_duty_hours(entry: Setting, value: Value) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _refuse(entry, value)
    return read_duty_hours(value).to_json()


_CHECKS = {
    "clock": _check_clock,
    "seconds": _check_number,
    "hours": _check_number,
    "days": _check_number,
    "count": _check_number,
    "switch": _check_switch,
    "choice": _check_choice,
    "texts": _check_texts,
    "duty_hours": _check_duty_hours,
}


def _typed(entry: Setting, value: Value) -> Any:
    if entry.kind == "texts":
        return tuple(value)
    if entry.kind == "duty_hours" and value is not None:
        return read_duty_hours(value)
    return value


def _written(value: Any) -> Value:
    if isinstance(value, DutyHours):
        return value.to_json()
    return list(value) if isinstance(value, tuple) else value


def _load_registry() -> dict[str, Setting]:
    text = files("jinpai").joinpath("settings.yaml").read_text("utf-8")
    entries = [Setting.model_validate(entry) for entry in parsed(text)]
    registry = {entry.name: entry for entry in entries}
    if [entry.name for entry in entries] != [field.name for field in fields(Settings)]:
        raise ValueError("settings.yaml and the fields of Settings name different settings")
    return registry


REGISTRY: dict[str, Setting] = _load_registry()


def reference() -> str:
    """Return docs/settings.md, made from the registry."""
    lines = [
        "# Settings 设置",
        "",
        "Made from the registry by `python -m jinpai.settings > docs/settings.md`; do not edit.",
        "Set one with `jinpai settings WORKSPACE set NAME VALUE`, or in `jinpai.toml` by hand.",
        "`null` goes back to the default.",
    ]
    for section in dict.fromkeys(entry.section for entry in REGISTRY.values()):
        lines += ["", f"## {section}", "", "| name | default | takes | what | 说明 |"]
        lines.append("|---|---|---|---|---|")
        lines += [_row(entry) for entry in REGISTRY.values() if entry.section == section]
    return "\n".join(lines) + "\n"


def _row(entry: Setting) -> str:
    default = json.dumps(entry.default, ensure_ascii=False)
    takes = f"{entry.takes} ({entry.unit})" if entry.unit else entry.takes
    return f"| `{entry.name}` | `{default}` | {takes} | {entry.en} | {entry.zh} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
