"""A judge over an endpoint: a server of our own that answers well, badly, slowly or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jinpai.cli import main
from jinpai.errors import UsageError
from jinpai.quality.endpoint import Budget, EndpointScorer, JudgeFailed
from jinpai.quality.examples import Example, Turn

CLASSES = ("negative", "positive")


def good(label: str, tokens: int = 7) -> bytes:
    content = json.dumps({"label": label})
    said = {"choices": [{"message": {"content": content}}], "usage": {"total_tokens": tokens}}
    return json.dumps(said).encode()


class Server(ThreadingHTTPServer):
    """Gives the answers it was told to, the last one again and again."""

    answers: list[tuple[int, bytes]]
    asked: list[dict[str, Any]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(json.loads(body))
        answers = self.server.answers
        status, data = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.answers, made.asked = [(200, good("negative"))], []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def scorer(server: Server, **more: Any) -> EndpointScorer:
    pauses: list[float] = []
    return EndpointScorer(server.url, "m", "sentiment", CLASSES, sleep=pauses.append, **more)


def item(text: str) -> Example:
    return Example((Turn("buyer", text),), 1)


def test_it_asks_and_hears(server: Server) -> None:
    made = scorer(server)
    assert made.scores([item("太差了")]).tolist() == [[1.0, 0.0]]
    [asked] = server.asked
    assert asked["messages"][1]["content"] == "buyer: 太差了"
    schema = asked["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["label"]["enum"] == list(CLASSES)
    assert (made.budget.used_calls, made.budget.used_tokens) == (1, 7)


def test_nothing_personal_leaves(server: Server) -> None:
    scorer(server, names=frozenset({"小雨"})).scores([item("小雨，电话13812345678")])
    [asked] = server.asked
    assert asked["messages"][1]["content"] == "buyer: [姓名]，电话[手机号]"


def test_what_masks_missed_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jinpai.quality.endpoint.unnamed", lambda text, names=(): text)
    with pytest.raises(UsageError, match="still holds personal data"):
        scorer(server).scores([item("电话13812345678")])
    assert server.asked == []


def test_what_may_pass_is_asked_again(server: Server) -> None:
    server.answers = [(503, b""), (429, b""), (200, good("positive"))]
    pauses: list[float] = []
    made = EndpointScorer(server.url, "m", "sentiment", CLASSES, sleep=pauses.append)
    assert made.scores([item("好")]).tolist() == [[0.0, 1.0]]
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize("refusal", [400, 422, 500])
def test_the_other_form_of_schemas_is_tried_and_kept(server: Server, refusal: int) -> None:
    server.answers = [(refusal, b""), (200, good("positive"))]
    made = scorer(server)
    made.scores([item("好")])
    server.answers = [(200, good("positive"))]
    made.scores([item("很好")])
    forms = [asked["response_format"]["type"] for asked in server.asked]
    assert forms == ["json_schema", "json_object", "json_object"]
    assert server.asked[1]["response_format"]["schema"]["required"] == ["label"]


@pytest.mark.parametrize(
    ("status", "answer", "times"),
    [
        (400, b"", 2),
        (401, b"", 1),
        (500, b"", 3),
        (200, b"", 3),
        (200, b"not json", 3),
        (200, b"[" * 100_000, 3),
        (200, b"null", 3),
        (200, b'{"choices": []}', 3),
        (200, b'{"choices": [{"message": {"content": null}}]}', 3),
        (200, good("neutral"), 3),
        (200, good("negative").replace(b"negative", b"negative "), 3),
        (200, b'{"usage": {"total_tokens": "many"}}', 3),
        (200, b" " * (2 << 20), 3),
        (302, b"", 1),
    ],
)
def test_bad_answers(server: Server, status: int, answer: bytes, times: int) -> None:
    server.answers = [(status, answer)]
    with pytest.raises(JudgeFailed, match=f"asked {times} times"):
        scorer(server, retries=2).scores([item("好")])
    assert len(server.asked) == times


def test_nobody_there() -> None:
    made = EndpointScorer(
        "http://127.0.0.1:9/v1", "m", "sentiment", CLASSES, retries=1, sleep=lambda _: None
    )
    with pytest.raises(JudgeFailed, match="ConnectError"):
        made.scores([item("好")])


def test_a_budget_of_calls_and_tokens(server: Server, tmp_path: Path) -> None:
    made = scorer(server, budget=Budget(calls=2), cache=tmp_path / "kept")
    with pytest.raises(UsageError, match="2 of 2 calls"):
        made.scores([item(text) for text in "一二三"])
    # What was answered is known: with one more call the three are judged.
    again = scorer(server, budget=Budget(calls=1), cache=tmp_path / "kept")
    assert again.scores([item(text) for text in "一二三"]).shape == (3, 2)
    assert len(server.asked) == 3
    server.answers = [(200, good("negative", 5000))]
    with pytest.raises(UsageError, match="tokens"):
        scorer(server, budget=Budget(tokens=5000)).scores([item("四"), item("五")])


def test_by_command(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "items.jsonl"
    rows = [{"id": str(n), "text": "好", "labels": {"s": name}} for n, name in enumerate(CLASSES)]
    data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    asked = ["--task", "sentiment", "--data", str(data), "--label", "item.s"]
    with pytest.raises(SystemExit) as ended:
        main(["qc", "eval", *asked, "--judge", server.url, "--model-name", "x", "--format", "json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0.5
    assert server.asked[0]["model"] == "x"
