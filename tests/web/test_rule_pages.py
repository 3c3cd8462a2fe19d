"""Rules tested and edited in the browser: the figures of the API, nothing saved unasked."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.jobs.batches import FOLDER
from jinpai.jobs.worker import Worker
from jinpai.quality.book import load_book
from jinpai.quality.names import RULES_FILE
from jinpai.store import events_of
from web.conftest import Enter

JSON = {"accept": "application/json"}
NEW = """
hurries:
  zh: 催人
  en: Hurries
  group: wording
  points: 2
  when: {sequence: 'A A'}
  reason_zh: 连发两条
  reason_en: Two in a row
  breaks: [B 在吗, A 在的, A 要买吗]
  keeps: [B 在吗, A 在的]
"""


def token(browser: TestClient) -> str:
    return browser.get("/account").text.split('<meta name="csrf" content="')[1].split('"')[0]


def post(browser: TestClient, path: str, **fields: Any) -> Any:
    return browser.post(path, data={"csrf": token(browser), **fields})


def worked(shop: Path) -> int:
    """Let a worker do what waits; returns how much that was."""
    worker = Worker(shop)
    try:
        return worker.drain()
    finally:
        worker.close()


@pytest.fixture
def own(shop: Path) -> Iterator[Path]:
    """The workspace's own rules: none before and none afterwards."""
    file = shop / RULES_FILE
    assert not file.exists()
    yield file
    file.unlink(missing_ok=True)


def labelled(waits: dict[int, bool]) -> bytes:
    """A dialogue for each wait in seconds, labelled whether the first answer took too long."""
    lines = []
    for wait, is_slow in waits.items():
        turns = [
            {"role": "buyer", "text": "在吗", "sent_at": "2026-03-01T10:00:00Z"},
            {"role": "agent", "text": "在的亲", "sent_at": f"2026-03-01T10:00:{wait:02}Z"},
        ]
        labels = {"rules": ["ignored"] if is_slow else []}
        lines.append(json.dumps({"dialogue_id": str(wait), "turns": turns, "labels": labels}))
    return "\n".join(lines).encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_labelled_file_says_how_right_the_rules_are(enter: Enter, shop: Path, pack: Any) -> None:
    browser = enter("inspector")
    file = pack(labelled({5: False, 15: True, 22: False, 30: True, 50: True}))
    place = browser.post(
        "/rule-tests/file",
        data={"csrf": token(browser), "curve": "ignored.seconds"},
        files={"file": ("mine.jsonl", file)},
    ).headers["location"]
    assert "data-job-events" in browser.get(place).text
    assert worked(shop) == 1
    assert not list((shop / FOLDER).iterdir())  # the file is not kept
    tables = browser.get(place, headers=JSON).json()["tables"]
    (row,) = [one for one in tables["figures"]["rows"] if one["right"] == 2]
    # Above 20 s it finds 22, 30 and 50: two of them rightly, and misses the 15.
    assert (row["wrong"], row["missed"]) == (1, 1)
    assert (row["precision"], row["recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    by_value = {one["value"]: one for one in tables["points"]["rows"]}
    # A quarter of 20 s finds four (5 is not above 5), three of them rightly.
    assert (by_value[5]["right"], by_value[5]["wrong"], by_value[5]["missed"]) == (3, 1, 0)
    assert (by_value[40]["right"], by_value[40]["wrong"], by_value[40]["missed"]) == (1, 0, 2)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_file_that_is_none_is_refused(enter: Enter, shop: Path, language: str) -> None:
    browser = enter("owner")
    answer = browser.post(
        "/rule-tests/file",
        data={"csrf": token(browser)},
        files={"file": ("<b>mine</b>.jsonl", b"nonsense")},
    )
    worked(shop)
    page = browser.get(f"{answer.headers['location']}?lang={language}")
    assert "labelled.jsonl" in page.text
    assert "<b>mine" not in page.text
    assert tempfile.gettempdir() not in page.text
    assert not list((shop / FOLDER).iterdir())


def test_a_file_that_would_grow_is_refused(enter: Enter, shop: Path) -> None:
    browser = enter("owner")

    def sent(file: bytes) -> Any:
        files = {"file": ("x.jsonl.gz", file)}
        return browser.post("/rule-tests/file?lang=en", data={"csrf": token(browser)}, files=files)

    large = sent(bytes(33 << 20))
    assert (large.status_code, "The file is larger than 32 MB" in large.text) == (400, True)
    grows = sent(gzip.compress(bytes(257 << 20), 1)).headers["location"]
    worked(shop)
    assert "The file is larger than 256 MB" in browser.get(f"{grows}?lang=en").text


def test_the_rulings_test_the_rules(enter: Enter, shop: Path) -> None:
    browser = enter("owner")
    path = "/findings?from=2026-03-01&to=2026-03-14&code=ignored&findings.cols=finding_id"
    rows = browser.get(path, headers=JSON).json()["tables"]["findings"]["rows"]
    for row, verdict in zip(rows[-2:], ("right", "wrong"), strict=True):
        post(browser, f"/findings/{row['finding_id']}/rulings", verdict=verdict)
    place = "/rule-tests?curve=ignored.seconds&lang=en"
    assert post(browser, place).status_code == 303
    assert worked(shop) == 1
    told = browser.get(place, headers=JSON).json()
    (row,) = [r for r in told["tables"]["figures"]["rows"] if r["rule"] == "Ignores the buyer"]
    assert row["right"] >= 1
    assert row["wrong"] >= 1
    assert row["recall"] is None  # rulings say nothing of what was not found
    assert told["tables"]["points"]["rows"]
    assert browser.get("/rule-tests?curve=none.seconds").status_code == 404


def test_rules_are_looked_over_and_tried_without_being_saved(
    enter: Enter, own: Path, shop: Path
) -> None:
    browser = enter("inspector")
    told = {
        "x: 3": "write CODE",
        "ignored: {settings: {secs: 3": "rules.yaml",
        "x: 2026-99-99": "month must be in",
        NEW.replace("A A", "agree .*"): "position 1",
        NEW.replace("A 要买吗]", "B 要买]"): "The example that should show it does not",
        NEW: "and both examples of each hold",
        "ignored: {settings: {seconds: 60}}": "and both examples of each hold",
    }
    for text, said in told.items():
        answer = post(browser, "/rule-editor/check?lang=en", text=text)
        assert (answer.status_code, said in answer.text) == (200, True), text
    wrong = post(browser, "/rule-editor/diff?lang=en", text="x: 3")
    assert (wrong.status_code, "write CODE" in wrong.text) == (200, True)
    place = post(browser, "/rule-editor/diff", text="ignored: {drop: true}").headers["location"]
    assert worked(shop) == 1
    found = browser.get(f"{place}?lang=en", headers=JSON).json()["tables"]
    part = browser.get(f"{place}?lang=en", headers={"hx-target": "diff"}).text
    assert "<html" not in part
    (row,) = found["rules"]["rows"]
    assert (row["rule"], row["after"], row["gained"]) == ("Ignores the buyer", 0, 0)
    assert row["before"] == row["lost"] > 0
    assert all(one["score_after"] >= one["score"] for one in found["agents"]["rows"])
    assert not own.exists()


def test_rules_are_saved_with_their_audit_entry(
    enter: Enter, own: Path, shop: Path, app: FastAPI
) -> None:
    browser = enter("owner")

    def seen() -> str:
        return browser.get("/rule-editor").text.split('name="seen" value="')[1].split('"')[0]

    first = seen()
    assert post(browser, "/rule-editor", seen=first, text="x: 3").status_code == 400
    assert not own.exists()
    assert post(browser, "/rule-editor", seen=first, text=NEW).status_code == 303
    assert "hurries" in {rule.code for rule in load_book(shop).rules}
    with app.state.store.read() as session:
        event = events_of(session, f"rules:{RULES_FILE}")[0]
    assert (event.actor, event.before["text"]) == ("owner", "")
    late = post(browser, "/rule-editor", seen=first, text=NEW.replace("points: 2", "points: 9"))
    assert late.status_code == 409
    assert "points: 9" in late.text  # what was typed is not lost
    assert "points: 9" not in own.read_text("utf-8")
    assert post(browser, "/rule-editor", seen=seen(), text="").status_code == 303


def test_training_cases_are_masked_and_go_as_a_file(enter: Enter, shop: Path) -> None:
    browser, path = enter("inspector"), "/cases?code=ignored&n=1&from=2026-03-01&to=2026-03-14"
    assert browser.get(path.replace("/cases?", "/cases/pack?")).status_code == 404
    assert post(browser, path).status_code == 303
    assert worked(shop) == 1
    (lesson,) = browser.get(path, headers=JSON).json()["lessons"]
    assert (lesson["rule"], len(lesson["bad"])) == ("ignored", 1)
    assert any(message["is_evidence"] for message in lesson["bad"][0]["messages"])
    page = browser.get(f"{path}&lang=en").text
    assert page.count('class="jp-bubble"') == sum(
        len(one["messages"]) for one in (*lesson["bad"], *lesson["good"])
    )
    pack = browser.get(path.replace("/cases?", "/cases/pack?"))
    assert pack.headers["content-disposition"].startswith("attachment;")
    assert "<html" in pack.text
    assert "<script" not in pack.text
    assert browser.get("/cases?n=99").status_code == 400
    assert browser.get("/cases?n=1&code=none").status_code == 404
    assert browser.get("/cases?lang=en").status_code == 200


def test_a_trial_is_for_those_who_may_ask_for_it(enter: Enter, shop: Path) -> None:
    """Settings are the owner's: an inspector learns nothing of what was tried of them."""
    owner, inspector = enter("owner"), enter("inspector")
    post(owner, "/settings/preview", name="session_gap", value="20 min")
    number = owner.get("/jobs", headers=JSON).json()["tables"]["jobs"]["rows"][0]["id"]
    for path in (f"/trials/{number}", f"/trials/{number}/events", "/trials/99999"):
        assert inspector.get(path).status_code == 404
    assert post(inspector, f"/trials/{number}/cancel").status_code == 404
    assert owner.get(f"/trials/{number}").headers["location"].startswith("/settings/preview?")
    assert post(owner, f"/trials/{number}/cancel").status_code == 303
    assert worked(shop) == 0
    place = owner.get(f"/trials/{number}").headers["location"]
    assert owner.get(place, headers=JSON).json()["trial"]["state"] == "cancelled"
