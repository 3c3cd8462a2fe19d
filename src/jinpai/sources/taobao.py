"""Taobao and Tmall: order, line and refund reports, review workbooks, open-platform answers.

Reports are known by their header, whatever the file is called. All files of an import are looked
at before the first row is handed on, because one file knows what another lacks (``taobao_links``).

What a shop owner should know:

- ``buyer_id`` is the buyer's nick (买家会员名), else the open platform's ``buyer_open_uid``;
  masked nicks (摩**) stand for many people and are not used.
- 交易关闭 is split by the time of payment into ``closed_refunded`` and ``closed_unpaid``; the
  reports do not say when an order was closed, only the open platform does.
- The old line report has no line ids: see ``taobao_links.LineNamer``.
- A refund report writes the line's id under 订单编号. To find the order of a line of a longer
  order, the new line report or an open-platform answer must be in the same import.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from jinpai.errors import UnknownFormat
from jinpai.sources.base import Batch, Context, Note, Recognition, Reject
from jinpai.sources.cells import is_summary
from jinpai.sources.files import Grid, Header, SourceFile, find_header, records
from jinpai.sources.taobao_columns import COLUMNS, HEADER_NAMES, describe, layout_of
from jinpai.sources.taobao_links import Collector, Links
from jinpai.sources.taobao_rows import Cells, carried, converter
from jinpai.sources.taobao_top import (
    Answer,
    PlatformError,
    answers,
    link,
    read_answers,
    recognise_answer,
)

__all__ = ["SOURCE", "TaobaoSource"]

_HEAD_ROWS = 12
_SURE = {"orders": 0.9, "lines": 0.9, "lines_old": 0.85, "refunds": 0.9, "reviews": 0.6}
_LINKING = {
    "orders": ("order_id", "nick"),
    "lines": ("order_id", "line_id", "title"),
    "lines_old": ("order_id",),
}


@dataclass(frozen=True)
class _Report:
    """One sheet that holds a report."""

    file: SourceFile
    grid: Grid
    header: Header
    layout: str

    @property
    def names(self) -> Collection[str]:
        return {name for name in self.header.names if name}

    def rows(self) -> Iterator[tuple[int, dict[str, str | None]]]:
        """Yield (file row, cells) of every row that is no total."""
        for number, record in records(self.grid, self.header):
            if not is_summary(record.values()):
                yield number, record

    def narrowed(self, *fields: str) -> _Report:
        """Return the same report with the columns of these fields only."""
        wanted = {name for field in fields for name in COLUMNS[self.layout][field]}
        places = [at for at, name in enumerate(self.header.names) if name in wanted]
        rows = [
            tuple(row[at] if at < len(row) else None for at in places) for row in self.grid.rows
        ]
        header = Header(self.header.row, [self.header.names[at] for at in places])
        return replace(self, grid=replace(self.grid, rows=rows), header=header)


class TaobaoSource:
    """Reader of everything a Taobao or Tmall shop can export about orders and reviews."""

    name = "taobao"
    title_zh = "淘宝/天猫"
    title_en = "Taobao and Tmall"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Return a claim on a report known by its header, or on an open-platform answer."""
        if file.kind in ("json", "jsonl"):
            return recognise_answer(file)
        for grid in file.grids(_HEAD_ROWS):
            if found := _header(grid):
                header, layout = found
                names = [name for name in header.names if name]
                what, what_zh = describe(layout, names)
                return Recognition(_SURE[layout], what, layout, what_zh)
        return None

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield orders, order items, products, buyers, refunds and reviews.

        Old line reports come first: what the other reports say about the same lines is better.
        An error the platform sent instead of data is a note when the file lay in a folder.

        Raises:
            InputError: a file that is none of these.
            PlatformError: a file the user named holds the platform's error.
        """
        told: dict[str, list[Answer]] = {}
        reports: list[_Report] = []
        steps: list[str | _Report] = []
        for file in files:
            if file.kind in ("json", "jsonl"):
                try:
                    told[file.name] = answers(file)
                except PlatformError as refusal:
                    if file.given:
                        raise
                    yield _refusal_note(refusal)
                    continue
                steps.append(file.name)
            else:
                found = _reports(file)
                reports += found
                steps += found
        links = _links(reports, list(told.values()))
        for step in sorted(steps, key=_rank):
            if isinstance(step, str):
                yield from read_answers(step, told[step], links)
            else:
                yield from _read_report(step, links)


def _refusal_note(refusal: PlatformError) -> Note:
    said = ", ".join(refusal.said)
    return Note(
        refusal.file or "",
        f"not loaded: {refusal.message} {refusal.hint}",
        f"未导入: 开放平台返回的是错误而不是数据 ({said}); 请重新获取后再导入",
    )


def _rank(step: str | _Report) -> int:
    return 0 if isinstance(step, _Report) and step.layout == "lines_old" else 1


def _header(grid: Grid) -> tuple[Header, str] | None:
    header = find_header(grid, HEADER_NAMES, least=3)
    layout = layout_of(set(header.names)) if header else None
    return (header, layout) if header and layout else None


def _reports(file: SourceFile) -> list[_Report]:
    found = [
        _Report(file, grid, *known) for grid in file.grids() if (known := _header(grid)) is not None
    ]
    if not found:
        raise UnknownFormat(
            "no header of a Taobao order, line, refund or review report in the first rows.",
            file=file.name,
            hint="Export it again with all columns, or describe it with a mapping file.",
            zh="前几行中没有淘宝订单、宝贝、退款或评价报表的表头。"
            "请导出全部列，或用映射文件描述它。",
        )
    return found


def _links(reports: Sequence[_Report], told: Sequence[list[Answer]]) -> Links:
    links = Links()
    for report in reports:
        if fields := _LINKING.get(report.layout):
            for _, record in report.narrowed(*fields).rows():
                _link_row(Cells(report.layout, record), report.layout, links)
    # Twice: a rating may name the buyer whose open id only an earlier answer holds.
    for found in (*told, *told):
        link(found, links)
    return links


def _link_row(cells: Cells, layout: str, links: Links) -> None:
    order_id = cells.text("order_id")
    if layout == "orders":
        links.add_order(order_id, cells.text("nick"))
    elif layout == "lines":
        links.add_line(order_id, cells.text("line_id"), cells.text("title"))
    elif order_id is not None:
        links.old_lines[order_id] += 1


def _read_report(report: _Report, links: Links) -> Iterator[Batch | Reject | Note]:
    collector = Collector(report.file.name, carried(report.layout, report.names))
    convert = converter(report.layout, report.names, links)
    unknown = nameless = 0
    for number, record in report.rows():
        filled = {name: cell for name, cell in record.items() if cell is not None}
        trace = {"source_row": number, "raw": json.dumps(filled, ensure_ascii=False)}
        cells = Cells(report.layout, record)
        for table, row in convert(cells):
            collector.add(table, row | trace)
            nameless += table == "orders" and row.get("buyer_id") is None
        if report.layout == "refunds":
            unknown += not links.of_refund(cells.text("line_id") or "")[2]
        yield from collector.full()
    yield from collector.rest()
    if report.layout == "orders" and nameless:
        yield _nameless_note(report.file.name, nameless)
    if unknown:
        yield Note(
            report.file.name,
            f"{unknown} refunds name a line that no other file of this import knows; it is taken "
            "for the order. Import the new line report together with the refunds to be sure",
            f"{unknown} 条退款的订单编号(实为子订单号)在本次导入的其他文件中找不到, "
            "已当作主订单号; 请与新版宝贝报表一起导入",
        )


def _nameless_note(file: str, count: int) -> Note:
    """Say what is lost with the buyers, which reports since 2021 leave out."""
    return Note(
        file,
        f"{count} orders name no buyer: they cannot be matched with chats and count as silent "
        "until another file names the buyers. To cure it, import the open platform's orders "
        "(taobao.trades.sold.get) as well, or an ERP's order list with buyers through a mapping "
        "file (docs/mapping.md)",
        f"{count} 个订单没有买家昵称: 无法与聊天对应, 在其他文件补上买家之前都算作静默成交. "
        "解决办法: 再导入开放平台的订单 (taobao.trades.sold.get), 或通过映射文件导入 ERP 中"
        "带买家昵称的订单表 (docs/mapping.md)",
    )


SOURCE = TaobaoSource()
