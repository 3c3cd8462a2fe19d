"""Qianniu and Wangwang: chats in every layout people have, and agents' time online."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinpai.sources.base import Batch, Context, Note, Recognition, Reject, batch_of
from jinpai.sources.chat_rows import (
    MESSAGE_COLUMNS,
    TRANSFER_COLUMNS,
    Event,
    fill_agents,
    fill_buyers,
    message_rows,
    transfer_rows,
)
from jinpai.sources.files import SourceFile
from jinpai.sources.qianniu_heads import is_table, text_layout
from jinpai.sources.qianniu_names import ZONE, Accounts, account_of
from jinpai.sources.qianniu_online import agent_rows, online_batches, unnamed_accounts
from jinpai.sources.qianniu_page import page_blocks, page_events
from jinpai.sources.qianniu_text import text_events
from jinpai.sources.qianniu_top import buyer_rows, chat_events, top_layout
from jinpai.sources.qianniu_workbook import (
    agents_named,
    option_day,
    workbook_events,
    workbook_layout,
)

__all__ = ["SOURCE", "Qianniu"]

_TEXTS = {
    "bracket": "Qianniu chat text, [nick] time",
    "legacy": "Wangwang chat text, nick (time):",
    "one_line": "Qianniu chat text from the clipboard, nick and time on one line",
    "two_line": "Qianniu chat text from the clipboard, nick and time on two lines",
    "page": "Qianniu chat text from the query page, writer last",
}
_TITLES_ZH = {
    "bracket": "千牛聊天文本，[昵称] 时间",
    "legacy": "旺旺聊天文本，昵称 (时间)：",
    "one_line": "剪贴板复制的千牛聊天，昵称与时间同行",
    "two_line": "剪贴板复制的千牛聊天，昵称与时间分两行",
    "page": "查询页复制的千牛聊天，昵称在末尾",
    "script_lines": "脚本采集的千牛聊天，每行一条消息",
    "script_days": "脚本采集的千牛聊天，每行一个买家一天",
    "report": "平台的客服报表（汇总数，不导入）",
    "summary": "平台自己的汇总（不导入）",
    "chatlog": "旺旺聊天记录（开放平台）",
    "logquery": "旺旺聊天摘要（开放平台），不含买家原话",
    "chatpeers": "旺旺聊天对象（开放平台）",
    "online_log": "千牛在线状态记录（开放平台）",
    "login_log": "旺旺登录记录（开放平台）",
    "subusers": "店铺子账号（开放平台）",
}
_LOGS = ("online_log", "login_log")


class Qianniu:
    """Reads chat texts, script workbooks and answers of the open platform.

    Options: ``date=YYYY-MM-DD`` for chats that carry no date, ``year=YYYY`` for those without a
    year, ``agent=`` and ``buyer=`` for chat logs that name nobody, ``account.NUMBER=NICK`` for
    account numbers in status logs.
    """

    name = "qianniu"
    title_zh = "千牛 / 旺旺聊天记录"
    title_en = "Qianniu / Wangwang chats"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Return a claim on chat texts, script workbooks, TOP answers and agent reports."""
        if file.kind in ("xlsx", "xls"):
            return _claim(workbook_layout(file), 0.9)
        if not file.is_text:
            return None
        found = _recognise_text(file)
        if found is None and file.kind in ("json", "jsonl", "xml"):
            found = _claim(top_layout(file), 0.9)
        return found or _claim(workbook_layout(file), 0.8)

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield messages, transfers, buyers, agents and online sessions, file by file."""
        accounts = Accounts(context, agents_named(files))
        chats: list[tuple[SourceFile, list[Event]]] = []
        for file in files:
            if file.layout in ("report", "summary"):
                yield _summary_note(file)
            elif file.layout == "chatpeers":
                yield from _rows("buyers", buyer_rows(file, accounts), file)
            elif file.layout == "subusers":
                yield from _rows("agents", agent_rows(file), file)
            elif file.layout not in _LOGS:
                events: list[Event] = []
                yield from _chat(file, accounts, context, events)
                chats.append((file, events))
        # Together: a question of one day's file may be answered in the next day's.
        fill_agents(sorted((e for _, events in chats for e in events), key=lambda e: e.at))
        for file, events in chats:
            yield from _chat_rows(file, events)
        yield from _online(files, context)


def _claim(found: tuple[str, str] | None, confidence: float) -> Recognition | None:
    return Recognition(confidence, found[1], found[0], _TITLES_ZH[found[0]]) if found else None


def _recognise_text(file: SourceFile) -> Recognition | None:
    """A text with many headers is a chat; with one it is one only if nothing else wants it."""
    lines = file.head_text().splitlines()
    if is_table(lines):
        return None
    layout, count = text_layout(lines) or ("", 0)
    blocks = page_blocks(lines)
    if blocks > count:
        layout, count = "page", blocks
    if not count:
        return None
    return Recognition(0.9 if count > 1 else 0.5, _TEXTS[layout], layout, _TITLES_ZH[layout])


def _rows(table: str, rows: list[dict[str, object]], file: SourceFile) -> Iterator[Batch]:
    if rows:
        yield batch_of(table, rows, file.name, timezone=ZONE)


def _chat(
    file: SourceFile, accounts: Accounts, context: Context, events: list[Event]
) -> Iterator[Reject | Note]:
    """Collect the file's lines, with their buyers, into ``events``; yield what else there is."""
    for item in _events(file, accounts, context):
        if isinstance(item, Event):
            events.append(item)
        else:
            yield item
    if buyer := context.options.get("buyer"):
        for event in events:
            event.buyer = event.buyer or account_of(buyer)
    fill_buyers(events)
    lost = sum(event.buyer is None for event in events)
    if lost and file.layout in _TEXTS:
        yield _unknown_buyer(file, lost)


def _chat_rows(file: SourceFile, events: list[Event]) -> Iterator[Batch]:
    if events:
        columns = [*MESSAGE_COLUMNS, *(("is_auto",) if file.layout == "logquery" else ())]
        rows = message_rows(events)
        yield batch_of("messages", rows, file.name, columns=columns, timezone=ZONE)
    if moved := transfer_rows(events):
        yield batch_of("transfers", moved, file.name, columns=TRANSFER_COLUMNS, timezone=ZONE)


def _events(
    file: SourceFile, accounts: Accounts, context: Context
) -> Iterator[Event | Reject | Note]:
    if file.layout in ("chatlog", "logquery"):
        yield from chat_events(file, accounts, context.options)
    elif file.layout in ("script_lines", "script_days"):
        yield from workbook_events(file, accounts, context.options)
    else:
        lines = [line for _, line in file.lines()]
        if file.layout == "page":
            day = option_day(context.options)
            yield from page_events(lines, accounts, file.name, str(day or ""))
        else:
            yield from text_events(lines, file.layout, accounts, file.name)


def _online(files: Sequence[SourceFile], context: Context) -> Iterator[Batch | Note]:
    logs = [file for file in files if file.layout in (*_LOGS, "subusers")]
    yield from online_batches(logs, context.options)
    if numbers := unnamed_accounts(logs, context.options):
        name = next(file.name for file in logs if file.layout == "online_log")
        yield Note(
            name,
            f"accounts known by number only: {', '.join(numbers[:5])}. Import the shop's list of "
            "sub-accounts with it, or give --option account.NUMBER=SHOP:SUB.",
            f"以下账号只有数字编号：{'、'.join(numbers[:5])}。请与子账号列表一起导入，"
            "或用 --option account.编号=店铺:子账号 指明。",
        )


def _unknown_buyer(file: SourceFile, count: int) -> Note:
    return Note(
        file.name,
        f"{count} lines do not show which buyer they were written to; they are rejected. If the "
        "text is one buyer's, give --option buyer=NICK.",
        f"{count} 条消息看不出发给哪位买家，已拒收。"
        "若全文只涉及一位买家，请用 --option buyer=昵称 指明。",
    )


def _summary_note(file: SourceFile) -> Note:
    return Note(
        file.name,
        "a summary made by the platform: figures to compare with, no facts; not loaded.",
        "平台自己的汇总报表：可用于对照，不是明细数据，未导入。",
    )


SOURCE = Qianniu()
