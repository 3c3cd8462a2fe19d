"""The registry against the definitions, and what each setting takes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jinpai import settings
from jinpai.errors import SettingError, UnknownName
from jinpai.settings import REGISTRY, Settings, parse

# The defaults the definitions print.
DEFAULTS = {
    "business_day_start": "00:00",
    "clock_skew": 5,
    "excluded_flags": [],
    "auto_reply_texts": [],
    "auto_reply_prefixes": [],
    "session_gap": 600,
    "internal_accounts": [],
    "excluded_buyers": [],
    "ad_phrases": [],
    "ad_max_messages": 5,
    "one_sentence": False,
    "one_sentence_max": 5,
    "inquiry_days": 2,
    "aftersale_days": 21,
    "followup_window": 48,
    "two_sided": True,
    "order_window": 48,
    "judge_rule": "order_first",
    "payment_days": 4,
    "duty_hours": None,
    "platform_from": "08:00",
    "platform_to": "23:00",
    "slow_times": 3,
    "slow_seconds": 120,
    "repurchase_days": 30,
    "inspect": False,
    "missing": "exclude",
    "promote_after": 1,
    "demote_after": 2,
}


def test_defaults() -> None:
    assert Settings.of().values == DEFAULTS


def test_every_italic_name_of_the_definitions_is_registered(shared: Path) -> None:
    text = (shared / "spec" / "definitions.md").read_text("utf-8")
    names = set(re.findall(r"(?<![*\w])\*([a-z]+(?:_[a-z]+)*)\*(?![*\w])", text))
    assert names - set(REGISTRY) == {"covers", "italics", "late"}  # words, not settings
    # ad_phrases and its like are italic too; inspection and the store have their own beside them.
    assert {name for name in set(REGISTRY) - names if REGISTRY[name].section != "quality"} == set()


def test_every_setting_has_help_in_both_languages() -> None:
    for entry in REGISTRY.values():
        assert re.search("[一-鿿]", entry.zh)
        assert not re.search("[一-鿿]", entry.en)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("session_gap", "600", 600),
        ("session_gap", '"600 s"', 600),
        ("session_gap", '"600"', 600),
        ("session_gap", " 10 min ", 600),
        ("session_gap", "10分钟", 600),
        ("session_gap", "0.5h", 1800),
        ("session_gap", 600.0, 600),
        ("order_window", "2 d", 48),
        ("followup_window", "48h", 48),
        ("payment_days", "96h", 4),
        ("inquiry_days", "3天", 3),
        ("slow_times", "4", 4),
        ("one_sentence", "true", True),
        ("one_sentence", "是", True),
        ("two_sided", "OFF", False),
        ("two_sided", False, False),
        ("business_day_start", "5:00", "05:00"),
        ("business_day_start", '"05:00:30"', "05:00:30"),
        ("platform_to", "24:00", "24:00"),
        ("judge_rule", "payment", "payment"),
        ("judge_rule", '"order"', "order"),
        ("ad_phrases", '["加微信", "b", "加微信"]', ["加微信", "b"]),
        ("ad_phrases", "加微信,领券", ["加微信,领券"]),
        ("ad_phrases", '"[微笑]"', ["[微笑]"]),
        ("excluded_buyers", "600", ["600"]),
        ("excluded_buyers", "true", ["true"]),
        ("ad_phrases", "[]", []),
        ("session_gap", "null", None),
        ("ad_phrases", None, None),
        (
            "duty_hours",
            '{"weekly": {"mon": [["9:00", "23:00"]], "tue": []}}',
            {"weekly": {"mon": [["09:00", "23:00"]]}, "exceptions": {}},
        ),
    ],
)
def test_taken(name: str, value: object, expected: object) -> None:
    assert parse(name, value) == expected
    assert type(parse(name, value)) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("session_gap", "0", "from 1 to 604800"),
        ("session_gap", "-5", "whole seconds"),
        ("session_gap", "0.5 s", "whole seconds"),
        ("session_gap", "soon", "whole seconds"),
        ("session_gap", "true", "not true"),
        ("session_gap", "NaN", "whole seconds"),
        ("session_gap", "1e999", "whole seconds"),
        ("session_gap", "9" * 5000, "whole seconds"),
        ("session_gap", "[600]", "whole seconds"),
        ("order_window", "90 min", "whole hours"),
        ("slow_times", "3 d", "whole number"),
        ("one_sentence", "maybe", "true or false"),
        ("one_sentence", "1", "true or false"),
        ("business_day_start", "24:00", "00:00 to 23:59"),
        ("business_day_start", "5", "clock time"),
        ("judge_rule", "orderfirst", "Did you mean 'order_first'"),
        ("ad_phrases", '["a", ""]', r"\[1\] is empty"),
        ("auto_reply_texts", "", "empty"),
        ("auto_reply_prefixes", '" "', "empty"),
        ("excluded_flags", "[1]", "quotes"),
        ("ad_phrases", '["a", b]', "looks like JSON"),
        ("ad_phrases", '{"a": 1}', "list of texts"),
        ("ad_phrases", ["a\x00"], "no text"),
        ("ad_phrases", ["\udc80"], "no text"),
        ("duty_hours", "always", "object"),
        ("duty_hours", '{"weekly": {"mon": [["09:00"]]}}', r"weekly.mon\[0\]"),
    ],
)
def test_refused_naming_the_setting(name: str, value: object, word: str) -> None:
    with pytest.raises(SettingError, match=word) as caught:
        parse(name, value)
    assert str(caught.value).startswith(f"{name}: ")


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'session_gap'"):
        parse("sesion_gap", "600")
    with pytest.raises(UnknownName, match="Did you mean 'session_gap'"):
        Settings.of({"sesion_gap": 600})


def test_the_platform_hours_must_not_be_empty() -> None:
    with pytest.raises(SettingError, match="platform_from 23:00 must be before"):
        Settings.of({"platform_from": "23:00"})


def test_the_id_follows_values_not_spelling() -> None:
    same: list[dict[str, Any]] = [
        {},
        {"session_gap": "10 min"},
        {"business_day_start": "0:00"},
        {"duty_hours": None},
    ]
    assert len({Settings.of(values).settings_id for values in same}) == 1
    others: list[dict[str, Any]] = [
        {"session_gap": 601},
        {"ad_phrases": ["a"]},
        {"auto_reply_texts": ["a"]},
        {"duty_hours": {"weekly": {}}},
    ]
    ids = {Settings.of(values).settings_id for values in [{}, *others]}
    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in ids)


def test_the_id_is_the_same_in_another_process() -> None:
    code = "from jinpai.settings import Settings; print(Settings.of().settings_id)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == Settings.of().settings_id


def test_values_round_trip_through_json() -> None:
    mine = Settings.of(
        {"ad_phrases": ["加微信"], "duty_hours": {"weekly": {"sat": [["20:00", "02:00"]]}}}
    )
    assert Settings.of(json.loads(json.dumps(mine.values))) == mine
    assert mine.duty_hours is not None
    assert mine.duty_hours.weekly[5] == ((72_000_000_000, 93_600_000_000),)


def test_times_in_microseconds() -> None:
    values = Settings.of()
    assert values.us("session_gap") == 600_000_000
    assert values.us("order_window") == 172_800_000_000
    assert values.us("payment_days") == 345_600_000_000
    assert values.us("platform_from") == 28_800_000_000
    with pytest.raises(SettingError, match="not a time"):
        values.us("slow_times")


def test_the_reference_is_up_to_date() -> None:
    written = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
    assert written.read_text("utf-8") == settings.reference(), (
        "run: python -m jinpai.settings > docs/settings.md"
    )
