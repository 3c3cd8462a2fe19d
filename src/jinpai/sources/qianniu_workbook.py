"""Workbooks: chats collected by browser scripts, and the platform's own reports about agents."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from jinpai.errors import InputError, SettingError
from jinpai.sources.base import Note, Reject
from jinpai.sources.cells import parse_time_text
from jinpai.sources.chat_rows import Event, moment
from jinpai.sources.files import Grid, Header, SourceFile, find_header
from jinpai.sources.qianniu_bodies import Body, set_content
from jinpai.sources.qianniu_names import Accounts, account_of
from jinpai.sources.qianniu_page import CLOCK

__all__ = ["agents_named", "option_day", "workbook_events", "workbook_layout"]

_LINES = ("客户名", "发送时间", "发送内容", "发送账号")
_DAYS = ("客户ID", "聊天记录")
_AGENT_KIND = "客服"
_REPORTS = frozenset(
    {
        "旺旺昵称",
        "客服昵称",
        "账户名",
        "旺旺",
        "咨询人数",
        "接待人数",
        "未回复人数",
        "有效接待人数",
        "平均响应时长",
        "首次响应时长",
        "3分钟人工响应率",
        "旺旺回复率",
        "回复率",
        "慢响应人数",
        "长接待人数",
        "买家发起人数",
        "客服主动跟进人数",
        "总消息数",
        "答问比",
        "客服字数",
        "平均接待时长",
        "询单人数",
        "当日询单人数",
        "当日付款人数",
        "当日付款金额",
        "最终付款人数",
        "最终付款金额",
        "询单当日付款转化率",
        "询单最终付款转化率",
        "询单转化率",
        "销售人数",
        "销售量",
        "客件数",
        "件均价",
        "很满意",
        "一般",
        "不满",
        "很不满",
        "满意率",
        "服务度",
        "发送率",
        "返回率",
        "客户满意率",
        "首次响应时长(秒)",
        "平均响应时长(秒)",
        "平均响应(秒)",
        "首次响应(秒)",
        "询单最终付款金额",
        "询单->最终付款转化率",
        "上班天数",
        "服务满意度评价参与率",
        "询单->最终付款人数延",
        "个人销售额占比",
        "客服销售占比",
        "平台求助率",
        "平台判责率",
        "最大同时接待",
        "净销售额",
    }
)
_REPORT_WORDS = re.compile(r"接待人数|询单人数|旺旺昵称|客服昵称|旺旺回复率|客件数")
_FULL_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.年]?(\d{1,2})[-_.月]?(\d{1,2})日?(?!\d)")
_MONTH_DAY = re.compile(r"(?<!\d)(\d{1,2})月(\d{1,2})[日号]")
_CREATED = re.compile(rb"<dcterms:created[^>]*>(\d{4}-\d\d-\d\d)")
_SAID = re.compile(
    r"(?P<who>[^：:\n]{1,40}(?:[:：][^：:\s，。？！]{1,20})?)[：:](?P<text>.*)", re.DOTALL
)


def workbook_layout(file: SourceFile) -> tuple[str, str] | None:
    """Return (layout, words for people) of a workbook or delimited text, or None."""
    if file.kind == "text" and not _REPORT_WORDS.search(file.head_text(2000)):
        return None
    for grid in file.grids(12):
        if find_header(grid, _LINES, least=4):
            return "script_lines", "Qianniu chats collected by a script, one row per message"
        if find_header(grid, _DAYS):
            return "script_days", "Qianniu chats collected by a script, one row per buyer and day"
        if find_header(grid, _REPORTS, least=4):
            return "report", "Platform report about agents (a summary, not loaded)"
    return None


def agents_named(files: Sequence[SourceFile]) -> set[str]:
    """Return the accounts that the scripts themselves call agents."""
    found: set[str] = set()
    for file in files:
        if file.layout == "script_lines":
            for _, _, row in _records(file.grids(), _LINES):
                if row.get("账号类型") == _AGENT_KIND and row.get("发送账号"):
                    found.add(str(row["发送账号"]))
    return found


def workbook_events(
    file: SourceFile, accounts: Accounts, options: Mapping[str, str]
) -> Iterator[Event | Reject | Note]:
    """Yield what a script workbook holds, sheet by sheet."""
    if file.layout == "script_lines":
        yield from _script_lines(file, accounts, options)
    else:
        yield from _script_days(file, accounts, _day_of(file, options))


def option_day(options: Mapping[str, str], key: str = "date") -> date | None:
    """Return the day of ``--option date=YYYY-MM-DD`` (SettingError when it is none)."""
    text = options.get(key, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingError(
            f"--option {key}={text} is not a date; write it as {key}=2026-03-02.",
            zh=f"--option {key}={text} 不是日期；请写成 {key}=2026-03-02。",
        ) from None


def _records(
    grids: Sequence[Grid], wanted: Sequence[str]
) -> Iterator[tuple[str, int, dict[str, str | None]]]:
    """Yield (sheet, file row, name -> cell as it is) of the sheets that have the wanted columns."""
    for grid in grids:
        header: Header | None = find_header(grid, wanted, least=len(wanted))
        if header is None:
            continue
        for place, row in enumerate(grid.rows[header.row + 1 :], header.row + 1):
            cells = dict(zip(header.names, row, strict=False))
            if any(cells.values()):
                yield grid.sheet, grid.first_row + place, cells


# -- one row per message -------------------------------------------------------------------------


def _script_lines(
    file: SourceFile, accounts: Accounts, options: Mapping[str, str]
) -> Iterator[Event | Reject | Note]:
    """The rows have times but no dates, and the file's name has only the day of the export.

    The first row of every sheet is on the day given by the user; a time earlier than the one before
    it is on the next day. Without a day the rows are rejected: the export's day is not the chat's.
    """
    start = None if options.get("date") == "filename" else option_day(options)
    start = start or (_name_day(file) if options.get("date") == "filename" else None)
    sheet, before, day = "", "", start
    undated = 0
    for name, number, row in _records(file.grids(), _LINES):
        stamp = str(row["发送时间"] or "").strip()
        clock = CLOCK.fullmatch(stamp)
        if name != sheet:
            sheet, before, day = name, "", start
        if clock and day and before and clock[1].zfill(8) < before:
            day += timedelta(days=1)
        if clock:
            before = clock[1].zfill(8)
            stamp = f"{day} {before}" if day else ""
        if stamp:
            yield _line_event(number, stamp, row, accounts)
        else:
            undated += 1
            raw = "\t".join(str(cell or "") for cell in row.values())
            yield Reject("messages", file.name, number, "sent_at", "unreadable_time", raw)
    if undated:
        yield _undated(file, undated)


def _undated(file: SourceFile, count: int) -> Note:
    return Note(
        file.name,
        f"{count} messages have a time but no date, and the day in the file name is that of the "
        "export. Give the day of the first message of each sheet with --option date=YYYY-MM-DD "
        "(or date=filename if all was said on the day of the export).",
        f"{count} 条消息只有时间没有日期，文件名中的日期是导出日期。请用 --option date=YYYY-MM-DD "
        "指明各表第一条消息的日期（若都是导出当天的对话，可用 date=filename）。",
    )


def _line_event(
    number: int, stamp: str, row: Mapping[str, str | None], accounts: Accounts
) -> Event:
    writer, customer = account_of(row["发送账号"] or ""), account_of(row["客户名"] or "")
    kind = (row.get("账号类型") or "").strip()
    by_agent = kind == _AGENT_KIND or (not kind and accounts.is_agent(writer))
    event = _event(number, parse_time_text(stamp) or stamp, writer, customer, accounts, by_agent)
    set_content(event, Body(row["发送内容"]))
    return event


def _event(
    number: int, at: str, writer: str, customer: str, accounts: Accounts, by_agent: bool
) -> Event:
    event = Event(number, at, "buyer", writer, buyer=customer or None)
    if by_agent:
        event.side = "robot" if accounts.is_robot(writer) else "agent"
        event.agent = writer or None
    return event


# -- one row per buyer and day -------------------------------------------------------------------


def _script_days(
    file: SourceFile, accounts: Accounts, day: date
) -> Iterator[Event | Reject | Note]:
    for _, number, row in _records(file.grids(), _DAYS):
        customer = account_of(row["客户ID"] or "")
        for clock, said in _cell_lines(row["聊天记录"] or "", customer, accounts):
            match = _said(said, customer)
            if not clock or match is None:
                yield Reject("messages", file.name, number, None, "unreadable_row", said)
                continue
            writer = account_of(match[0])
            at, by_agent = f"{day} {clock.zfill(8)}", writer != customer
            event = _event(number, at, writer, customer, accounts, by_agent)
            set_content(event, Body(match[1] or None))
            yield event


def _cell_lines(cell: str, customer: str, accounts: Accounts) -> Iterator[tuple[str, str]]:
    """Yield (time, rest) of a cell; a time counts only if a known writer follows it."""
    lines = cell.replace("\r\n", "\n").split("\n")
    clock, part = "", list[str]()
    for place, line in enumerate(lines):
        found = CLOCK.fullmatch(line)
        following = _said(lines[place + 1], customer) if place + 1 < len(lines) else None
        known = following is not None and (
            account_of(following[0]) == customer or accounts.is_agent(account_of(following[0]))
        )
        if found and known:
            if clock or any(part):
                yield clock, "\n".join(part)
            clock, part = found[1], []
        else:
            part.append(line)
    if clock or any(part):
        yield clock, "\n".join(part)


def _said(text: str, customer: str) -> tuple[str, str] | None:
    """Cut ``writer：text``; the writer may itself hold a colon (``店铺:子账号：…``)."""
    for colon in "：:":
        if customer and text.startswith(customer + colon):
            return customer, text[len(customer) + 1 :]
    match = _SAID.fullmatch(text)
    return (match["who"], match["text"]) if match else None


# -- days ----------------------------------------------------------------------------------------


def _name_day(file: SourceFile) -> date | None:
    match = _FULL_DAY.search(file.basename)
    found = moment("{}-{:0>2}-{:0>2}".format(*match.groups())) if match else None
    return found.date() if found else None


def _day_of(file: SourceFile, options: Mapping[str, str]) -> date:
    """Return the day in the file's name; the year also from ``--option year=`` or the workbook.

    Raises:
        InputError: the name has no day, or the year cannot be known.
    """
    given, known = option_day(options), _name_day(file)
    match = _MONTH_DAY.search(file.basename)
    if known is None and match:
        month_day = f"{int(match[1]):02d}-{int(match[2]):02d}"
        year = options.get("year") or (given.year if given else None)
        found = moment(f"{year}-{month_day}") if year else _last_before(month_day, _made_on(file))
        known = found.date() if found else None
    known = known or (None if match else given)
    if known is None:
        raise InputError(
            "the messages have times but no date, and the file name does not settle it.",
            file=file.name,
            hint="Give it with --option date=2026-03-02 (or --option year=2026).",
            zh="消息只有时间没有日期，文件名也看不出日期。"
            "请用 --option date=2026-03-02（或 --option year=2026）指定。",
        )
    return known


def _made_on(file: SourceFile) -> date | None:
    """Return the day on which the workbook says it was made."""
    try:
        with zipfile.ZipFile(file.path) as book, book.open("docProps/core.xml") as core:
            match = _CREATED.search(core.read(20_000))
    except (KeyError, OSError, zipfile.BadZipFile):
        return None
    found = moment(match[1].decode()) if match else None
    return found.date() if found else None


def _last_before(month_day: str, made: date | None) -> datetime | None:
    """Return the last such day up to the day the workbook was made."""
    if made is None:
        return None
    days = [moment(f"{year}-{month_day}") for year in (made.year, made.year - 1)]
    return next((day for day in days if day and day.date() <= made), None)
