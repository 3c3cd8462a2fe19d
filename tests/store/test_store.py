"""Opening a store: its tables, its transactions, its log, and what it refuses."""

from __future__ import annotations

import os
import stat
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jinpai.errors import JinpaiError, UsageError, WorkspaceError
from jinpai.store import (
    Base,
    Store,
    calibrations,
    events_of,
    jobs,
    log_event,
    open_store,
    people,
    reviews,
)
from jinpai.store.upgrade import head, scripts
from jinpai.workspace_config import init_config, load_config

SUBJECTS = (reviews, calibrations, people, jobs)  # imported, so that Base knows their tables


def workspace(folder: Path, more: str = "") -> Path:
    init_config(folder, shop_id="s1", name="金牌", platform="taobao")
    with (folder / "jinpai.toml").open("a", encoding="utf-8") as file:
        file.write(more)
    return folder


def count(store: Store) -> int:
    with store.read() as session:
        return len(events_of(session))


def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_chain_is_one_line() -> None:
    chain = list(scripts().walk_revisions())
    assert len(scripts().get_heads()) == 1
    assert [script.revision for script in reversed(chain)] == [
        f"{number:04}" for number in range(1, len(chain) + 1)
    ]


def test_opening_again_changes_nothing(url: str) -> None:
    with open_store(url) as store:
        assert store.upgrade() == []
    with open_store(url) as store:
        assert store.upgrade() == []


def test_opening_by_many_at_once_makes_it_once(url: str) -> None:
    failures = list[BaseException]()

    def opening() -> None:
        try:
            open_store(url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=opening) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(url) as store, store.read() as session:
        assert session.execute(text("select version_num from alembic_version")).all() == [(head(),)]


def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = scripts()
    last = chain.get_revision(head())

    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("jinpai.store.upgrade.scripts", lambda: chain)
    with monkeypatch.context() as patch:
        patch.setattr(last.module, "upgrade", broken)
        with pytest.raises(ZeroDivisionError):
            open_store(url)
    with open_store(url) as store:
        assert count(store) == 0


def test_a_later_version_is_refused(url: str) -> None:
    with open_store(url) as store, store.write() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(WorkspaceError, match="9999") as caught:
        open_store(url)
    assert "9999" in caught.value.text_zh


def test_a_write_is_whole_or_nothing(store: Store) -> None:
    def failing() -> None:
        with store.write() as session:
            log_event(session, actor="bo", kind="a.b", subject="x:1")
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert count(store) == 0


def test_reading_cannot_write(store: Store) -> None:
    def writing() -> None:
        with store.read() as session:
            log_event(session, actor="bo", kind="a.b", subject="x:1")
            session.flush()

    with pytest.raises((JinpaiError, DBAPIError)):
        writing()
    assert count(store) == 0


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.read() as session:
        assert events_of(session) == []
        with store.write() as other:
            log_event(other, actor="bo", kind="a.b", subject="x:1")
        assert events_of(session) == []
    assert count(store) == 1


@pytest.mark.parametrize("change", ["delete from events", "update events set actor = 'nobody'"])
def test_events_are_only_ever_added(store: Store, change: str) -> None:
    with store.write() as session:
        log_event(session, actor="bo", kind="a.b", subject="x:1", after={"言": [1, None]})

    def changing() -> None:
        with store.write() as session:
            session.execute(text(change))

    with pytest.raises((JinpaiError, DBAPIError), match="only ever added"):
        changing()
    with store.read() as session:
        (event,) = events_of(session, "x:1")
        assert (event.actor, event.before, event.after) == ("bo", None, {"言": [1, None]})
        assert event.at.tzinfo is not None


def test_events_come_newest_first_in_pages(store: Store) -> None:
    with store.write() as session:
        for number in range(5):
            log_event(session, actor="bo", kind="a.b", subject=f"x:{number % 2}")
    with store.read() as session:
        subjects = [event.subject for event in events_of(session)]
        assert subjects == ["x:0", "x:1", "x:0", "x:1", "x:0"]
        newest = events_of(session, limit=2)
        older = events_of(session, before_id=newest[-1].id)
        assert [event.id for event in (*newest, *older)] == [5, 4, 3, 2, 1]
        assert len(events_of(session, "x:1")) == 2


def test_writers_wait_for_each_other(store: Store) -> None:
    def writing() -> None:
        for _ in range(10):
            with store.write() as session:
                log_event(session, actor="bo", kind="a.b", subject="x:1")

    threads = [threading.Thread(target=writing) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(store) == 40


def test_a_workspace_has_a_file_of_its_own(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w")
    open_store(folder).close()
    mode = (folder / "store.db").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600 or os.name == "nt"


def test_a_workspace_says_where_its_store_lies(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = workspace(tmp_path / "w", f'[store]\nurl = "{url}"\n')
    with open_store(load_config(folder)) as store, store.write() as session:
        log_event(session, actor="bo", kind="a.b", subject="x:1")
    with open_store(url) as store:
        assert count(store) == 1
    monkeypatch.setenv("JINPAI_STORE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    with open_store(folder) as store:
        assert count(store) == 0
    assert not (folder / "store.db").exists()


@pytest.mark.parametrize(
    "bad", ["mysql://a/b", "nothing", "sqlite://", "://", "postgresql+pg8000://a/b"]
)
def test_a_url_that_is_none_is_refused(tmp_path: Path, bad: str) -> None:
    folder = workspace(tmp_path / "w", f'[store]\nurl = "{bad}"\n')
    with pytest.raises(UsageError, match="postgresql://"):
        open_store(folder)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text(
        "this is a letter, not a database at all, and a long one\n" * 99
    )
    with pytest.raises(WorkspaceError, match=r"no\.db"):
        open_store(f"sqlite:///{tmp_path / 'no.db'}")


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(WorkspaceError) as caught:
        open_store("postgresql://bo:secret@127.0.0.1:1/none")
    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in f"{caught.value}{caught.value.text_zh}"


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="jinpai\\[postgres\\]"):
        open_store("postgresql://bo@127.0.0.1/none")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("[store]\nurl = 5\n", "url"),
        ("[store]\nuri = 'x'\n", "uri"),
        ("[review]\nappeal_days = -1\n", "appeal_days"),
        ("[review]\nappeal_days = true\n", "appeal_days"),
        ("[review]\ndays = 3\n", "days"),
    ],
)
def test_wrong_configuration_is_told(tmp_path: Path, more: str, named: str) -> None:
    with pytest.raises(WorkspaceError, match=named):
        load_config(workspace(tmp_path / "w", more))


def test_the_terms_of_appeals_are_read(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", "[review]\nappeal_days = 3\n")
    assert load_config(folder).review.appeal_days == 3


def test_make_a_new_database_each_time(new_url: Callable[[], str]) -> None:
    assert new_url() != new_url()


def test_errors_do_not_tell_what_people_wrote(store: Store) -> None:
    words = {"words": "buyer 王小明 complained"}
    with pytest.raises((DBAPIError, WorkspaceError)) as failed, store.write() as session:
        session.execute(text("select cast(:words as text) from nowhere"), words)
    logged = "".join(traceback.format_exception(failed.value))
    assert "from nowhere" in logged
    assert "王小明" not in logged
