"""The kinds of conversation that help desks are argued about, from API answers to figures.

One agent per scenario, so that every scenario has figures of its own. Expected values are worked
out by hand beside the messages. The shop's zone is Asia/Shanghai; duty is Monday to Friday, 09:00
to 17:00. 2026-03-02 is a Monday.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from line.driving import Shop

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
# Tuesday the 10th is a holiday; on Saturday the 14th the desk is open for two hours.
EXCEPTIONS = {"2026-03-10": [], "2026-03-14": [["10:00", "12:00"]]}
DUTY = json.dumps({"weekly": OFFICE, "exceptions": EXCEPTIONS})
CODES = (
    "rounds",
    "unanswered_rounds",
    "first_response_seconds",
    "avg_response_seconds",
    "avg_response_uncut_seconds",
    "first_response_duty_seconds",
    "avg_response_duty_seconds",
    "avg_response_all_seconds",
)
# (when, who, more fields): who is "in", "out", "bot", "note", "event", "csat"
Line = tuple[str, str, dict[str, Any]] | tuple[str, str]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def figures(shop: Shop, agent: str | None) -> list[Any]:
    """Return the agent's values in the order of CODES."""
    found = shop.values(CODES, ("agent",))
    return [found[code, agent] for code in CODES]


# -- Chatwoot ------------------------------------------------------------------------------------

FRIDAY, MONDAY = "2026-03-06", "2026-03-09"
CHATS: dict[str, list[Line]] = {
    # The bot speaks first. Its answers close nothing, except for the metric "any reply":
    # one round of 300 s; any reply: 2 s by the bot, then 240 s from 10:01 on, mean 121.
    "11": [
        ("2026-03-02 10:00:00", "in"),
        ("2026-03-02 10:00:02", "bot"),
        ("2026-03-02 10:01:00", "in"),
        ("2026-03-02 10:05:00", "out"),
    ],
    # Resolved, then opened again in the afternoon: two sessions, two rounds of 120 s and 30 s.
    "12": [
        ("2026-03-02 10:00:00", "in"),
        ("2026-03-02 10:02:00", "out"),
        ("2026-03-02 10:02:10", "event", {"content": "Conversation was resolved by Ann"}),
        ("2026-03-02 14:00:00", "in"),
        ("2026-03-02 14:00:01", "event", {"content": "Conversation was reopened"}),
        ("2026-03-02 14:00:30", "out"),
    ],
    # A run of three incoming messages is one round from its first: 60 s.
    "13": [
        ("2026-03-02 11:00:00", "in"),
        ("2026-03-02 11:00:20", "in"),
        ("2026-03-02 11:00:40", "in"),
        ("2026-03-02 11:01:00", "out"),
        ("2026-03-02 11:01:05", "out"),
    ],
    # The agent writes first; waiting begins with the buyer's words: 40 s.
    "14": [
        ("2026-03-02 12:00:00", "out"),
        ("2026-03-02 12:03:00", "in"),
        ("2026-03-02 12:03:40", "out"),
    ],
    # Neither a private note, nor automation, nor a deleted message, nor the survey is an answer:
    # one round of 150 s; any reply: the automation after 3 s (the round is closed, and no other
    # message of the buyer opens one).
    "15": [
        ("2026-03-02 13:00:00", "in"),
        ("2026-03-02 13:00:03", "out", {"content_attributes": {"automation_rule_id": 7}}),
        ("2026-03-02 13:00:20", "note"),
        ("2026-03-02 13:01:00", "out", {"content_attributes": {"deleted": True}}),
        ("2026-03-02 13:02:30", "out"),
        ("2026-03-02 13:03:00", "csat"),
    ],
    # Over the weekend: Friday 16:59:00 to Monday 09:01:30 is 2 d 16 h 2 min 30 s = 230 550 s, late;
    # on duty 60 s on Friday and 90 s on Monday, 150 s.
    "16": [(f"{FRIDAY} 16:59:00", "in"), (f"{MONDAY} 09:01:30", "out")],
    # Over a holiday: Monday 16:50 to Wednesday 09:10 is 145 200 s; on duty 600 s and 600 s.
    "17": [("2026-03-09 16:50:00", "in"), ("2026-03-11 09:10:00", "out")],
    # An ordinary Saturday: answered after 300 s, none of them on duty: left out there.
    "18": [("2026-03-07 12:00:00", "in"), ("2026-03-07 12:05:00", "out")],
    # The Saturday with hours of its own: closed at 12:00, so 120 of 240 s.
    "19": [("2026-03-14 11:58:00", "in"), ("2026-03-14 12:02:00", "out")],
}
# agent -> values in the order of CODES
CHATWOOT = {
    "11": [1, 0, 300, 300, 300, 300, 300, 121],
    "12": [2, 0, 75, 75, 75, 75, 75, 75],
    "13": [1, 0, 60, 60, 60, 60, 60, 60],
    "14": [1, 0, 40, 40, 40, 40, 40, 40],
    "15": [1, 0, 150, 150, 150, 150, 150, 3],
    "16": [1, 1, None, None, 230_550, 150, 150, 230_550],
    "17": [1, 1, None, None, 145_200, 1200, 1200, 145_200],
    "18": [1, 0, 300, 300, 300, None, None, 300],
    "19": [1, 0, 240, 240, 240, 120, 120, 240],
}


def chatwoot_message(number: int, chat: int, agent: str, line: Line) -> dict[str, Any]:
    when, who = line[0], line[1]
    kind = {"in": 0, "out": 1, "bot": 1, "note": 1, "event": 2, "csat": 3}[who]
    message: dict[str, Any] = {
        "id": number,
        "content": f"words {number}",
        "inbox_id": 1,
        "conversation_id": chat,
        "message_type": kind,
        "content_type": "input_csat" if who == "csat" else "text",
        "status": "sent",
        "content_attributes": {},
        "created_at": int(moment(when).timestamp()),
        "private": who == "note",
        "source_id": None,
    }
    senders = {
        "in": {"id": 500 + chat, "name": f"Buyer {chat}", "type": "contact"},
        "out": {"id": int(agent), "name": f"Agent {agent}", "type": "user"},
        "bot": {"id": 3, "name": "Robo", "type": "agent_bot"},
    }
    if who in ("in", "out", "bot", "note"):
        message["sender"] = senders["out" if who == "note" else who]
    return message | (line[2] if len(line) == 3 else {})


def chatwoot_answer(chat: int, agent: str, lines: Sequence[Line]) -> dict[str, Any]:
    contact = {"id": 500 + chat, "name": f"Buyer {chat}", "type": "contact"}
    payload = [
        chatwoot_message(chat * 100 + place, chat, agent, line)
        for place, line in enumerate(lines, start=1)
    ]
    return {"meta": {"labels": [], "contact": contact}, "payload": payload}


@pytest.fixture(scope="module")
def chatwoot(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("chatwoot")
    answers = [
        chatwoot_answer(chat, agent, lines) for chat, (agent, lines) in enumerate(CHATS.items(), 1)
    ]
    # Never answered: belongs to nobody. And one where only the agent wrote: nothing to answer.
    answers.append(chatwoot_answer(50, "0", [("2026-03-02 15:00:00", "in")]))
    answers.append(chatwoot_answer(51, "20", [("2026-03-02 15:00:00", "out")]))
    exports = root / "exports"
    exports.mkdir()
    for place, answer in enumerate(answers):
        (exports / f"messages_{place}.json").write_text(json.dumps(answer), encoding="utf-8")
    shop = Shop(root / "shop")
    shop.set("duty_hours", DUTY)
    assert shop.load(exports)["total"]["rejected"] == 0
    shop.run()
    return shop


@pytest.mark.parametrize("agent", CHATWOOT)
def test_chatwoot(chatwoot: Shop, agent: str) -> None:
    assert figures(chatwoot, agent) == CHATWOOT[agent]


def test_chatwoot_unanswered_and_unasked(chatwoot: Shop) -> None:
    found = chatwoot.values([*CODES, "received_buyers", "reply_rate"], ("agent",))
    assert (found["rounds", None], found["unanswered_rounds", None]) == (1, 1)
    assert (found["received_buyers", None], found["reply_rate", None]) == (1, 0)
    assert found.get(("rounds", "20"), 0) == 0
    assert found.get(("received_buyers", "20"), 0) == 0


# -- Zendesk -------------------------------------------------------------------------------------

# ticket -> (who opened it, comments): who is the agent's id, or "in"; "note" is an internal comment
TICKETS: dict[str, list[tuple[str, str]]] = {
    # Calendar against business minutes: Friday 16:30 to Monday 10:00 is 65.5 h = 235 800 s by the
    # calendar, 30 + 60 minutes = 5400 s by the schedule.
    "21": [("2026-03-06 16:30:00", "in"), ("2026-03-09 10:00:00", "out")],
    # With the holiday: Monday 16:00 to Wednesday 10:00 is 151 200 s; 3600 + 3600 s by the schedule.
    "22": [("2026-03-09 16:00:00", "in"), ("2026-03-11 10:00:00", "out")],
    # An internal note is no reply; the second question has a round of its own:
    # 240 s and 60 s, mean 150; both in one session (no gap of 600 s), so the first response is 240.
    "23": [
        ("2026-03-03 09:00:00", "in"),
        ("2026-03-03 09:01:00", "note"),
        ("2026-03-03 09:04:00", "out"),
        ("2026-03-03 09:08:00", "in"),
        ("2026-03-03 09:09:00", "out"),
    ],
    # Opened by the agent on the customer's behalf: waiting begins with the customer's words, 90 s.
    "24": [
        ("2026-03-03 11:00:00", "out"),
        ("2026-03-03 11:02:00", "in"),
        ("2026-03-03 11:03:30", "out"),
    ],
    # Asked on a Sunday evening and answered the same evening: 120 s, none in the schedule.
    "25": [("2026-03-08 20:00:00", "in"), ("2026-03-08 20:02:00", "out")],
}
ZENDESK = {
    "21": [1, 1, None, None, 235_800, 5400, 5400, 235_800],
    "22": [1, 1, None, None, 151_200, 7200, 7200, 151_200],
    "23": [2, 0, 240, 150, 150, 240, 150, 150],
    "24": [1, 0, 90, 90, 90, 90, 90, 90],
    "25": [1, 0, 120, 120, 120, None, None, 120],
}


def zendesk_files(folder: Path) -> Path:
    """Write tickets, comments, users and the schedule as the API answers them."""
    folder.mkdir()
    tickets, comments = [], []
    users = [{"id": int(agent), "name": f"Agent {agent}", "role": "agent"} for agent in TICKETS]
    for agent, lines in TICKETS.items():
        ticket, buyer = 3000 + int(agent), 9000 + int(agent)
        users.append({"id": buyer, "name": f"Buyer {buyer}", "role": "end-user"})
        for place, (when, who) in enumerate(lines):
            author = buyer if who == "in" else int(agent)
            at = moment(when).astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")
            comment: dict[str, Any] = {"id": ticket * 10 + place, "ticket_id": ticket}
            comment |= {"author_id": author}
            comment |= {"body": f"words {place}", "public": who != "note", "attachments": []}
            comments.append(comment | {"via": {"channel": "chat"}, "created_at": at})
            if place == 0:
                opened: dict[str, Any] = {"id": ticket, "created_at": at}
                opened |= {"description": "words 0"}
                opened |= {"requester_id": buyer, "submitter_id": author}
                tickets.append(opened | {"assignee_id": int(agent), "via": {"channel": "chat"}})
    # Minutes from Sunday 00:00: Monday to Friday 09:00 to 17:00.
    office = [
        {"start_time": day * 1440 + 540, "end_time": day * 1440 + 1020} for day in range(1, 6)
    ]
    schedule = {"id": 1, "name": "Office", "time_zone": "Beijing", "intervals": office}
    for name, rows in {
        "tickets": tickets,
        "comments": comments,
        "users": [user | {"email": f"{user['id']}@example.com"} for user in users],
        "schedules": [schedule],
    }.items():
        (folder / f"{name}.json").write_text(json.dumps({name: rows}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def zendesk(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("zendesk")
    shop = Shop(root / "shop")
    report = shop.load(zendesk_files(root / "exports"))
    assert report["total"]["rejected"] == 0
    # The import says how the desk's own schedule is put in force; the holiday is the user's to add.
    said = next(note["en"] for note in report["notes"] if "duty_hours" in note["en"])
    duty_hours = re.search(r"set duty_hours '(.*)'", said)
    assert duty_hours is not None, said
    duty = json.loads(duty_hours[1])
    assert duty["weekly"] == OFFICE
    shop.set("duty_hours", json.dumps(duty | {"exceptions": EXCEPTIONS}))
    shop.run()
    return shop


@pytest.mark.parametrize("agent", ZENDESK)
def test_zendesk(zendesk: Shop, agent: str) -> None:
    assert figures(zendesk, agent) == ZENDESK[agent]
