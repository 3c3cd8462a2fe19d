"""jinpai.toml: read strictly, changed whole, every change kept, and open to people's editors."""

from __future__ import annotations

import multiprocessing
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinpai.errors import SettingError, UnknownName, UsageError, WorkspaceError
from jinpai.workspace_config import Config, ShopEntry, init_config, load_config

HAND_MADE = """\
# ours
[workspace]
format = 1

[settings]   # all shops
session_gap = "5 min"  # short
business_day_start = 05:00:00

[shops.s1]
timezone = "Europe/London"
settings.ad_phrases = ["a"]

[shops.s2.settings.duty_hours.weekly]
mon = [["09:00", "23:00"]]
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return init_config(tmp_path / "shop", "s1", "金牌旗舰店", "taobao")


def hand(config: Config, text: str) -> None:
    config.path.write_text(text, "utf-8")


def test_init(tmp_path: Path) -> None:
    made = init_config(tmp_path / "a" / "b", "店.1", "金牌", "taobao", "Europe/London", "GBP")
    again = load_config(made.root)
    assert again.shop() == ShopEntry("店.1", "金牌", "taobao", "Europe/London", "GBP")
    assert again.settings("店.1").session_gap == 600
    assert again.history() == []
    before = made.path.read_bytes()
    with pytest.raises(WorkspaceError, match="already"):
        init_config(made.root, "s2", "x", "y")
    assert made.path.read_bytes() == before
    assert [path.name for path in made.root.iterdir()] == ["jinpai.toml"]


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (("", "n", "taobao"), "shop_id"),
        ((" s1", "n", "taobao"), "shop_id"),
        (("s\n1", "n", "taobao"), "one line"),
        (("s1", "n", "taobao", "Asia/Shangai"), "Asia/Shanghai"),
        (("s1", "n", "taobao", "UTC", "yuan"), "three letters"),
    ],
)
def test_init_refuses(tmp_path: Path, entry: tuple[Any, ...], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        init_config(tmp_path / "w", *entry)
    assert not (tmp_path / "w").exists()


def test_init_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError, match="cannot be a workspace"):
        init_config(tmp_path / "file", "s1", "n", "taobao")


def test_set_and_history(config: Config) -> None:
    config.set("session_gap", "10 min")
    config.set("session_gap", 300)
    config.set("session_gap", 120, "s1")
    config.set("session_gap", "2 min", "s1")  # no change
    config.set("session_gap", "null")
    again = load_config(config.root)
    for known in (config, again):
        assert known.settings("s1").session_gap == 120
        assert known.settings().session_gap == 600
        assert known.get("session_gap", "s1").source == "shop"
        assert known.get("session_gap").source == "default"
        assert [(c.old, c.new, c.shop_id, c.by_hand) for c in known.history("session_gap")] == [
            (None, 600, None, False),
            (600, 300, None, False),
            (None, 120, "s1", False),
            (300, None, None, False),
        ]


def test_a_refused_value_changes_nothing(config: Config) -> None:
    config.set("platform_to", "12:00", "s1")
    before = config.path.read_bytes()
    for name, value, shop_id, error in (
        ("session_gap", "0", None, SettingError),
        ("sesion_gap", "1", None, UnknownName),
        ("session_gap", "1", "s9", UnknownName),
        ("platform_from", "13:00", None, SettingError),  # holds for the workspace, not for s1
    ):
        with pytest.raises(error):
            config.set(name, value, shop_id)
        assert config.path.read_bytes() == before
        assert config.settings().platform_from == "08:00"
    assert [path.name for path in config.root.iterdir()] == ["jinpai.toml"]


def test_edited_by_hand(config: Config) -> None:
    hand(config, HAND_MADE)
    os.utime(config.path, (1_800_000_000, 1_800_000_000))
    read = load_config(config.root)
    assert read.default_shop == "s1"
    assert read.shop("s1") == ShopEntry("s1", "s1", "", "Europe/London", "CNY")
    assert read.settings("s1").session_gap == 300
    assert read.settings("s1").business_day_start == "05:00"
    assert read.settings("s1").ad_phrases == ("a",)
    assert read.settings("s2").ad_phrases == ()
    at = datetime.fromtimestamp(1_800_000_000, UTC)
    seen = [(c.at, c.name, c.old, c.shop_id, c.by_hand) for c in read.history()]
    assert seen == [
        (at, "business_day_start", None, None, True),
        (at, "session_gap", None, None, True),
        (at, "ad_phrases", None, "s1", True),
        (at, "duty_hours", None, "s2", True),
    ]
    assert read.path.read_text("utf-8") == HAND_MADE  # reading writes nothing

    read.set("session_gap", 60)
    text = read.path.read_text("utf-8")
    assert "# ours" in text
    assert "[settings]   # all shops" in text
    known = load_config(config.root).history()
    assert [(c.name, c.by_hand) for c in known] == [
        ("business_day_start", True),
        ("session_gap", True),
        ("ad_phrases", True),
        ("duty_hours", True),
        ("session_gap", False),
    ]
    assert (known[-1].old, known[-1].new) == (300, 60)
    read.set("one_sentence", True, "s2")
    read.set("ad_phrases", ["b"], "s1")
    read.set("duty_hours", None, "s2")
    assert load_config(config.root).settings("s2").duty_hours is None


@pytest.mark.parametrize("style", ["utf-8-sig", "crlf"])
def test_what_editors_on_windows_write(config: Config, style: str) -> None:
    text = HAND_MADE.replace("\n", "\r\n") if style == "crlf" else HAND_MADE
    config.path.write_bytes(text.encode("utf-8-sig" if style == "utf-8-sig" else "utf-8"))
    read = load_config(config.root)
    read.set("session_gap", 60, "s2")
    assert load_config(config.root).settings("s2").session_gap == 60


@pytest.mark.parametrize(
    ("old", "new", "error", "word"),
    [
        ("format = 1", "format = 2", WorkspaceError, "format is 2"),
        ("format = 1", "format = ", WorkspaceError, "line 3"),
        ("session_gap =", "sesion_gap =", SettingError, r"\[settings\].*'session_gap'"),
        ('"5 min"', '"5 parsecs"', SettingError, r"\[settings\].*session_gap"),
        ('["a"]', '[""]', SettingError, r"\[shops.s1.settings\].*ad_phrases"),
        ("Europe/London", "Europe/Londn", UnknownName, "Europe/London"),
        ("timezone", "time_zone", WorkspaceError, "Did you mean 'timezone'"),
        ("[workspace]", "[workspace]\ndefault_shop = 's7'", WorkspaceError, "s7"),
        ("[workspace]", "settngs = 1\n[workspace]", WorkspaceError, "Did you mean 'settings'"),
        ("[workspace]", "history = 1\n[workspace]", WorkspaceError, "history"),
        ("[workspace]", "[[history]]\nat = 1\n[workspace]", WorkspaceError, "entry 1"),
        ("# ours", "# 我们\udcff", WorkspaceError, "UTF-8"),
    ],
)
def test_mistakes_by_hand_name_their_place(
    config: Config, old: str, new: str, error: type[Exception], word: str
) -> None:
    text = HAND_MADE.replace(old, new)
    config.path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=word):
        load_config(config.root)


def test_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="jinpai init"):
        load_config(tmp_path)
    with pytest.raises(WorkspaceError, match="jinpai init"):
        load_config(tmp_path / "nowhere")


def test_add_shop(config: Config) -> None:
    config.add_shop(ShopEntry("a.b", "分店", "jd", "UTC"))
    config.set("judge_rule", "order", "a.b")
    again = load_config(config.root)
    assert list(again.shops) == ["s1", "a.b"]
    assert again.settings("a.b").judge_rule == "order"
    with pytest.raises(UsageError, match="already"):
        config.add_shop(ShopEntry("s1", "x", "jd"))


def test_a_style_that_cannot_be_edited_is_left_alone(config: Config) -> None:
    text = "[workspace]\nformat = 1\n[shops]\ns1.name = 'n'\ns2.name = 'm'\n"
    hand(config, text)
    with pytest.raises(WorkspaceError, match="by hand"):
        config.set("session_gap", 5, "s1")
    assert config.path.read_text("utf-8") == text


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
phrases = st.lists(texts.filter(str.strip), unique=True, max_size=3)
moves = st.one_of(
    st.tuples(st.just("session_gap"), st.none() | st.integers(1, 1000)),
    st.tuples(st.just("ad_phrases"), st.none() | phrases),
    st.tuples(st.just("one_sentence"), st.none() | st.booleans()),
    st.tuples(
        st.just("duty_hours"),
        st.none() | st.just({"weekly": {"mon": [["09:00", "23:00"]]}, "exceptions": {}}),
    ),
)


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.tuples(moves, st.sampled_from((None, "s1", "s2"))), max_size=8),
    by_hand=st.booleans(),
)
def test_any_changes_leave_what_was_set(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[tuple[str, Any], str | None]],
    by_hand: bool,
) -> None:
    config = init_config(tmp_path_factory.mktemp("w") / "w", "s1", "n", "taobao")
    if by_hand:
        hand(config, "[workspace]\nformat = 1\n[shops]\n[shops.s1]\n[shops.s2]\n# end\n")
    else:
        config.add_shop(ShopEntry("s2", "m", "jd"))
    expected: dict[str | None, dict[str, Any]] = {None: {}, "s1": {}, "s2": {}}
    changes = 0
    for (name, value), shop_id in steps:
        changes += expected[shop_id].get(name) != value
        expected[shop_id][name] = value
        config.set(name, value, shop_id)
    again = load_config(config.root)
    for shop_id, values in expected.items():
        for name, value in values.items():
            if value is not None:
                assert again.get(name, shop_id).value == value
            else:
                assert again.get(name, shop_id).source != ("shop" if shop_id else "workspace")
    assert len(again.history()) == changes
    tomllib.loads(config.path.read_text("utf-8"))


def _set_many(root: Path, name: str) -> None:
    for value in range(1, 11):
        load_config(root).set(name, value)


def test_two_processes_lose_nothing(config: Config) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [
        spawn.Process(target=_set_many, args=(config.root, name))
        for name in ("session_gap", "slow_times")
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    again = load_config(config.root)
    assert (again.settings().session_gap, again.settings().slow_times) == (10, 10)
    assert len(again.history()) == 20
