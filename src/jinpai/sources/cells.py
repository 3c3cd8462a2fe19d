"""Read the texts of spreadsheet cells: empties, times, money, phones, summary rows.

Readers use these so that one platform's habits ("¥1,299.00元", "2026/3/2 9:05", "无退款申请")
become plain text the tables stage can cast. What cannot be read is handed on unchanged: the tables
stage then rejects the row and names the column, instead of a reader guessing or hiding it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

__all__ = [
    "SUMMARY_WORDS",
    "blank_to_none",
    "is_masked",
    "is_summary",
    "parse_money_text",
    "parse_phone_text",
    "parse_time_text",
]

_BLANK = frozenset({"", "-", "--", "'", "null", "none", "nan", "nat", "无退款申请", "任意时间"})

SUMMARY_WORDS = frozenset(
    {
        *("汇总值", "平均值", "全店汇总值", "全店平均值", "同行同层优秀", "同行同层均值"),
        *("店铺汇总值", "店铺平均值", "汇总", "均值", "合计", "总计", "总和"),
    }
)

_DATE_TIME = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:(?:[T\s]\s*|(?<=日))(\d{1,2})\s*[:时点]\s*(\d{1,2})(?:\s*[:分]\s*(\d{1,2})(?:\.(\d{1,6})\d*)?)?\s*[分秒]?)?"
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:\s?(\d\d):?(\d\d):?(\d\d))?")
_SERIAL = re.compile(r"[2-7]\d{4}(?:\.\d+)?")  # Excel days: 1954-10-03 to 2119-01-27
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?")  # seconds or milliseconds, 2001 to 2033
_EXCEL_DAY_ZERO = datetime(1899, 12, 30)  # a wall time: its zone is the batch's
_MONEY = re.compile(r"[-+]?\d+(?:\.\d+)?")
_CENT, _NOISE = Decimal("0.01"), Decimal("0.000001")


def blank_to_none(text: str | None) -> str | None:
    """Return the trimmed text, or None for the many ways exports write "nothing".

    >>> blank_to_none(" -- "), blank_to_none("无退款申请"), blank_to_none(" a ")
    (None, None, 'a')
    """
    if text is None:
        return None
    trimmed = text.strip()
    return None if trimmed.lower() in _BLANK else trimmed


def is_summary(cells: Iterable[str | None]) -> bool:
    """Tell whether a row is a total or mean: its first filled cell is a summary word.

    >>> is_summary([None, "合计：", "3"]), is_summary(["小合", "合计"])
    (True, False)
    """
    for cell in cells:
        if blank_to_none(cell) is not None:
            return str(cell).strip().rstrip("：:") in SUMMARY_WORDS
    return False


def is_masked(text: str | None) -> bool:
    """Tell whether a nick or phone was masked by the platform (``摩**``, ``138****0000``)."""
    return text is not None and ("*" in text or "＊" in text)


def parse_time_text(text: str | None) -> str | None:
    """Normalise a time to ``YYYY-MM-DD HH:MM:SS[.ffffff]`` (wall time of the file's own zone).

    Takes dashes, slashes, dots, 年月日, single digits, times without seconds, bare dates
    (midnight), ``20260302[090502]`` and Excel serials. Epoch seconds or milliseconds become UTC
    with ``Z``. Anything else, and dates that do not exist, come back unchanged.

    >>> parse_time_text("2026/3/2 9:05"), parse_time_text("2026年3月2日")
    ('2026-03-02 09:05:00', '2026-03-02 00:00:00')
    >>> parse_time_text("2026-02-30 10:00:00"), parse_time_text("1772413502")
    ('2026-02-30 10:00:00', '2026-03-02T01:05:02Z')
    """
    value = blank_to_none(text)
    if value is None:
        return None
    if match := _DATE_TIME.fullmatch(value) or _COMPACT.fullmatch(value):
        return _wall_time(match) or value
    if _SERIAL.fullmatch(value):
        # Milliseconds: the finest Excel shows; a double of this size is good to a microsecond.
        milliseconds = round(Decimal(value) * 86_400_000)
        return _show(_EXCEL_DAY_ZERO + timedelta(milliseconds=milliseconds))
    if _EPOCH.fullmatch(value):
        seconds, milliseconds = int(value[:10]), int(value[10:] or 0)
        moment = datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=milliseconds)
        return moment.replace(tzinfo=None).isoformat() + "Z"
    return value


def _wall_time(match: re.Match[str]) -> str | None:
    groups = [*match.groups(), None][:7]
    year, month, day, hour, minute, second = (int(part or 0) for part in groups[:6])
    fraction = int((groups[6] or "").ljust(6, "0"))
    try:
        return _show(datetime(year, month, day, hour, minute, second, fraction))
    except ValueError:
        return None


def _show(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


def parse_money_text(text: str | None) -> str | None:
    """Normalise yuan to plain decimal text: no ¥, ￥, 元, thousands commas or blanks.

    Binary noise of spreadsheet sums is taken off (59.800000000000004 is 59.80); real third decimals
    stay and are judged by the tables stage. What is no number comes back unchanged.

    >>> parse_money_text("¥1,299.50元"), parse_money_text("59.800000000000004")
    ('1299.50', '59.80')
    >>> parse_money_text("面议"), parse_money_text("无退款申请")
    ('面议', None)
    """
    value = blank_to_none(text)
    if value is None:
        return None
    plain = re.sub(r"[¥￥元,，\s]|CNY|RMB", "", value)
    if not _MONEY.fullmatch(plain):
        return value
    try:
        amount = Decimal(plain)
        rounded = amount.quantize(_CENT)
    except InvalidOperation:  # more digits than the context holds
        return plain
    noise = amount != rounded and abs(amount - rounded) < _NOISE
    return str(rounded) if noise else plain.lstrip("+")


def parse_phone_text(text: str | None) -> str | None:
    """Return a phone's digits without guards, blanks and China's country code; None when masked.

    >>> parse_phone_text("'+86 100-0000-0001"), parse_phone_text("100****0001")
    ('10000000001', None)
    """
    value = blank_to_none(text)
    if value is None or is_masked(value):
        return None
    digits = re.sub(r"[\s'’\-()（）]", "", value)
    if re.fullmatch(r"(?:\+|00)?86\d{11}", digits):
        digits = digits[-11:]
    return digits or None
