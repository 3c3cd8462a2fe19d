"""Accounts of Qianniu and Wangwang: who is an agent, who a robot, who a buyer."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jinpai.sources.base import Context

__all__ = ["ASSISTANT", "ZONE", "Accounts", "account_of", "split_account"]

ZONE = "Asia/Shanghai"
# The sub-account behind which the platform's own robot writes.
ASSISTANT = "服务助手"
_ROBOTS = frozenset({ASSISTANT, "店小蜜", "智能客服", "机器人"})
_PREFIX = re.compile(r"^cntaobao", re.IGNORECASE)


def account_of(text: str) -> str:
    """Return the canonical account: no ``cntaobao`` prefix, half-width colon, no blanks around.

    >>> account_of(" cntaobao示例灯具旗舰店：小桐 ")
    '示例灯具旗舰店:小桐'
    """
    return _PREFIX.sub("", text.strip()).replace("：", ":").strip()


def split_account(account: str) -> tuple[str, str] | None:
    """Return (shop, sub-account) of an agent's account, or None for any other nick.

    >>> split_account("示例灯具旗舰店:小桐"), split_account("晚风_01")
    (('示例灯具旗舰店', '小桐'), None)
    """
    shop, colon, sub = account.partition(":")
    return (shop, sub) if colon and shop and sub and ":" not in sub else None


class Accounts:
    """Tells agents from buyers: the form ``shop:sub``, the shop's own nick, the known agents."""

    def __init__(self, context: Context, more: Iterable[str] = ()) -> None:
        """``more`` are accounts the source itself calls agents."""
        known = {*context.agent_ids, context.shop_name, *more}
        self.agents = frozenset(account_of(name) for name in known if name.strip())
        self.shop_name = account_of(context.shop_name)

    def is_agent(self, account: str) -> bool:
        """Tell whether the canonical account belongs to the shop."""
        return account in self.agents or split_account(account) is not None

    def is_robot(self, account: str) -> bool:
        """Tell whether the shop's account is the platform's robot."""
        parts = split_account(account)
        return parts is not None and parts[1] in _ROBOTS
