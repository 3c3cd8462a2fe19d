"""Pages say what the API says, in every form, in both languages."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from fastapi import FastAPI

import jinpai
from jinpai.scoring.plan import load_plan
from jinpai.store import events_of
from web.conftest import Enter

JSON = {"accept": "application/json"}
FROM, TO = date(2026, 3, 8), date(2026, 3, 14)
PERIOD = "from=2026-03-08&to=2026-03-14"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def an_agent(app: FastAPI) -> str:
    roster = app.state.reader.roster("demo")
    return min(one for one in roster if roster[one]["team"])


def pages(app: FastAPI) -> list[str]:
    agent = quote(an_agent(app), safe="")
    return [
        f"/overview?{PERIOD}", f"/team?{PERIOD}", f"/agents/{agent}?{PERIOD}", f"/metrics?{PERIOD}",
        f"/metrics/first_response_seconds?{PERIOD}&agent={agent}", f"/conversations?{PERIOD}",
        "/metrics/sales_amount?grain=week&by=product", "/metrics/dispute_share?by=cause",
        "/people", "/audit", "/account",
    ]  # fmt: skip


def shown(html: str) -> str:
    """The words of a page in its own language: not the shop's names, not the other language's."""
    html = re.sub(r"<(script|style).*?</\1>", "", html, flags=re.S)
    html = re.sub(r'<(\w+)[^>]*\blang="(?:en|zh-CN)"[^>]*>.*?</\1>', "", html[200:], flags=re.S)
    return re.sub(r"<[^>]+>", " ", html)


def test_every_page_opens_in_both_languages_and_forms(enter: Enter, app: FastAPI) -> None:
    browser = enter("owner")
    for path in pages(app):
        mark = "&" if "?" in path else "?"
        for language in ("zh", "en"):
            answer = browser.get(f"{path}{mark}lang={language}")
            assert answer.status_code == 200, path
            assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text[:200]
        answer = browser.get(path, headers=JSON)
        assert answer.status_code == 200
        assert answer.json()["page"]


def test_english_pages_speak_no_chinese_of_their_own(enter: Enter, app: FastAPI) -> None:
    roster = app.state.reader.roster("demo")
    names = {an for one, row in roster.items() for an in (one, row["name"], row["team"] or "")}
    names |= {app.state.reader.shop_name("demo")}
    browser = enter("owner")
    for path in (f"/overview?{PERIOD}", f"/team?{PERIOD}", f"/metrics?{PERIOD}", "/account"):
        mark = "&" if "?" in path else "?"
        text = shown(browser.get(f"{path}{mark}lang=en").text)
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "")
        assert not CHINESE.search(text), (path, CHINESE.search(text))


def test_team_says_what_the_api_says(enter: Enter, shop: Path) -> None:
    codes = ["sales_amount", "first_response_seconds", "inquiry_buyers"]
    rows = jinpai.open(shop).ask(codes, by=["agent"], first=FROM, last=TO).rows
    wanted = {(row.grain["agent_id"], row.metric): row.value for row in rows}
    page = f"/team?{PERIOD}&team.cols={','.join(codes)}"
    answer = enter("owner").get(page, headers=JSON).json()
    names = {row["name"]: row for row in answer["tables"]["team"]["rows"]}
    assert len(names) == len({agent for agent, _ in wanted if agent})
    for (agent, code), value in wanted.items():
        if agent is not None:
            own = names[agent.split(":")[1]][code]
            assert own == (f"{value:.2f}" if code == "sales_amount" else value)


def test_the_tree_adds_up(enter: Enter) -> None:
    rows = enter("owner").get(f"/overview?{PERIOD}", headers=JSON).json()["tables"]["tree"]["rows"]
    now = {row["part"]: row["now"] for row in rows}
    effect = {row["part"]: float(row["before_effect"]) for row in rows}
    shop, agents, asked, *_ = now
    parts = list(now)
    assert float(now[shop]) == pytest.approx(
        sum(float(now[part]) for part in (agents, parts[-2], parts[-1])), abs=0.005
    )
    assert effect[asked] == pytest.approx(sum(effect[part] for part in parts[3:6]), abs=0.01)
    assert effect[agents] == pytest.approx(effect[asked] + effect[parts[6]], abs=0.01)


def test_a_figure_opens_to_rows_that_count_it_again(enter: Enter, app: FastAPI) -> None:
    agent = quote(an_agent(app), safe="")
    browser = enter("owner")
    path: str | None = f"/metrics/first_response_seconds?{PERIOD}&agent={agent}"
    found = browser.get(path, headers=JSON).json()
    rows, cursor = [], ""
    while True:
        part = browser.get(f"{path}&cursor={cursor}", headers=JSON).json()["tables"]["evidence"]
        rows += part["rows"]
        cursor = part["next"]
        if not cursor:
            break
    assert len(rows) == part["total"] == found["row_count"]
    waits = [row["wait_us"] for row in rows if row["in_numerator"]]
    assert sum(waits) / sum(row["in_denominator"] for row in rows) == pytest.approx(found["value"])


def test_a_cursor_of_another_state_is_refused(enter: Enter) -> None:
    browser = enter("owner")
    for cursor in ("nonsense", "NTAub3RoZXI", "%00"):
        answer = browser.get(f"/conversations?cursor={cursor}", headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "bad_request"


def test_a_browser_begins_a_list_anew_that_has_changed(enter: Enter) -> None:
    """Somebody who reads while a run is published clicks on the next page of the list before it."""
    browser = enter("owner")
    path = "/conversations?talks.sort=-messages&cursor=NTAub3RoZXI"
    answer = browser.get(path, headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/conversations?talks.sort=-messages")
    again = browser.get(path, headers={"accept": "text/html"}, follow_redirects=True)
    assert again.status_code == 200


@pytest.mark.parametrize(
    ("sort", "column"), [("-messages", "messages"), ("longest_us", "longest_us")]
)
def test_conversations_are_listed_in_the_order_asked_for(
    enter: Enter, sort: str, column: str
) -> None:
    path = f"/conversations?{PERIOD}&talks.sort={sort}"
    table = enter("owner").get(path, headers=JSON).json()["tables"]["talks"]
    values = [row[column] for row in table["rows"] if row[column] is not None]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert len(values) > 10


def test_a_conversation_shows_its_messages_and_what_was_bought(enter: Enter, shop: Path) -> None:
    workspace = jinpai.open(shop)
    with workspace.derived() as (engine, _, _):
        sql = (
            "select j.buyer_id, s.agent_id, s.day, j.order_id from judged_orders as j"
            " inner join sessions as s"
            " on s.buyer_id = j.buyer_id and s.agent_id = j.created_agent_id"
            " where j.created_at between s.started_at and s.ended_at and s.session_no = 0 limit 1"
        )
        row = engine.fetch("a sale", sql).to_pylist()[0]
    path = (
        f"/conversations/{quote(row['buyer_id'])}?agent={quote(row['agent_id'])}&day={row['day']}"
    )
    browser = enter("owner")
    found = browser.get(path, headers=JSON).json()
    assert len(found["messages"]) == sum(one["messages"] for one in found["sessions"])
    assert row["order_id"] in [one["order_id"] for one in found["orders"]]
    html = browser.get(path).text
    assert f"/orders/{row['order_id']}" in html
    assert html.count('class="jp-bubble"') == len(found["messages"])


def test_downloads_hold_what_the_table_shows(enter: Enter, app: FastAPI) -> None:
    browser = enter("owner")
    path = f"/team?{PERIOD}&team.cols=sales_amount,reply_rate&team.sort=reply_rate&table=team"
    text = browser.get(f"{path}&format=csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{path}&format=xlsx").content))
    sheet = [[cell.value for cell in row] for row in book.active.iter_rows()]
    found = browser.get(f"{path}&format=json").json()["rows"]
    assert rows[0] == sheet[0]
    assert len(rows) == len(sheet) == len(found) + 1
    for text_row, sheet_row, json_row in zip(rows[1:], sheet[1:], found, strict=True):
        assert text_row[0] == sheet_row[0] == json_row["name"]
        assert text_row[1] == f"{sheet_row[1]:.2f}" == json_row["sales_amount"]
        assert float(text_row[2]) == pytest.approx(sheet_row[2]) == json_row["reply_rate"]
    rates = [float(row[2]) for row in rows[1:]]
    assert rates == sorted(rates)
    with app.state.store.read() as session:
        assert events_of(session, limit=1)[0].kind == "table.exported"


def test_nothing_is_sent_again_that_the_browser_has(enter: Enter) -> None:
    browser = enter("owner")
    first = browser.get(f"/team?{PERIOD}")
    same = browser.get(f"/team?{PERIOD}", headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    for change in ({"accept": "application/json"}, {"cookie": "jinpai_theme=dark"}):
        headers = {"if-none-match": first.headers["etag"], **change}
        if "cookie" in change:
            headers["cookie"] = (
                f"{change['cookie']}; jinpai_session={browser.cookies['jinpai_session']}"
            )
        assert browser.get(f"/team?{PERIOD}", headers=headers).status_code == 200


def test_links_keep_what_is_looked_at(enter: Enter) -> None:
    html = enter("owner").get(f"/team?shop=demo&{PERIOD}&rule=payment").text
    links = re.findall(r'href="(/(?:agents|metrics|overview|conversations)[^"]*)"', html)
    assert len(links) > 20
    for link in links:
        for part in ("shop=demo", "from=2026-03-08", "to=2026-03-14", "rule=payment"):
            assert part in link, link


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-03-14&to=2026-03-08", 400), ("from=yesterday", 400), ("shop=other", 404),
        ("rule=mine", 404), ("format=pdf", 404), ("format=csv&table=other", 404),
        ("from=2031-01-01&to=2031-01-02", 200), ("team.cols=other&team.sort=-other", 200),
    ],
)  # fmt: skip
def test_odd_questions_are_answered_in_words(enter: Enter, query: str, status: int) -> None:
    browser = enter("owner")
    assert browser.get(f"/team?{query}").status_code == status
    answer = browser.get(f"/team?{query}", headers=JSON)
    assert answer.status_code == status
    if status >= 400:
        told = answer.json()["error"]
        assert set(told) == {"code", "message", "message_zh"}
        assert CHINESE.search(told["message_zh"])
        assert not CHINESE.search(told["message"])


def test_a_changed_plan_is_seen_at_once(enter: Enter, app: FastAPI, shop: Path) -> None:
    browser, path = enter("owner"), f"/agents/{quote(an_agent(app), safe='')}?{PERIOD}"
    assert browser.get(path, headers=JSON).json()["tables"]["score"]["rows"] == []
    shipped = files("jinpai.scoring").joinpath("plans", "starter.yaml").read_text("utf-8")
    plan = shop / "plans" / "mine.yaml"
    plan.parent.mkdir(exist_ok=True)
    try:
        plan.write_text(shipped, "utf-8")
        rows = browser.get(path, headers=JSON).json()["tables"]["score"]["rows"]
        assert len(rows) == len(load_plan(plan).indicators)
        for row in rows:
            wanted = None if row["score"] is None else row["score"] * row["weight"] / 100
            assert row["points"] == pytest.approx(wanted)
    finally:
        plan.unlink()
