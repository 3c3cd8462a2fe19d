"""WhatsApp exports: one story through eight phones, and chats that try to mislead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from chat_reading import Result, read, story, told_messages

from jinpai.errors import InputError, SettingError
from jinpai.sources.whatsapp import SOURCE

# File (a part of its name), story buyer, options it needs, whether it has seconds.
SAMPLES = [
    ("WhatsApp Chat with", "B1", {"date_order": "mdy"}, False),
    ("_chat_ios_24h", "B2", {"date_order": "dmy"}, True),
    ("_chat_ios_us", "B6", {"date_order": "mdy"}, True),
    ("的 WhatsApp 聊天", "B3", {}, False),
    ("zh_ampm", "B2", {}, False),
    ("de_android", "B2", {}, False),
    ("es_android", "B5", {"date_order": "dmy"}, False),
    ("fi_ios", "B6", {}, True),
]
SHOP = "示例灯具"


def _sample(shared: Path, part: str) -> Path:
    (path,) = (p for p in (shared / "formats" / "whatsapp").glob("*.txt") if part in p.name)
    return path


def _chat(folder: Path, text: str, name: str = "chat.txt", **options: str) -> Result:
    path = folder / name
    path.write_text(text, "utf-8")
    return read(SOURCE, [path], shop_name="", **options)


def _rows(result: Result) -> list[tuple[Any, ...]]:
    return [(r["sender"], r["sent_at"], r["text"]) for r in result.messages()]


@pytest.mark.parametrize(("part", "buyer", "options", "seconds"), SAMPLES)
def test_every_phone_tells_the_story(
    shared: Path, part: str, buyer: str, options: dict[str, str], seconds: bool
) -> None:
    phone = f"+1 202-555-01{int(buyer[1:]):02d}"
    said = [m for m in told_messages(story(shared)) if m["key"] == buyer]
    expected = [
        (
            phone,
            SHOP if m["agent"] else None,
            m["sender"],
            m["at"] if seconds else m["at"][:16] + ":00",
            None if m["kind"] == "image" else m["text"],
        )
        for m in said
    ]
    result = read(SOURCE, [_sample(shared, part)], shop_name="", **options)
    names = ("buyer_id", "agent_id", "sender", "sent_at", "text")
    assert [tuple(row[n] for n in names) for row in result.messages()] == expected
    assert not result.rejects
    notices = [r for r in result.rows("messages") if r["sender"] == "system"]
    assert len(notices) == (2 if buyer == "B6" else 1)  # encryption; C6 also a deleted message
    assert {row["buyer_id"] for row in notices} == {phone}


@pytest.mark.parametrize("part", [s[0] for s in SAMPLES if s[2]])
def test_day_or_month_is_asked_for(shared: Path, part: str) -> None:
    with pytest.raises(InputError, match=r"--option date_order=dmy .*--option date_order=mdy"):
        read(SOURCE, [_sample(shared, part)], shop_name="")


def test_images_and_other_media(shared: Path) -> None:
    rows = read(SOURCE, [_sample(shared, "_chat_ios_24h")], date_order="dmy").messages()
    assert [r["kind"] for r in rows] == ["text", "image", "text", "text", "text"]


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["3/2/26", "13/2/26"], "2026-02-03"),  # a first part above 12
        (["3/2/26", "3/15/26"], "2026-03-02"),  # a second part above 12
        (["9/2/26", "3/3/26"], "2026-02-09"),  # the first part falls within a year
        (["3/9/26", "4/2/26"], "2026-03-09"),  # the second part falls
        (["3/2/26", "4/2/26", "5/3/26"], "2026-02-03"),  # the first part changes more often
        (["26-03-02", "26-03-03"], "2026-03-02"),  # 2002 and 2003: there was no WhatsApp
    ],
)
def test_day_and_month_from_the_whole_file(tmp_path: Path, dates: list[str], first: str) -> None:
    lines = [f"{d}, 10:00 - {who}: a" for d in dates for who in ("+1 202-555-0101", "Shop")]
    result = _chat(tmp_path, "\n".join(lines))
    assert result.messages()[0]["sent_at"] == f"{first} 10:00:00"


def test_short_chats_follow_the_long_ones_of_the_same_phone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("3/2/26, 10:00 - +1 202-555-0101: a\n")
    (tmp_path / "b.txt").write_text(
        "13/2/26, 10:00 - +1 202-555-0102: a\n14/2/26, 10:00 - Shop: b\n"
    )
    rows = read(SOURCE, [tmp_path], shop_name="").messages()
    assert rows[0]["sent_at"] == "2026-02-03 10:00:00"


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("2026/4/6 凌晨12:05 - ", "2026-04-06 00:05:00"),
        ("2026/4/6 中午12:30 - ", "2026-04-06 12:30:00"),
        ("2026/4/6 下午1:54 - ", "2026-04-06 13:54:00"),
        ("2026/4/6 晚上11:54 - ", "2026-04-06 23:54:00"),
        ("2026/4/6 08:46 - ", "2026-04-06 08:46:00"),
        ("2026/4/6 午後1:54 - ", "2026-04-06 13:54:00"),
        ("2026/4/6 오전 1:54 - ", "2026-04-06 01:54:00"),
        ("13-06-2018, 01.55 PM - ", "2018-06-13 13:55:00"),
        ("13/6/18, 1:55 p.\u00a0m. - ", "2018-06-13 13:55:00"),
        ("13/6/18, 12:55\u202fAM - ", "2018-06-13 00:55:00"),
        ("[2018/06/13, 21:25:15] ", "2018-06-13 21:25:15"),
        ("\u200e[13/6/18 1:55:00 p. m.] ", "2018-06-13 13:55:00"),
        ("[12.3.2022 klo 14.08.18] ", "2022-03-12 14:08:18"),
        ("13. 6. 2018. 21:25:15 ", "2018-06-13 21:25:15"),
    ],
)
def test_shapes_of_headers(tmp_path: Path, stamp: str, time: str) -> None:
    result = _chat(tmp_path, f"{stamp}+1 202-555-0101: 你好\n第二行\n{stamp}Shop: a: b\n")
    assert _rows(result) == [("buyer", time, "你好\n第二行"), ("agent", time, "a: b")]


def test_bodies_that_look_like_headers(tmp_path: Path) -> None:
    text = (
        "2026/3/2 10:00 - +1 202-555-0101: 截图\n2026/3/2 10:01 不是消息\n"
        "2026/3/2 10:05 - Shop: 转发：\n2026/3/1 09:00 - 王五: 到了吗\n"
        "[2026/3/2, 09:00:00] 赵六: 嗯\n"
        "2026/3/2 10:06 - +1 202-555-0101: 好\n2026/3/2 10:07 - Shop: 嗯\n"
    )
    assert [row[2] for row in _rows(_chat(tmp_path, text))] == [
        "截图\n2026/3/2 10:01 不是消息",
        "转发：\n2026/3/1 09:00 - 王五: 到了吗\n[2026/3/2, 09:00:00] 赵六: 嗯",
        "好",
        "嗯",
    ]


def test_attachments_captions_and_edits(tmp_path: Path) -> None:
    text = (
        "2026/3/2 10:00 - +1 202-555-0101: IMG-1.jpg (file attached)\n看这个\n"
        "2026/3/2 10:01 - +1 202-555-0101: \u200eSTK-1.webp (文件附件)\n"
        "2026/3/2 10:02 - +1 202-555-0101: <Media omitted>\n"
        "2026/3/2 10:03 - Shop: 好 <This message was edited>\n"
        "2026/3/2 10:04 - Shop: You deleted this message\n"
    )
    result = _chat(tmp_path, text)
    assert [(r["kind"], r["text"]) for r in result.messages()] == [
        ("image", "看这个"),
        ("emoji", None),
        ("other", None),
        ("text", "好"),
    ]
    assert result.rows("messages")[-1]["sender"] == "system"


def test_who_is_the_buyer(tmp_path: Path) -> None:
    text = "2026/3/2 10:00 - 小李: 在吗\n2026/3/2 10:01 - 灯具店: 在\n"
    by_title = _chat(tmp_path, text, "WhatsApp Chat with 小李.txt")
    by_option = _chat(tmp_path, text, buyer="小李")
    by_agent = _chat(tmp_path, text, agent="灯具店")
    for result in (by_title, by_option, by_agent):
        assert [(r["buyer_id"], r["agent_id"]) for r in result.messages()] == [
            ("小李", "灯具店")
        ] * 2
    with pytest.raises(InputError, match="--option buyer=NAME"):
        _chat(tmp_path, text)


def test_option_agent_names_the_account(tmp_path: Path) -> None:
    text = "2026/3/2 10:00 - +1 202-555-0101: 在吗\n2026/3/2 10:01 - 灯具店: 在\n"
    rows = _chat(tmp_path, text, agent="店:小桐").messages()
    assert [(r["sender"], r["agent_id"]) for r in rows] == [
        ("buyer", "店:小桐"),
        ("agent", "店:小桐"),
    ]


def test_unknown_date_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="none of dmy, mdy, ymd"):
        _chat(tmp_path, "3/2/26, 10:00 - +1 202-555-0101: a\n", date_order="us")


def test_other_texts_are_not_claimed(tmp_path: Path) -> None:
    for text in ("甲 2026-03-02 10:00:00\n在吗\n", "2026-03-02 10:00:00 server: started\n"):
        assert not _chat(tmp_path, text).batches
