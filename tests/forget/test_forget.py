"""Forgetting a buyer: gone from every file, sums as they were, and not brought back."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from jinpai.cli import main
from jinpai.errors import UnknownName, UsageError
from jinpai.forget.erase import forget_buyer
from jinpai.forget.known import PREFIX, load
from jinpai.jobs.batches import new_batch
from jinpai.jobs.work import folder_of
from jinpai.store import Store, events_of, log_event, open_store
from jinpai.store.events import Event
from jinpai.store.jobs import Kind, add_job, finish
from jinpai.workspace import Workspace, init

# Her account, her name and phone, and words that only she and her agent wrote.
GONE = ("tb_lihong88", "李红霞", "13912345678", "青石巷", "conv-lihong", "亲爱的李女士", "给妈妈")
STAYS = "wangwei_77"
FILES = {
    "buyers.csv": """buyer_id,name,phone
tb_lihong88,李红霞,13912345678
wangwei_77,王伟,13700001111
""",
    # Two messages of hers in one second without an id, one that the settings know as automatic.
    "messages.csv": """conversation_id,buyer_id,agent_id,sent_at,sender,text
conv-lihong,tb_lihong88,店:小美,2026-03-02 10:00:00,buyer,这件衣服有L码吗
conv-lihong,tb_lihong88,店:小美,2026-03-02 10:00:00,buyer,寄到青石巷12号
conv-lihong,tb_lihong88,店:小美,2026-03-02 10:00:01,agent,您好，客服马上就来
conv-lihong,tb_lihong88,店:小美,2026-03-02 10:00:21,agent,亲爱的李女士，有的
c2,wangwei_77,店:小美,2026-03-02 11:00:00,buyer,在吗
c2,wangwei_77,店:小美,2026-03-02 11:00:08,agent,在的
""",
    "orders.csv": """order_id,buyer_id,created_at,paid_at,payable_amount,paid_amount,note
1001,tb_lihong88,2026-03-02 10:05:00,2026-03-02 10:06:00,88.00,88.00,给妈妈的礼物
1002,wangwei_77,2026-03-02 11:05:00,2026-03-02 11:06:00,12.50,12.50,
""",
    "reviews.csv": """review_id,order_id,posted_at,rating,text
r1,1001,2026-03-05 09:00:00,good,青石巷很快就收到了
r2,1002,2026-03-05 09:00:00,good,好
""",
    "refunds.csv": """refund_id,order_id,opened_at,amount,reason
f1,1001,2026-03-06 09:00:00,8.00,李红霞说有线头
""",
    # A row that cannot be loaded: its time is none.
    "more/messages.csv": """conversation_id,buyer_id,agent_id,sent_at,sender,text
conv-lihong,tb_lihong88,店:小美,昨天,buyer,我是李红霞
""",
}
METRICS = ["sales_amount", "inquiry_buyers", "first_response_seconds", "avg_response_seconds"]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def made_once(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of two buyers, computed, with an event, old settings and a cache that name one."""
    made = init(tmp_path_factory.mktemp("s") / "shop", shop_id="s1", name="店", platform="taobao")
    made.config.set("auto_reply_texts", ["您好，客服马上就来"])
    made.config.set("excluded_buyers", ["somebody", "tb_lihong88"])
    made.config.set("excluded_buyers", ["somebody"])
    made.import_files([exports])
    made.run()
    with open_store(made.config) as store, store.write() as session:
        log_event(
            session,
            actor="lan",
            kind="chat.unmasked",
            subject="buyer:s1:tb_lihong88",
            after={"reason": "tb_lihong88 改地址"},
        )
    (made.root / "cache").mkdir()
    (made.root / "cache" / "one.arrow").write_bytes(b"tb_lihong88")
    return made.root


@pytest.fixture
def shop(made_once: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made_once, tmp_path / "shop")
    return Workspace(tmp_path / "shop")


def bytes_of(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a workspace, Parquet files with all their columns written out."""
    for path in sorted(root.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.ParquetFile(path).read()
            yield path.name, "\n".join(map(repr, table.to_pylist())).encode()
        elif path.is_file():
            yield path.name, path.read_bytes()


def telling(root: Path, words: tuple[str, ...] = GONE) -> set[tuple[str, str]]:
    """Return (word, file) of all files that still hold one of the words."""
    return {
        (word, name)
        for name, held in bytes_of(root)
        for word in words
        if word.encode() in held or word.encode("gb18030") in held
    }


def figures(shop: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.metrics(METRICS, by=["agent"]).to_pylist()
    return [{key: row[key] for key in row if key != "settings_id"} for row in found]


def test_nothing_of_the_buyer_is_left_and_the_sums_stay(shop: Workspace) -> None:
    before = figures(shop)
    assert {word for word, _ in telling(shop.root)} == set(GONE)
    done = forget_buyer(shop, "tb_lihong88", actor="lan")
    assert done.rows == {"buyers": 1, "messages": 4, "orders": 1, "reviews": 1, "refunds": 1}
    assert (done.rejects, done.settings, done.left) == (1, True, [])
    assert done.store == {"events": 1}
    assert done.name.startswith(PREFIX)
    assert telling(shop.root) == set()
    assert {word for word, _ in telling(shop.root, (STAYS,))} == {STAYS}
    again = Workspace(shop.root)
    assert figures(again) == before
    rows = again.lake.rejects().to_pylist()
    assert [(row["reason"], row["raw"]) for row in rows] == [("unreadable_time", None)]


def test_the_same_files_do_not_bring_the_buyer_back(shop: Workspace, exports: Path) -> None:
    before = figures(shop)
    forget_buyer(shop, "tb_lihong88")
    report = Workspace(shop.root).import_files([exports]).report
    counts = {name: (one.inserted, one.replaced) for name, one in report.tables.items()}
    assert counts == dict.fromkeys(counts, (0, 0))
    again = Workspace(shop.root)
    again.run()
    assert telling(shop.root) == set()
    assert figures(again) == before


def test_later_rows_of_the_buyer_come_in_as_nobodys(shop: Workspace, tmp_path: Path) -> None:
    done = forget_buyer(shop, "tb_lihong88")
    more = tmp_path / "later"
    more.mkdir()
    (more / "orders.csv").write_text(
        "order_id,buyer_id,created_at,paid_at,payable_amount,paid_amount,note\n"
        "1003, tb_lihong88 ,2026-03-09 10:05:00,2026-03-09 10:06:00,20.00,20.00,青石巷\n",
        "utf-8",
    )
    (more / "reviews.csv").write_text(
        "review_id,order_id,posted_at,rating,text\nr3,1001,2026-03-09 09:00:00,bad,青石巷不好\n",
        "utf-8",
    )
    again = Workspace(shop.root)
    again.import_files([more])
    assert telling(shop.root) == set()
    with duckdb.connect() as con:
        again.lake.snapshot().register(con, ["orders"])
        sql = "SELECT order_id FROM orders WHERE buyer_id = ? ORDER BY 1"
        assert con.execute(sql, [done.name]).fetchall() == [("1001",), ("1003",)]


def test_a_dry_run_changes_nothing(shop: Workspace) -> None:
    before = sorted(bytes_of(shop.root))
    done = forget_buyer(shop, "tb_lihong88", dry_run=True)
    assert done.dry_run
    assert done.rows == {"buyers": 1, "messages": 4, "orders": 1, "reviews": 1, "refunds": 1}
    assert done.store == {"events": 1}
    assert sorted(bytes_of(shop.root)) == before


def test_what_was_sent_up_and_what_jobs_kept_goes_at_once(shop: Workspace, exports: Path) -> None:
    """Of the buyer, and what cannot be searched or can be worked out again; not others' files."""
    text = FILES["orders.csv"]
    others = "\n".join(line for line in text.splitlines() if "tb_lihong88" not in line)
    sent = {"hers": text.encode(), "others": others.encode(), "packed": gzip.compress(b"x")}
    batches = {name: new_batch(shop.root) for name in (*sent, "waits")}
    for name, batch in batches.items():
        (batch.folder / "00001").write_bytes(sent.get(name, text.encode()))
    with open_store(shop.config) as store, store.write() as session:
        kinds: tuple[Kind, ...] = ("import", "import", "trial")
        hers, clean, trial = (add_job(session, kind, {}, by="lan").id for kind in kinds)
        for job in (hers, clean, trial):
            finish(session, job, "done")
        add_job(session, "import", {"batch": batches["waits"].id}, by="lan")
    for job, told in ((hers, "李红霞"), (clean, "王伟"), (trial, "")):
        folder_of(shop.root, job).mkdir(parents=True)
        (folder_of(shop.root, job) / "report.json").write_text(f'{{"x": "{told}"}}', "utf-8")
    gone = {batches["hers"].folder, batches["packed"].folder}
    gone |= {folder_of(shop.root, job) for job in (hers, trial)}
    names = {f"{one.relative_to(shop.root).as_posix()}/" for one in gone}
    assert set(forget_buyer(shop, "tb_lihong88", dry_run=True).removed) == names
    assert all(one.exists() for one in gone)
    done = forget_buyer(Workspace(shop.root), "tb_lihong88")
    assert set(done.removed) == names
    assert not any(one.exists() for one in gone)
    assert batches["others"].folder.is_dir()
    assert folder_of(shop.root, clean).is_dir()
    # The job that waits needs its files; they come in as nobody's, and go with it.
    assert done.left == [f"uploads/{batches['waits'].id}/00001"]


def test_a_locked_period_keeps_its_files_until_it_is_let_go(shop: Workspace) -> None:
    shop.lake.pin(shop.lake.snapshot().id, "march")
    done = forget_buyer(shop, "tb_lihong88")
    assert [one.name for one in done.purged.kept] == ["march"]
    assert telling(shop.root) != set()
    done = forget_buyer(Workspace(shop.root), "tb_lihong88", release_locks=True)
    assert [one.name for one in done.purged.released] == ["march"]
    assert telling(shop.root) == set()
    assert shop.lake.pins() == {}


def test_the_list_says_nobodys_name_and_the_log_says_who_did_it(shop: Workspace) -> None:
    done = forget_buyer(shop, "tb_lihong88", actor="lan")
    known = load(shop.lake)
    assert known.holds(" tb_lihong88 ") == done.name
    assert known.holds(STAYS) is None
    with open_store(shop.config) as store, store.read() as session:
        event, unmasked = events_of(session, limit=2)
    assert (event.actor, event.kind, event.subject) == (
        "lan", "buyer.forgotten", f"buyer:{done.name}",
    )  # fmt: skip
    assert unmasked.subject == f"buyer:s1:{done.name}"
    with open_store(shop.config) as store, pytest.raises(DBAPIError, match="only ever added"):
        _delete_event(store, unmasked.id)


def _delete_event(store: Store, number: int) -> None:
    with store.write() as session:
        session.execute(delete(Event).where(Event.id == number))


def test_what_cannot_be_forgotten(shop: Workspace) -> None:
    with pytest.raises(UnknownName):
        forget_buyer(shop, "nobody")
    with pytest.raises(UsageError, match="not a buyer"):
        forget_buyer(shop, "店:小美")


def test_the_command(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def said(*more: str) -> tuple[object, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["forget", str(shop.root), "tb_lihong88", *more])
        return (left.value.code, *capfd.readouterr())

    monkeypatch.setenv("JINPAI_LANG", "en")
    code, _, err = said()
    assert code == 2
    assert "--dry-run" in err
    code, out, _ = said("--yes", "--format", "json")
    assert (code, json.loads(out)["rows"]["messages"]) == (0, 4)
    monkeypatch.setenv("JINPAI_LANG", "zh")
    code, _, err = said("--yes")
    assert code == 0
    assert "已遗忘" in err
