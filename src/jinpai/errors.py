"""Every error a caller can meet, in one small tree.

    JinpaiError                 base; ``exit_code`` says what the command line returns
    ├── UsageError              asked wrongly: option, date, name            (exit 2)
    │   ├── UnknownName         a name that does not exist; offers the nearest one
    │   └── SettingError        a setting refused its value
    ├── InputError              a file we cannot take; nothing was changed   (exit 2)
    │   ├── UnknownFormat       no reader recognises the file
    │   ├── UnreadableFile      damaged, truncated, empty, encrypted, wrong type
    │   └── HostileFile         would cost too much or escape its folder
    ├── WorkspaceError          no workspace here, or one we may not touch   (exit 2)
    ├── Conflict                someone else changed it first; nothing was changed (exit 1)
    ├── BalanceError            books of a run do not balance; nothing was published (exit 1)
    └── EngineError             a step failed in the engine; carries step name and SQL (exit 1)

A message says what, where (file, row, column, key) and what to do next. ``str(error)`` is English;
``error.zh`` is the same in Chinese, None where nobody but a programmer should meet the error.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

__all__ = [
    "BalanceError",
    "Conflict",
    "EngineError",
    "HostileFile",
    "InputError",
    "JinpaiError",
    "SettingError",
    "UnknownFormat",
    "UnknownName",
    "UnreadableFile",
    "UsageError",
    "WorkspaceError",
    "nearest",
    "reason_zh",
]

_KINDS_ZH = {
    "agent": "客服",
    "buyer": "买家",
    "cause": "投诉原因",
    "conversation": "会话",
    "finding": "质检结果",
    "format": "格式",
    "grain": "维度",
    "job": "任务",
    "judge rule": "判定规则",
    "key": "键",
    "key of the plan": "方案的键",
    "lock": "锁定记录",
    "metric": "指标",
    "order": "订单",
    "order of the list": "排序方式",
    "option": "选项",
    "product": "商品",
    "rule": "规则",
    "setting": "设置项",
    "role": "角色",
    "scope": "权限",
    "shop": "店铺",
    "source": "读取器",
    "stage": "投诉环节",
    "table": "表",
    "table of the last run": "结果表",
    "team": "团队",
    "time zone": "时区",
    "token": "令牌",
    "user": "用户",
}
_REASONS_ZH = {
    errno.EACCES: "没有权限",
    errno.EEXIST: "已有同名文件",
    errno.EISDIR: "这是文件夹，不是文件",
    errno.ENAMETOOLONG: "路径太长",
    errno.ENOENT: "路径不存在",
    errno.ENOSPC: "磁盘已满",
    errno.ENOTDIR: "路径中有一段不是文件夹",
    errno.EPERM: "没有权限",
    errno.EROFS: "磁盘只读",
}


class JinpaiError(Exception):
    """Base of every error Jinpai raises on purpose.

    Attributes:
        zh: the message in Chinese, or None.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, zh: str | None = None) -> None:
        self.zh = zh
        super().__init__(message)

    @property
    def text_zh(self) -> str:
        """The message in Chinese, in English where there is no other."""
        return self.zh or str(self)


class UsageError(JinpaiError):
    """The request itself is wrong; nothing was read or written."""

    exit_code = 2


class UnknownName(UsageError):
    """A metric, setting, table, column or option value that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        hint = nearest(name, self.known)
        more = more_zh = ""
        if hint:
            more, more_zh = f" Did you mean '{hint}'?", f"是不是“{hint}”？"
        elif self.known:
            more = f" Known: {', '.join(self.known[:12])}."
            more_zh = f"可用的有：{'、'.join(self.known[:12])}。"
        super().__init__(
            f"There is no {kind} '{name}'.{more}", zh=f"没有{_kind_zh(kind)}“{name}”。{more_zh}"
        )


def _kind_zh(kind: str) -> str:
    if kind.endswith(" column"):
        return f" {kind.removesuffix(' column')} 表的列"
    if kind.startswith("key of "):
        return f" {kind.removeprefix('key of ')} 的键"
    return _KINDS_ZH.get(kind, kind)


class SettingError(UsageError):
    """A setting refused its value; the message names the key and what it takes."""


class InputError(JinpaiError):
    """A file that cannot be taken. Nothing was changed."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
        zh: str | None = None,
    ) -> None:
        self.message, self.file, self.row, self.column, self.hint = message, file, row, column, hint
        place = file or ""
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column '{column}'"
        text = f"{place}: {message}" if place else message
        super().__init__(f"{text} {hint}" if hint else text, zh=zh and self._placed_zh(zh))

    def _placed_zh(self, zh: str) -> str:
        """Return the Chinese text, message and hint in one, after its place."""
        place = self.file or ""
        if self.row is not None:
            place += f"，第 {self.row} 行"
        if self.column is not None:
            place += f"，列“{self.column}”"
        return f"{place}：{zh}" if place else zh


class UnknownFormat(InputError):
    """No reader recognises the file."""


class UnreadableFile(InputError):
    """The file is damaged, truncated, empty, encrypted, or not what its name says."""


class HostileFile(InputError):
    """The file would cost too much to open or reaches outside its folder."""


class WorkspaceError(JinpaiError):
    """There is no workspace here, or not one this version may touch."""

    exit_code = 2


class Conflict(JinpaiError):
    """What was to be changed is no longer as it was seen; nothing was changed."""


class BalanceError(JinpaiError):
    """A balance check of a run found rows; the run was not published."""


class EngineError(JinpaiError):
    """A step failed inside the engine.

    Attributes:
        step: name of the relation that was being made.
        sql: the full statement.
    """

    def __init__(self, step: str, sql: str, cause: str) -> None:
        self.step, self.sql, self.cause = step, sql, cause
        super().__init__(f"Step '{step}' failed: {cause}", zh=f"步骤“{step}”失败：{cause}")


class LacksMemory(EngineError):
    """A step needs more memory than the engine may take, and cannot spill it."""


class KeyClash(EngineError):
    """Two things share a key within a run; under another salt they do not."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to ``name``, or None when nothing is close.

    >>> nearest("sales_amout", ["sales_amount", "rounds"])
    'sales_amount'
    """
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def reason_zh(error: OSError) -> str:
    """Return in Chinese why the system refused.

    >>> reason_zh(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    '路径不存在'
    """
    return _REASONS_ZH.get(error.errno or 0, f"系统错误 {error.errno}")
