"""Qianniu and Wangwang: one story through every layout, and texts that try to mislead."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from chat_reading import SHOP, read, story, told_messages

from jinpai.errors import HostileFile, InputError, SettingError
from jinpai.sources.qianniu import SOURCE

AGENT = f"{SHOP}:小桐"
OTHER_AGENT = f"{SHOP}:售后小满"


def _told(shared: Path) -> list[tuple[Any, ...]]:
    rows = told_messages(story(shared))
    return [(r["buyer"], r["agent"], r["sender"], r["at"], r["kind"], r["text"]) for r in rows]


def _read_rows(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("buyer_id", "agent_id", "sender", "sent_at", "kind", "text")
    return [tuple(row[name] for name in names) for row in rows]


def _write(folder: Path, text: str, name: str = "chat.txt", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def _said(folder: Path, text: str, **options: str) -> list[tuple[Any, ...]]:
    """Read a text and return (buyer, agent, sender, time of day, text)."""
    result = read(SOURCE, [_write(folder, text)], **options)
    assert not result.rejects
    return [
        (r["buyer_id"], r["agent_id"], r["sender"], r["sent_at"][11:], r["text"])
        for r in result.messages()
    ]


# -- the story -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "bracket_lines.txt",
        "clipboard_glued.txt",
        "clipboard_two_line.txt",
        "web_query_page.txt",
        "wangwang_legacy_unconfirmed.txt",
    ],
)
def test_texts_tell_the_story(shared: Path, name: str) -> None:
    expected = _told(shared)
    # lily_demo writes nothing, and only the query page names her: elsewhere the buyer is unknown.
    if name != "web_query_page.txt":
        expected = [(None, *r[1:]) if r[0] == "lily_demo" else r for r in expected]
    if name.startswith("wangwang"):  # GBK has no emoji; the export wrote a question mark
        expected = [(*r[:5], r[5].replace("😊", "?")) for r in expected]
    result = read(SOURCE, [shared / "formats" / "qianniu" / name])
    assert _read_rows(result.messages()) == expected
    assert not result.rejects
    assert {batch.timezone for batch in result.batches} == {"Asia/Shanghai"}
    assert all(batch.patch for batch in result.batches)
    linked = [row for row in result.messages() if row["kind"] == "link"]
    assert [row["product_id"] for row in linked] == ["700000000001"]


@pytest.mark.parametrize("name", ["clipboard_glued.txt", "clipboard_two_line.txt"])
def test_hand_over_and_recall(shared: Path, name: str) -> None:
    result = read(SOURCE, [shared / "formats" / "qianniu" / name])
    (moved,) = result.rows("transfers")
    assert (moved["buyer_id"], moved["from_agent_id"], moved["to_agent_id"], moved["at"]) == (
        "tb48110001",
        AGENT,
        OTHER_AGENT,
        "2026-03-02 14:13:25",
    )
    handed, recalled = [r for r in result.rows("messages") if r["sender"] == "system"]
    assert (handed["sent_at"], handed["agent_id"]) == ("2026-03-02 14:13:25", OTHER_AGENT)
    # The line before the recall is of 11:20:06; the text has no time of its own for it.
    assert (recalled["sent_at"], recalled["agent_id"]) == ("2026-03-05 11:20:06", AGENT)
    assert recalled["text"] == f"{AGENT} 撤回了一条消息"
    assert not any("抬头发错了" in (r["text"] or "") for r in result.rows("messages"))


def test_script_workbook_of_a_day(shared: Path) -> None:
    """The name has no year: the workbook's own date of making gives it."""
    (path,) = (shared / "formats" / "qianniu").glob("*3月2日.xlsx")
    day = [r for r in _told(shared) if r[3].startswith("2026-03-02")]
    # That night's question is answered in the next day's file only.
    alone = [(r[0], None, *r[2:]) if r[0] == "老周demo" else r for r in day]
    assert _read_rows(read(SOURCE, [path]).messages()) == alone
    both = read(SOURCE, [path, shared / "formats" / "qianniu" / "bracket_lines.txt"])
    assert _read_rows(both.messages(path.name)) == day


def test_script_workbook_without_dates(shared: Path) -> None:
    (path,) = (shared / "formats" / "qianniu").glob("*原始逐条*.xlsx")
    undated = read(SOURCE, [path])
    assert not undated.batches
    assert {(r.column, r.reason) for r in undated.rejects} == {("sent_at", "unreadable_time")}
    assert len(undated.rejects) == len(_told(shared))
    assert "--option date=" in undated.notes[0].text_en
    dated = read(SOURCE, [path], date="2026-03-02").messages()
    crossing = [r["sent_at"] for r in dated if r["buyer_id"] == "老周demo"]
    assert crossing == [r[3] for r in _told(shared) if r[0] == "老周demo"]
    without_day = [(*r[:3], r[3][11:], *r[4:]) for r in _read_rows(dated)]
    assert without_day == [(*r[:3], r[3][11:], *r[4:]) for r in _told(shared)]
    named = read(SOURCE, [path], date="filename").messages()
    assert named[0]["sent_at"] == "2026-03-07 09:03:07"


def test_chat_logs_of_the_platform(shared: Path) -> None:
    folder = shared / "formats" / "qianniu"
    told = [r for r in _told(shared) if r[0] == "晚风_01"]
    log = read(SOURCE, [folder / "top_chatlog_A1_B1.xml"], agent=AGENT, buyer="晚风_01")
    assert _read_rows(log.messages()) == told
    nameless = read(SOURCE, [folder / "top_chatlog_A1_B1.xml"])
    assert {(r["buyer_id"], r["agent_id"]) for r in nameless.messages()} == {(None, None)}
    assert "--option buyer=" in nameless.notes[0].text_en
    single = read(
        SOURCE,
        [folder / "top_chatlog_A2_B4_single.json"],
        agent=f"cntaobao{SHOP}：阿岳",
        buyer="lily_demo",
    )
    assert _read_rows(single.messages()) == [r for r in _told(shared) if r[0] == "lily_demo"]


def test_chat_abstract_lacks_buyers_words_and_knows_auto_replies(shared: Path) -> None:
    folder = shared / "formats" / "qianniu"
    rows = read(SOURCE, [folder / "top_abstract_logquery_A1_B1.json"]).messages()
    told = [r for r in _told(shared) if r[0] == "晚风_01"]
    expected = [(*r[:5], r[5] if r[2] == "agent" else None) for r in told]
    assert _read_rows(rows) == expected
    assert [r["text"] for r in rows if r["is_auto"] == "true"] == ["您好，欢迎光临示例灯具旗舰店"]


def test_saved_request_names_the_two_ends(tmp_path: Path) -> None:
    answer = (
        '{"from_id":"cntaobao店:甲","to_id":"cntaobao买家","chatlog_get_response":{"msgs":{"msg":'
        '[{"direction":1,"time":"2026-03-02 10:00:00","content":"在"}]}}}'
    )
    (row,) = read(SOURCE, [_write(tmp_path, answer, "a.json")]).messages()
    assert (row["buyer_id"], row["agent_id"], row["sender"]) == ("买家", "店:甲", "buyer")


def test_online_sessions_give_the_platforms_own_daily_time(shared: Path) -> None:
    """onlinetime.get of the same day: 29360 s and 16200 s, so being suspended counts as online."""
    folder = shared / "formats" / "qianniu"
    names = {"account.9000000011": AGENT, "account.9000000013": OTHER_AGENT}
    result = read(SOURCE, [folder / "top_onlinestatuslog_20260302.json"], **names)
    rows = result.rows("online_sessions")
    ended = [r for r in rows if "offline_at" in r]
    spans = [(r["agent_id"], r["online_at"][11:], r["offline_at"][11:]) for r in ended]
    assert sorted(spans) == [
        (OTHER_AGENT, "13:30:00", "18:00:00"),  # 16200 s, suspended 15:00-15:20
        (AGENT, "08:55:00", "12:00:10"),  # 11110 s
        (AGENT, "12:58:00", "18:02:10"),  # 18250 s
    ]
    (still,) = [r for r in rows if "offline_at" not in r]  # no end known: no such column
    assert (still["agent_id"], still["online_at"]) == ("9000000012", "2026-03-02 22:00:00")
    log = read(SOURCE, [folder / "top_loginlogs_A1.json"]).rows("online_sessions")
    told = [e["t"] for e in story(shared)["agent_status_log"] if e["agent"] == "A1"]
    assert [t for r in log for t in (r["online_at"], r["offline_at"])] == told


def test_leaving_without_having_come_means_online_since_midnight(tmp_path: Path) -> None:
    answer = (
        '{"wangwang_eservice_loginlogs_get_response":{"user_id":"cntaobao店:甲","loginlogs":'
        '{"login_log":{"type":"1","time":"2026-03-03 00:30:00"}}}}'
    )
    (row,) = read(SOURCE, [_write(tmp_path, answer, "a.json")]).rows("online_sessions")
    assert (row["online_at"], row["offline_at"]) == ("2026-03-03 00:00:00", "2026-03-03 00:30:00")


def test_list_of_sub_accounts_names_the_numbers(shared: Path, tmp_path: Path) -> None:
    accounts = (
        '{"sellercenter_subusers_get_response":{"subusers":{"sub_account_info":['
        f'{{"nick":"{AGENT}","sub_id":9000000011,"status":1}},'
        f'{{"nick":"{SHOP}:阿岳","sub_id":9000000012,"full_name":"岳"}}]}}}}}}'
    )
    log = shared / "formats" / "qianniu" / "top_onlinestatuslog_20260302.json"
    result = read(SOURCE, [log, _write(tmp_path, accounts, "subusers.json")])
    seen = {row["agent_id"] for row in result.rows("online_sessions")}
    assert seen == {AGENT, f"{SHOP}:阿岳", "9000000013"}
    assert [(r["agent_id"], r["name"]) for r in result.rows("agents")] == [
        (AGENT, "小桐"),
        (f"{SHOP}:阿岳", "岳"),
    ]
    assert "9000000013" in result.notes[0].text_en


def test_answers_one_per_line_and_a_page_that_is_not_the_last(tmp_path: Path) -> None:
    line = (
        '{"from_id":"cntaobao店:甲","to_id":"cntaobao买家","next_key":"k","msg_lists":'
        '[{"direction":0,"time":"2026-03-02 10:00:0%d","type":17,"content":"在"}]}'
    )
    result = read(SOURCE, [_write(tmp_path, f"{line % 1}\n{line % 2}\n", "a.jsonl")])
    rows = [(r["buyer_id"], r["sent_at"], r["is_auto"]) for r in result.messages()]
    assert rows == [
        ("买家", "2026-03-02 10:00:01", "true"),
        ("买家", "2026-03-02 10:00:02", "true"),
    ]
    assert "next_key" in result.notes[0].text_en


def test_chat_partners_are_buyers(shared: Path) -> None:
    rows = read(SOURCE, [shared / "formats" / "qianniu" / "top_chatpeers_A1.xml"]).rows("buyers")
    assert [r["buyer_id"] for r in rows] == ["晚风_01", "tb48110001", "阿布2026"]


def test_the_whole_folder_loses_nothing_silently(shared: Path) -> None:
    """Every file is read, or is a report named in a note; summary rows are never agents."""
    folder = shared / "formats" / "qianniu"
    result = read(SOURCE, [folder])
    spoken_of = {b.source_file for b in result.batches} | {n.source_file for n in result.notes}
    left_out = {"README.md", "top_error_response.json", "top_sign_vectors.json"}
    names = {path.name for path in folder.iterdir()} - left_out
    assert {name.rpartition("/")[2] for name in spoken_of} == names
    agents = {row["agent_id"] for row in result.rows("messages")} - {None}
    assert agents == {a["sub_account"] for a in story(shared)["agents"]}


# -- texts that mislead --------------------------------------------------------------------------


def test_a_time_in_a_body_does_not_split_it(tmp_path: Path) -> None:
    text = (
        "小明2026-03-02 10:00:00\n下单时间2026-03-02 09:59:00\n帮我改地址\n"
        f"{SHOP}:小桐 2026-03-02 10:00:20\n预计到货\n2026-03-02 10:00:30\n请留意\n"
        "小明2026-03-02 10:00:40\n快递说2026-03-02 10:00:45\n谢谢\n"
        "小明2026-03-02 10:00:50\n好\n"
    )
    assert [row[2:] for row in _said(tmp_path, text)] == [
        ("buyer", "10:00:00", "下单时间2026-03-02 09:59:00\n帮我改地址"),
        ("agent", "10:00:20", "预计到货\n2026-03-02 10:00:30\n请留意"),
        ("buyer", "10:00:40", "快递说2026-03-02 10:00:45\n谢谢"),
        ("buyer", "10:00:50", "好"),
    ]


def test_a_time_in_a_two_line_body(tmp_path: Path) -> None:
    text = (
        "小明\n2026-03-02 10:00:00\n快递说\n2026-03-02 10:00:05\n送到\n"
        f"{SHOP}：小桐\n2026-03-02 10:00:20\n好\n小明\n2026-03-02 10:00:40\n嗯\n"
    )
    assert [(row[0], row[1], row[4]) for row in _said(tmp_path, text)] == [
        ("小明", AGENT, "快递说\n2026-03-02 10:00:05\n送到"),
        ("小明", AGENT, "好"),
        ("小明", AGENT, "嗯"),
    ]


def test_a_time_on_the_query_page_body(tmp_path: Path) -> None:
    text = (
        "客户：小明\n2026-03-02\n10:00:00\n我的时间是\n09:30:00\n行吗\n小明\n"
        f"10:01:00\n2026-03-03\n发货\n{AGENT}\n"
    )
    assert [row[2:] for row in _said(tmp_path, text)] == [
        ("buyer", "10:00:00", "我的时间是\n09:30:00\n行吗"),
        ("agent", "10:01:00", "2026-03-03\n发货"),
    ]


def test_nicks_that_end_in_digits(tmp_path: Path) -> None:
    text = (
        "tb20262026-3-5 1:02:03\n在\ntb20262026-03-05 11:20:01\n吗\n"
        "20262026-3-5 11:30:00\n1\n20262026-3-5 11:31:00\n2\n"
    )
    assert [(row[0], row[3]) for row in _said(tmp_path, text)] == [
        ("tb2026", "01:02:03"),
        ("tb2026", "11:20:01"),
        ("2026", "11:30:00"),
        ("2026", "11:31:00"),
    ]


def test_empty_nick_is_rejected_not_guessed(tmp_path: Path) -> None:
    text = f"[] 2026-03-02 10:00:00\n你好\n\n[{AGENT}] 2026-03-02 10:00:05\n在\n"
    result = read(SOURCE, [_write(tmp_path, text)])
    (lost,) = result.rejects
    assert (lost.source_row, lost.column, lost.reason) == (1, "buyer_id", "missing_required")
    assert "你好" in lost.raw
    glued = read(
        SOURCE, [_write(tmp_path, " 2026-03-02 10:00:00\n你好\n小明 2026-03-02 10:01:00\n在\n")]
    )
    assert [r["buyer_id"] for r in glued.messages()] == ["小明"]
    assert len(glued.rejects) == 1


def test_what_the_window_drew_is_dropped_and_what_people_wrote_is_kept(tmp_path: Path) -> None:
    text = (
        "当前用户来自 商品详情页\n商品推荐\n台灯\n¥89.00\n"
        "小明 2026-03-02 10:00:00\n已读\n"
        f"{AGENT} 2026-03-02 10:00:05\n注意: 今天\n\n包邮\n已读\n"
        f"{AGENT} 2026-03-02 10:00:06\n`https://item.example.com/item.htm?id=700000000001`\n未读\n"
        f"{AGENT} 2026-03-02 10:00:07\n未读\n"
        "小明 2026-03-02 10:00:08\n¥89.00\n"
        "当前用户来自 商品详情页\n商品推荐\n吸顶灯\n¥199.00\n"
        "小明 2026-03-02 10:05:00\n由 衷 感谢\n千牛\n"
    )
    assert [row[4] for row in _said(tmp_path, text)] == [
        "已读",
        "注意: 今天\n\n包邮",
        "https://item.example.com/item.htm?id=700000000001",
        None,
        "¥89.00",
        "由 衷 感谢",
    ]


def test_several_buyers_and_whom_the_agent_wrote_to(tmp_path: Path) -> None:
    text = (
        f"{AGENT} 2026-03-02 10:00:00\n亲\n甲 2026-03-02 10:00:30\n在\n"
        f"{AGENT} 2026-03-02 10:00:40\n好\n乙 2026-03-02 09:00:00\n在吗\n"
        f"{OTHER_AGENT} 2026-03-02 09:00:10\n在的\n乙 2026-03-02 09:01:00\n1\n"
        "甲 2026-03-02 10:30:00\n2\n"
    )
    assert [(row[0], row[1], row[4]) for row in _said(tmp_path, text)] == [
        ("甲", AGENT, "亲"),
        ("甲", AGENT, "在"),
        ("甲", AGENT, "好"),
        ("乙", OTHER_AGENT, "在吗"),
        ("乙", OTHER_AGENT, "在的"),
        ("乙", OTHER_AGENT, "1"),
        ("甲", AGENT, "2"),
    ]


def test_many_buyers_who_write_once(tmp_path: Path) -> None:
    """As people copy them: one conversation after the other, in order of time."""
    text = "".join(
        f"买家{n}2026-03-02 {9 + n // 60:02d}:{n % 60:02d}:00\n在吗\n"
        f"{AGENT}2026-03-02 {9 + n // 60:02d}:{n % 60:02d}:30\n在\n"
        for n in range(1, 200)
    )
    rows = _said(tmp_path, "甲2026-03-02 9:00:00\n1\n甲2026-03-02 9:00:01\n2\n" + text)
    assert len({row[0] for row in rows}) == 200


def test_lines_of_one_second_are_ranked(tmp_path: Path) -> None:
    text = "甲 2026-03-02 10:00:00\n1\n甲 2026-03-02 10:00:00\n2\n甲 2026-03-02 10:00:01\n3\n"
    rows = read(SOURCE, [_write(tmp_path, text)]).messages()
    assert [(row["text"], row["seq"]) for row in rows] == [("1", "1"), ("2", "2"), ("3", "1")]


def test_the_shops_own_nick_and_robot_are_no_buyers(tmp_path: Path) -> None:
    text = (
        f"甲 2026-03-02 10:00:00\n在\n{SHOP} 2026-03-02 10:00:05\n在的\n"
        f"{SHOP}:服务助手 2026-03-02 10:00:06\n机器人为您服务\n"
    )
    assert [(row[1], row[2]) for row in _said(tmp_path, text)] == [
        (SHOP, "buyer"),
        (SHOP, "agent"),
        (f"{SHOP}:服务助手", "robot"),
    ]


def test_impossible_dates_are_handed_on(tmp_path: Path) -> None:
    """The tables stage rejects them; the reader neither drops nor repairs them."""
    text = (
        f"甲 2026-02-30 10:00:00\n在\n甲 2026-03-02 10:00:00\n在\n{AGENT} 2026-03-02 10:01:00\n好\n"
    )
    rows = read(SOURCE, [_write(tmp_path, text)]).messages()
    assert rows[0]["sent_at"] == "2026-02-30 10:00:00"


def test_a_day_without_a_year_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "千牛聊天记录_3月2日.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": datetime(2025, 1, 5)})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["客户ID", "聊天记录"])
        cell = f"09:00:00\n甲：到货时间\n10:00:00\n备注：无\n09:01:00\n{SHOP}：小桐：好：的"
        sheet.write_row(1, 0, ["甲", cell])
    rows = read(SOURCE, [path]).messages()  # made in January 2025: the 2 March before it
    assert [(r["sent_at"], r["agent_id"], r["text"]) for r in rows] == [
        ("2024-03-02 09:00:00", AGENT, "到货时间\n10:00:00\n备注：无"),
        ("2024-03-02 09:01:00", AGENT, "好：的"),
    ]
    assert read(SOURCE, [path], year="2026").messages()[0]["sent_at"].startswith("2026-03-02")
    other = path.rename(tmp_path / "聊天.xlsx")
    with pytest.raises(InputError, match="--option date="):
        read(SOURCE, [other])
    with pytest.raises(SettingError, match="not a date"):
        read(SOURCE, [other], date="3月2日")


def test_hostile_xml(tmp_path: Path) -> None:
    bomb = "<!DOCTYPE x><chatlog_get_response><msgs/></chatlog_get_response>"
    with pytest.raises(HostileFile):
        read(SOURCE, [_write(tmp_path, '<?xml version="1.0"?>' + bomb, "a.xml")])


def test_other_texts_are_not_claimed(tmp_path: Path) -> None:
    table = _write(tmp_path, "order_id,paid_at\n1,2026-03-02 10:00:00\n2,2026-03-02 10:00:01\n")
    assert not read(SOURCE, [table]).batches
    prose = _write(tmp_path, "你好\n今天天气不错\n", "b.txt")
    assert not read(SOURCE, [prose]).batches
