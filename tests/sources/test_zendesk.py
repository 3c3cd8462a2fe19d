"""Zendesk: the sample story, copied tables, and scenarios by hand from the vendor's documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpdesk_reading import Reading, read, story, story_lines, write_json

from jinpai.sources.files import open_paths
from jinpai.sources.registry import recognise
from jinpai.sources.zendesk import SOURCE
from jinpai.sources.zendesk_hours import duty_hours

BUYER, ANN, BEN = 11, 21, 22
USERS = [
    {"id": BUYER, "name": "小明", "role": "end-user", "email": "b@example.com", "phone": "100"},
    {"id": ANN, "name": "Ann", "role": "agent", "email": "a@example.com"},
    {"id": BEN, "name": "Ben", "role": "admin", "email": "c@example.com"},
]


def ticket(number: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "via": {"channel": "web"},
        "created_at": "2026-03-02T04:00:00Z",
        "description": "c1",
        "requester_id": BUYER,
        "submitter_id": BUYER,
        "assignee_id": ANN,
        **more,
    }


def comment(number: int, minute: int, author: int | None, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "ticket_id": 7,
        "author_id": author,
        "body": f"c{number}",
        "public": True,
        "attachments": [],
        "via": {"channel": "web"},
        "created_at": f"2026-03-02T04:{minute:02d}:00Z",
        **more,
    }


def told(
    tmp_path: Path, *comments: dict[str, Any], about: dict[str, Any] | None = None, **options: str
) -> Reading:
    paths = [
        write_json(tmp_path / "tickets.json", {"tickets": [about or ticket()]}),
        write_json(tmp_path / "users.json", {"users": USERS, "next_page": None}),
    ]
    if comments:
        paths.append(write_json(tmp_path / "comments.json", {"comments": list(comments)}))
    return read(SOURCE, *paths, options=options)


def speakers(reading: Reading) -> list[tuple[Any, ...]]:
    return reading.messages("message_id", "sender", "agent_id", "is_auto")


def test_comments_become_messages_and_the_description_comes_once(tmp_path: Path) -> None:
    reading = told(
        tmp_path,
        comment(1, 0, BUYER),
        comment(2, 1, BUYER),
        comment(3, 5, ANN),
        comment(4, 9, BUYER),
        comment(5, 20, BEN),
        comment(6, 30, BUYER),
    )
    assert speakers(reading) == [
        ("zd-ticket-7", "buyer", "21", "false"),
        ("zd-2", "buyer", "21", "false"),
        ("zd-3", "agent", "21", "false"),
        ("zd-4", "buyer", "22", "false"),
        ("zd-5", "agent", "22", "false"),
        ("zd-6", "buyer", "22", "false"),
    ]
    assert reading.messages("buyer_id", "conversation_id") == [("11", "7")] * 6
    assert reading.of("agents", "agent_id", "name") == [("21", "Ann"), ("22", "Ben")]
    assert reading.of("buyers", "buyer_id", "name", "phone") == [("11", "小明", "100")]


def test_tickets_alone_give_their_description(tmp_path: Path) -> None:
    reading = told(tmp_path)
    assert reading.messages("message_id", "sender", "text", "sent_at") == [
        ("zd-ticket-7", "buyer", "c1", "2026-03-02T04:00:00Z")
    ]


def test_ticket_opened_by_an_agent_for_a_buyer(tmp_path: Path) -> None:
    reading = told(tmp_path, about=ticket(submitter_id=ANN))
    assert reading.messages("sender", "agent_id", "buyer_id") == [("agent", "21", "11")]


def test_internal_comments_answer_nobody(tmp_path: Path) -> None:
    # An export may list the internal comment last; time decides.
    reading = told(
        tmp_path,
        comment(1, 0, BUYER),
        comment(3, 9, BEN),
        comment(2, 3, ANN, public=False),
    )
    assert speakers(reading) == [
        ("zd-ticket-7", "buyer", "22", "false"),
        ("zd-2", "system", None, "false"),
        ("zd-3", "agent", "22", "false"),
    ]


@pytest.mark.parametrize(
    ("author", "via", "expected"),
    [
        (ANN, {"channel": "rule", "source": {"rel": "trigger"}}, ("agent", "21", "true")),
        (ANN, {"channel": "api", "source": {"rel": "automation"}}, ("agent", "21", "true")),
        (-1, {"channel": "system"}, ("robot", "22", "true")),
        (-1, {"channel": "web"}, ("robot", "22", "true")),
        (99, {"channel": "answer_bot"}, ("robot", "22", "true")),
    ],
)
def test_rules_triggers_and_bots_are_automatic(
    tmp_path: Path, author: int, via: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    reading = told(
        tmp_path, comment(1, 0, BUYER), comment(2, 1, author, via=via), comment(3, 9, BEN)
    )
    assert reading.messages("sender", "agent_id", "is_auto") == [
        ("buyer", "22", "false"),
        expected,
        ("agent", "22", "false"),
    ]


def test_requester_is_the_buyer_even_when_an_agent(tmp_path: Path) -> None:
    about = ticket(requester_id=BEN, submitter_id=BEN)
    reading = told(tmp_path, comment(1, 0, BEN), comment(2, 4, ANN), about=about)
    assert reading.messages("sender", "buyer_id", "agent_id") == [
        ("buyer", "22", "21"),
        ("agent", "22", "21"),
    ]


def test_nobody_answered(tmp_path: Path) -> None:
    reading = told(tmp_path, comment(1, 0, BUYER), comment(2, 1, BUYER))
    assert reading.messages("sender", "agent_id") == [("buyer", None)] * 2


def test_buyer_option_and_external_id(tmp_path: Path) -> None:
    assert told(tmp_path, comment(1, 0, BUYER), buyer_id="name").messages("buyer_id") == [("小明",)]
    users = [{**USERS[0], "external_id": "u-1"}, *USERS[1:]]
    people = write_json(tmp_path / "users.json", {"users": users})
    reading = read(SOURCE, write_json(tmp_path / "t.json", {"tickets": [ticket()]}), people)
    assert reading.messages("buyer_id") == [("u-1",)]
    assert reading.of("buyers", "buyer_id") == [("u-1",)]


def test_unknown_authors_are_left_undecided_and_named(tmp_path: Path) -> None:
    comments = write_json(tmp_path / "c.json", {"comments": [comment(1, 0, 404)]})
    reading = read(SOURCE, comments)
    assert reading.messages("sender", "buyer_id") == [(None, None)]
    assert ["404" in note.text_en for note in reading.notes] == [True]


def test_answer_of_one_ticket_takes_its_number_from_the_file(tmp_path: Path) -> None:
    bare = {key: value for key, value in comment(1, 0, BUYER).items() if key != "ticket_id"}
    paths = [
        write_json(tmp_path / "ticket_7_comments.json", {"comments": [bare]}),
        write_json(tmp_path / "tickets.json", {"ticket": ticket(), "users": USERS}),
    ]
    reading = read(SOURCE, *paths)
    assert reading.messages("conversation_id", "buyer_id") == [("7", "11")]


def test_json_lines_of_records(tmp_path: Path) -> None:
    path = tmp_path / "dump.jsonl"
    found = [ticket(), comment(1, 0, BUYER), comment(2, 3, ANN), *USERS]
    path.write_text("\n".join(json.dumps(item) for item in found) + "\n{\n", encoding="utf-8")
    reading = read(SOURCE, path)
    assert reading.messages("message_id", "sender") == [("zd-ticket-7", "buyer"), ("zd-2", "agent")]
    assert [(reject.source_row, reject.reason) for reject in reading.rejects] == [
        (7, "unreadable_row")
    ]


def test_hand_over_from_history_and_audits(tmp_path: Path) -> None:
    history = tmp_path / "ticket_field_history.csv"
    history.write_text(
        "field_name,ticket_id,updated,user_id,value\n"
        "status,7,2026-03-02 04:00:00,,open\n"
        "assignee_id,7,2026-03-02 05:00:00,,22\n"
        "assignee_id,7,2026-03-02 04:00:00,,21\n",
        encoding="utf-8",
    )
    change = {"id": 5, "type": "Change", "field_name": "assignee_id"}
    audit = {
        "id": 4,
        "ticket_id": 8,
        "created_at": "2026-03-02T06:00:00Z",
        "events": [{**change, "previous_value": "21", "value": "22"}, {"id": 6, "type": "Comment"}],
    }
    audits = write_json(tmp_path / "audits.json", {"audits": [audit]})
    tickets = write_json(tmp_path / "t.json", {"tickets": [ticket(), ticket(8)]})
    reading = read(SOURCE, history, audits, tickets)
    assert reading.of("transfers", "buyer_id", "from_agent_id", "to_agent_id", "at") == [
        ("11", "21", "22", "2026-03-02 05:00:00"),
        ("11", "21", "22", "2026-03-02T06:00:00Z"),
    ]


def test_copied_tables_with_few_columns(tmp_path: Path) -> None:
    texts = {
        "ticket.csv": "id,created_at,requester_id\n7,2026-03-02 04:00:00,11\n",
        "user.csv": "id,role\n11,end-user\n21,agent\n",
        "ticket_comment.csv": "id,ticket_id,user_id,public,created\n"
        "1,7,11,TRUE,2026-03-02 04:00:00\n2,7,21,FALSE,2026-03-02 04:01:00\n"
        "3,7,21,TRUE,2026-03-02 04:02:30.500\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reading = read(SOURCE, tmp_path)
    assert reading.messages("sender", "agent_id", "sent_at") == [
        ("buyer", "21", "2026-03-02 04:00:00"),
        ("system", None, "2026-03-02 04:01:00"),
        ("agent", "21", "2026-03-02 04:02:30.500"),
    ]
    assert all(b.timezone == "UTC" for b in reading.batches if b.table == "messages")


def test_live_chat(tmp_path: Path) -> None:
    chat = "chat_id,ticket_id,user_id,visitor_id\nk,7,11,v\n"
    lines = [
        "chat_id,actor_id,created_at,type,message",
        "k,11,2026-03-02 04:00:00,ChatMessage,在吗",
        "k,__trigger,2026-03-02 04:00:01,ChatMessage,hello",
        "k,agent:21,2026-03-02 04:00:02,ChatJoin,",
        "k,agent:21,2026-03-02 04:00:30,ChatMessage,在的",
    ]
    (tmp_path / "ticket_chat.csv").write_text(chat, encoding="utf-8")
    (tmp_path / "ticket_chat_event.csv").write_text("\n".join(lines), encoding="utf-8")
    reading = read(SOURCE, tmp_path)
    assert reading.messages("buyer_id", "sender", "agent_id", "text") == [
        ("11", "buyer", "21", "在吗"),
        ("11", "robot", "21", "hello"),
        ("11", "agent", "21", "在的"),
    ]


def test_hours_said_as_a_setting() -> None:
    # Minutes from Sunday 00:00: Friday 22:00 to Saturday 02:00, and all Sunday.
    assert duty_hours([(8520, 8760), (0, 1440)], [])["weekly"] == {
        "sun": [["00:00", "24:00"]],
        "fri": [["22:00", "24:00"]],
        "sat": [["00:00", "02:00"]],
    }


def test_sample_tells_the_story(shared: Path) -> None:
    reading = read(SOURCE, shared / "formats/zendesk")
    found = [
        row for row in reading.of("messages", "sent_at", "sender", "text") if row[1] != "system"
    ]
    assert found == story_lines(story(shared), ("auto", "transfer", "recall"))
    assert not reading.rejects
    kinds = dict(reading.of("messages", "text", "kind"))
    assert kinds["[图片]"] == "image"
    assert kinds["https://item.example.com/item.htm?id=700000000001"] == "link"
    names = [agent["name"] for agent in story(shared)["agents"]]
    assert sorted(name for (name,) in reading.of("agents", "name")) == sorted(names)
    nicks = {buyer["nick"] for buyer in story(shared)["buyers"]}
    assert {name for (name,) in reading.of("buyers", "name")} == nicks
    agents = dict(reading.of("messages", "text", "agent_id"))
    assert [agents[text] for text in ("可以😊", "不要了 退款", "算了")] == ["8003", "8002", None]


def test_sample_notes_name_what_is_not_loaded(shared: Path) -> None:
    reading = read(SOURCE, shared / "formats/zendesk")
    names = {Path(note.source_file).name for note in reading.notes}
    assert names == {
        "satisfaction_ratings.json",
        "schedules.json",
        "ticket_metric_events.json",
        "ticket_metrics.json",
    }
    (hours,) = (note for note in reading.notes if "duty_hours" in note.text_en)
    assert '"mon": [["09:00", "17:00"]]' in hours.text_en
    assert "Beijing" in hours.text_en


def test_copied_seed_tables_are_all_recognised(shared: Path) -> None:
    reading = read(SOURCE, shared / "data/zendesk_seeds")
    senders = [sender for (sender,) in reading.of("messages", "sender")]
    assert (
        len(reading.of("messages", "message_id")) == 20 + 10 + 9
    )  # comments, tickets, chat messages
    assert senders.count("buyer") >= 10  # each ticket was opened by its requester
    assert reading.of("agents", "agent_id", "name") == [("1111", "Arthur Agent")]
    hours = [note.text_en for note in reading.notes if "duty_hours" in note.text_en]
    assert any("SupportCA" in text and '"fri"' in text for text in hours)
    # The one holiday table names a schedule that is not there.
    closed = '"exceptions": {"2022-12-26": [], "2022-12-27": [], "2022-12-29": []}'
    assert any(closed in text for text in hours)


def test_other_platforms_are_left_alone(shared: Path) -> None:
    folders = [shared / "formats" / name for name in ("chatwoot", "gorgias", "zammad", "intercom")]
    for file in open_paths([*folders, shared / "data/intercom_seeds", shared / "formats/jd"]):
        assert SOURCE.recognise(file) is None, file.name


def test_no_other_reader_takes_these_files(shared: Path) -> None:
    for folder in ("formats/zendesk", "data/zendesk_seeds"):
        found = recognise(open_paths([shared / folder]))
        assert [claim.source.name for claim in found.claims] == [SOURCE.name]
        assert not found.unrecognised
