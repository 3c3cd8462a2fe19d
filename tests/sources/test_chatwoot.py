"""Chatwoot: the sample story, and scenarios by hand from the public meaning of its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpdesk_reading import Reading, read, story, story_lines, write_json

from jinpai.errors import UnreadableFile
from jinpai.sources.chatwoot import SOURCE
from jinpai.sources.files import open_paths
from jinpai.sources.registry import recognise

NOON = 1_772_424_000  # 2026-03-02T04:00:00Z, noon in Shanghai
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
BUYER = {"id": 1, "name": "小明", "type": "contact"}
ANN = {"id": 1, "name": "Ann", "available_name": "Ann", "type": "user"}
BEN = {"id": 2, "name": "Ben", "available_name": "Ben", "type": "user"}
BOT = {"id": 1, "name": "Bot", "type": "agent_bot"}


def says(
    number: int, after: int, kind: int, sender: dict[str, Any] | None, **more: Any
) -> dict[str, Any]:
    """Return one message ``after`` seconds past noon, as the messages API gives it."""
    message = {
        "id": number,
        "content": f"m{number}",
        "inbox_id": 1,
        "conversation_id": 7,
        "message_type": kind,
        "content_type": "text",
        "status": "sent",
        "content_attributes": {},
        "created_at": NOON + after,
        "private": False,
        "source_id": None,
        **more,
    }
    return message if sender is None else {**message, "sender": sender}


def told(tmp_path: Path, *messages: dict[str, Any]) -> Reading:
    answer = {"meta": {"labels": [], "contact": BUYER}, "payload": list(messages)}
    return read(SOURCE, write_json(tmp_path / "messages.json", answer))


def speakers(reading: Reading) -> list[tuple[Any, ...]]:
    return reading.messages("message_id", "sender", "agent_id", "is_auto")


def test_bot_before_an_agent_speaks_for_the_agent_who_takes_over(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER),
        says(2, 1, OUTGOING, BOT),
        says(3, 20, INCOMING, BUYER),
        says(4, 80, OUTGOING, ANN),
    )
    assert speakers(reading) == [
        ("cw-1", "buyer", "1", "false"),
        ("cw-2", "robot", "1", "true"),
        ("cw-3", "buyer", "1", "false"),
        ("cw-4", "agent", "1", "false"),
    ]
    assert reading.of("agents", "agent_id", "name") == [("1", "Ann")]


def test_contact_and_user_of_one_number_are_two_people(tmp_path: Path) -> None:
    reading = told(tmp_path, says(1, 0, INCOMING, BUYER), says(2, 5, OUTGOING, ANN))
    assert reading.messages("buyer_id", "agent_id") == [("contact:1", "1"), ("contact:1", "1")]
    assert reading.of("buyers", "buyer_id", "name") == [("contact:1", "小明")]


def test_reopened_conversation_keeps_its_threads(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER),
        says(2, 30, OUTGOING, ANN),
        says(3, 60, ACTIVITY, None, content="Conversation was marked resolved by Ann"),
        says(4, 86_400, INCOMING, BUYER),
        says(5, 86_400, ACTIVITY, None, content="Conversation was reopened by system"),
        says(6, 86_490, OUTGOING, BEN),
        says(7, 86_500, INCOMING, BUYER),
    )
    assert speakers(reading) == [
        ("cw-1", "buyer", "1", "false"),
        ("cw-2", "agent", "1", "false"),
        ("cw-3", "system", None, "false"),
        ("cw-4", "buyer", "2", "false"),
        ("cw-5", "system", None, "false"),
        ("cw-6", "agent", "2", "false"),
        ("cw-7", "buyer", "2", "false"),
    ]
    assert reading.messages("sent_at", "seq")[3:5] == [
        ("2026-03-03T04:00:00Z", "1"),
        ("2026-03-03T04:00:00Z", "2"),
    ]


def test_run_of_incoming_messages_within_one_second_keeps_its_order(tmp_path: Path) -> None:
    run = [says(number, 0, INCOMING, BUYER) for number in (9, 10, 11)]
    reading = told(tmp_path, *run, says(12, 40, OUTGOING, ANN))
    assert reading.messages("message_id", "seq", "agent_id") == [
        ("cw-9", "1", "1"),
        ("cw-10", "2", "1"),
        ("cw-11", "3", "1"),
        ("cw-12", "1", "1"),
    ]


def test_agent_first_and_messages_after_the_last_agent(tmp_path: Path) -> None:
    reading = told(tmp_path, says(1, 0, OUTGOING, ANN), says(2, 50, INCOMING, BUYER))
    assert speakers(reading) == [
        ("cw-1", "agent", "1", "false"),
        ("cw-2", "buyer", "1", "false"),
    ]


def test_two_agents_each_get_what_was_written_before_them(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER),
        says(2, 10, OUTGOING, ANN),
        says(3, 12, ACTIVITY, None, content="Assigned to Ben by Ann"),
        says(4, 20, INCOMING, BUYER),
        says(5, 30, OUTGOING, BEN),
        says(6, 40, INCOMING, BUYER),
        says(7, 50, OUTGOING, ANN),
    )
    agents = [agent for (agent,) in reading.messages("agent_id")]
    assert agents == ["1", "1", None, "2", "2", "1", "1"]
    columns = ("transfer_id", "buyer_id", "from_agent_id", "to_agent_id", "at")
    assert reading.of("transfers", *columns) == [
        ("cw-3", "contact:1", "1", "2", "2026-03-02T04:00:12Z")
    ]


@pytest.mark.parametrize(
    ("texts", "handed"),
    [
        (["Assigned to Ann by Ben"], []),  # the first assignment hands nothing over
        (["Ann self-assigned this conversation", "Assigned to Ben via Help by Ann"], [("1", "2")]),
        (["Assigned to Ann by Ben", "Assigned to Ann by Ben"], []),
        (["Assigned to Ann by Ben", "Assigned to Night team by Ann"], []),  # a team, no agent
        (["由 Ann 分配给 Ben", "由 Ben 分配给 Ann"], [("1", "2")]),  # assignee stands first
        (["Assigned to Ann by Ben", "Ben 自行分配这次会话"], [("1", "2")]),
    ],
)
def test_hand_over_is_an_assignment_away_from_somebody(
    tmp_path: Path, texts: list[str], handed: list[tuple[str, str]]
) -> None:
    events = [says(n, n, ACTIVITY, None, content=text) for n, text in enumerate(texts, start=1)]
    reading = told(tmp_path, *events, says(8, 80, OUTGOING, ANN), says(9, 90, OUTGOING, BEN))
    assert reading.of("transfers", "from_agent_id", "to_agent_id") == handed


def test_private_notes_and_deleted_messages_answer_nobody(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER),
        says(2, 10, OUTGOING, ANN, private=True),
        says(3, 20, OUTGOING, ANN, content_attributes={"deleted": True}),
        says(4, 90, OUTGOING, BEN),
    )
    assert speakers(reading) == [
        ("cw-1", "buyer", "2", "false"),
        ("cw-2", "system", None, "false"),
        ("cw-3", "system", None, "false"),
        ("cw-4", "agent", "2", "false"),
    ]


def test_campaigns_and_automation_are_automatic(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, OUTGOING, ANN, additional_attributes={"campaign_id": 5}),
        says(2, 10, INCOMING, BUYER),
        says(3, 11, OUTGOING, None, content_attributes={"automation_rule_id": 4}),
        says(4, 12, TEMPLATE, None),
        says(5, 60, OUTGOING, BEN),
    )
    assert speakers(reading) == [
        ("cw-1", "agent", "1", "true"),
        ("cw-2", "buyer", "2", "false"),
        ("cw-3", "robot", "2", "true"),
        ("cw-4", "robot", "2", "true"),
        ("cw-5", "agent", "2", "false"),
    ]


def test_without_any_agent_nobody_is_written_to(tmp_path: Path) -> None:
    reading = told(tmp_path, says(1, 0, INCOMING, BUYER), says(2, 1, OUTGOING, BOT))
    assert speakers(reading) == [
        ("cw-1", "buyer", None, "false"),
        ("cw-2", "robot", None, "true"),
    ]
    # Left out, not null: a web-hook read later must not wipe the agent of a known message.
    assert all("agent_id" not in batch.rows.column_names for batch in reading.batches)


def test_reply_typed_in_the_channels_own_app_is_human(tmp_path: Path) -> None:
    echo = says(2, 30, OUTGOING, None, content_attributes={"external_echo": True})
    reading = told(tmp_path, says(1, 0, INCOMING, BUYER), echo, says(3, 60, OUTGOING, ANN))
    assert speakers(reading)[1] == ("cw-2", "agent", "1", "false")


def test_kinds_and_products(tmp_path: Path) -> None:
    image = {"attachments": [{"file_type": "image"}]}
    video = {"attachments": [{"file_type": "video"}]}
    link = "https://item.example.com/item.htm?spm=a&id=700000000001"
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER, content=None, **image),
        says(2, 1, INCOMING, BUYER, content="看", **video),
        says(3, 2, INCOMING, BUYER, content=link),
        says(4, 3, INCOMING, BUYER, content=f"这个 {link} 有吗"),
        says(5, 4, INCOMING, BUYER, content_type="sticker"),
        says(6, 5, OUTGOING, ANN, content_type="cards"),
    )
    assert reading.messages("kind", "product_id") == [
        ("image", None),
        ("other", None),
        ("link", "700000000001"),
        ("text", "700000000001"),
        ("emoji", None),
        ("card", None),
    ]


@pytest.mark.parametrize(
    ("contact", "option", "buyer"),
    [
        ({"id": 5}, None, "contact:5"),
        ({"id": 5, "identifier": "u5"}, None, "u5"),
        ({"id": 5, "identifier": "u5", "custom_attributes": {"taobao_nick": "n5"}}, None, "n5"),
        (
            {"id": 5, "identifier": "u5", "custom_attributes": {"taobao_nick": "n5"}},
            "id",
            "contact:5",
        ),
        ({"id": 5, "identifier": "u5", "custom_attributes": {"vip": "v5"}}, "vip", "v5"),
        ({"id": 5, "phone_number": "+86100"}, "phone_number", "+86100"),
        ({"id": 5}, "phone_number", "contact:5"),
    ],
)
def test_buyer_is_named_as_the_shop_names_them(
    tmp_path: Path, contact: dict[str, Any], option: str | None, buyer: str
) -> None:
    answer = {"meta": {"contact": contact}, "payload": [says(1, 0, INCOMING, {"id": 5})]}
    path = write_json(tmp_path / "a.json", answer)
    reading = read(SOURCE, path, options={"buyer_id": option} if option else None)
    assert reading.messages("buyer_id") == [(buyer,)]
    assert reading.of("buyers", "buyer_id") == [(buyer,)]


def test_visitor_nobody_names_is_known_by_the_conversation(tmp_path: Path) -> None:
    answer = {"payload": [says(1, 0, INCOMING, None), says(2, 9, OUTGOING, ANN)]}
    reading = read(SOURCE, write_json(tmp_path / "a.json", answer))
    assert reading.messages("buyer_id") == [("conversation:7",)] * 2


def test_times_zero_is_none_and_words_stay_for_the_reject(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        says(1, 0, INCOMING, BUYER, created_at=0),
        says(2, 0, INCOMING, BUYER, created_at="soon"),
        says(3, 0, INCOMING, BUYER, created_at=1_772_424_000.25),
        says(4, 0, INCOMING, BUYER, created_at="2026-03-02T04:00:01Z"),
        says(5, 0, INCOMING, BUYER, created_at="1772424002"),
    )
    assert reading.of("messages", "message_id", "sent_at") == [
        ("cw-1", None),
        ("cw-2", "soon"),
        ("cw-3", "2026-03-02T04:00:00.250000Z"),
        ("cw-4", "2026-03-02T04:00:01Z"),
        ("cw-5", "2026-03-02T04:00:02Z"),
    ]


def test_web_hook_lines_with_a_deletion_and_a_broken_line(tmp_path: Path) -> None:
    first = says(1, 0, 0, BUYER, message_type="incoming", event="message_created")
    reply = says(2, 9, 1, ANN, message_type="outgoing", event="message_created")
    gone = {**reply, "event": "message_updated", "content_attributes": {"deleted": True}}
    other = {"event": "conversation_typing_on", "conversation": {"id": 7}}
    lines = [json.dumps(body) for body in (first, reply, gone, other)] + ['{"broken": ']
    path = tmp_path / "hooks.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    reading = read(SOURCE, path)
    assert [row[:2] for row in speakers(reading)] == [("cw-1", "buyer"), ("cw-2", "system")]
    assert [(reject.source_row, reject.reason) for reject in reading.rejects] == [
        (5, "unreadable_row")
    ]


def test_last_message_of_a_list_does_not_come_twice_nor_first(tmp_path: Path) -> None:
    run = [says(number, 0, INCOMING, BUYER) for number in (1, 2)]
    chat = {"id": 7, "inbox_id": 1, "meta": {"sender": BUYER, "assignee": ANN}, "messages": run[1:]}
    listed = write_json(tmp_path / "a_list.json", {"data": {"meta": {}, "payload": [chat]}})
    answer = write_json(tmp_path / "b.json", {"meta": {"contact": BUYER}, "payload": run})
    reading = read(SOURCE, listed, answer)
    assert reading.messages("message_id", "seq") == [("cw-1", "1"), ("cw-2", "2")]
    assert reading.of("agents", "agent_id") == [("1",)]


def test_agents_answer(tmp_path: Path) -> None:
    agents = [{"id": 3, "available_name": "Cy", "name": "Cy", "role": "agent"}]
    reading = read(SOURCE, write_json(tmp_path / "agents.json", agents))
    assert reading.of("agents", "agent_id", "name") == [("3", "Cy")]


def test_sample_tells_the_story(shared: Path) -> None:
    reading = read(SOURCE, shared / "formats/chatwoot")
    told_lines = [
        (time, sender, text)
        for time, sender, text, kind in reading.of("messages", "sent_at", "sender", "text", "kind")
        if sender in ("buyer", "agent") and kind != "image"
    ]
    assert told_lines == story_lines(story(shared), ("auto", "image", "transfer", "recall"))
    assert not reading.rejects
    nicks = {buyer["nick"] for buyer in story(shared)["buyers"][:6]}
    assert {nick for nick, _ in reading.of("buyers", "buyer_id", "name")} == nicks
    assert reading.of("agents", "agent_id", "name") == [
        ("1", "小桐"),
        ("2", "阿岳"),
        ("3", "售后小满"),
    ]


def test_sample_greeting_note_recall_image_and_hand_over(shared: Path) -> None:
    reading = read(SOURCE, shared / "formats/chatwoot")
    columns = ("sender", "agent_id", "is_auto", "kind")
    known = {row["message_id"]: row for row in reading.rows["messages"]}
    assert len(known) == len(reading.rows["messages"]) == 28  # the story's 26, a note, a survey
    expected = {
        "cw-5001": ("buyer", "1", "false", "text"),
        "cw-5002": ("robot", "1", "true", "text"),
        "cw-5005": ("agent", "1", "false", "link"),
        "cw-5009": ("buyer", "1", "false", "image"),
        "cw-5011": ("system", None, "false", "text"),
        "cw-5013": ("buyer", "3", "false", "text"),
        "cw-5017": ("buyer", "2", "false", "text"),
        "cw-5019": ("buyer", None, "false", "text"),
        "cw-5023": ("system", None, "false", "text"),
        "cw-5900": ("system", None, "false", "text"),
    }
    assert {key: tuple(known[key].get(name) for name in columns) for key in expected} == expected
    assert reading.of("transfers", "buyer_id", "from_agent_id", "to_agent_id", "at") == [
        ("tb48110001", "1", "3", "2026-03-02T06:13:25Z")
    ]


def test_reports_are_named_and_not_loaded(shared: Path) -> None:
    reading = read(SOURCE, shared / "formats/chatwoot")
    assert sorted(Path(note.source_file).name for note in reading.notes) == [
        "agents.csv",
        "csat.csv",
        "reporting_events.csv",
    ]


def test_other_platforms_are_left_alone(shared: Path) -> None:
    for folder in ("zendesk", "gorgias", "zammad", "intercom", "jd", "pdd", "taobao", "qianniu"):
        for file in open_paths([shared / "formats" / folder]):
            assert SOURCE.recognise(file) is None, file.name


def test_no_other_reader_takes_these_files(shared: Path) -> None:
    for folder in ("formats/chatwoot",):
        found = recognise(open_paths([shared / folder]))
        assert [claim.source.name for claim in found.claims] == [SOURCE.name]
        assert not found.unrecognised


@pytest.mark.parametrize(
    "odd",
    [
        {"meta": None, "payload": [None, 3, "x", {"id": 1}]},
        {"payload": [{"meta": {"sender": {}, "assignee": []}, "id": 4, "messages": True}]},
        {"payload": [says(1, 0, 9, None, content_attributes=[], attachments=[None])]},
    ],
)
def test_odd_documents_lose_nothing_silently(tmp_path: Path, odd: dict[str, Any]) -> None:
    path = write_json(tmp_path / "a.json", {"all_count": 1, **odd})
    reading = read(SOURCE, path)
    records = odd["payload"]
    kept = len(reading.rows.get("messages", [])) + len(reading.rejects)
    assert kept == sum(not isinstance(one, dict) or "meta" not in one for one in records)


def test_cut_off_file_is_one_clear_error(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", {"payload": [says(1, 0, INCOMING, BUYER)]})
    path.write_text(path.read_text("utf-8")[:-20], encoding="utf-8")
    with pytest.raises(UnreadableFile, match=r"a\.json"):
        read(SOURCE, path)
