"""Texts exist in both languages and stay apart."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files

import pytest

from jinpai.web.tables import Cell, text_of
from jinpai.web.verdict import band_text
from jinpai.web.words import Words, own_texts, texts

TEMPLATES = list(files("jinpai.web").joinpath("templates").iterdir())
BRACES = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# A language is offered in its own words; examples of names are the shop's.
OTHER_LANGUAGE = {"switch_language"}


@pytest.mark.parametrize("key", sorted(own_texts()))
def test_text_is_in_both_languages(key: str) -> None:
    zh, en = own_texts()[key]
    assert zh
    assert en
    assert set(BRACES.findall(zh)) == set(BRACES.findall(en))
    if key not in OTHER_LANGUAGE:
        assert not CHINESE.search(en), en


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_templates_say_nothing_of_their_own(template: object) -> None:
    text = template.read_text("utf-8")  # type: ignore[attr-defined]
    assert not CHINESE.search(text)
    for key in re.findall(r'\bw\("([a-z_0-9.]+)"\)', text):
        assert key in texts(), key
    for banned in (r"<script>", r"\sstyle=", r"\son[a-z]+=", r"\|\s*safe\b", "javascript:"):
        assert not re.search(banned, text), banned


def test_numbers_and_days_are_written_as_the_language_writes_them() -> None:
    zh, en = Words("zh", "¥"), Words("en", "¥")
    assert (zh.short(215600), en.short(215600)) == ("¥21.56万", "¥215.6k")
    assert zh.long_day(date(2026, 3, 9)) == "2026年3月9日 周一"
    assert en.long_day(date(2026, 3, 9)) == "Mon 9 Mar 2026"


def test_minus_is_a_minus_and_nothing_has_no_sign() -> None:
    en = Words("en", "¥")
    assert (en.points(-8), en.points(2), en.points(0)) == ("−8", "+2", "0")
    assert (en.whole(-1200), en.measure("hours", -1.5)) == ("−1,200", "−1.5 h")
    assert text_of(en, "number", Cell(-4.5)) == "−4.50"
    assert text_of(en, "text", Cell("shop-7")) == "shop-7"  # a name is no number
    assert [en.amount(one, signed=True) for one in (0, 3, -3)] == ["¥0.00", "+¥3.00", "−¥3.00"]


def test_endless_bands_end_at_infinity() -> None:
    bands = ("[41%, inf)", "(-inf, 25%)", "[0, 15%)")
    assert [band_text(one) for one in bands] == ["[41%, ∞)", "(−∞, 25%)", "[0, 15%)"]


def test_of_a_name_in_both_languages_ones_own_half_is_shown() -> None:
    zh, en = Words("zh", "¥"), Words("en", "¥")
    name = "起步方案 · starter plan"
    assert (zh.own(name), en.own(name)) == ("起步方案", "starter plan")
    for whole in ("夏季方案", "Plan 3", "一组 · 二组", "a · b", "甲 · a · b"):
        assert (zh.own(whole), en.own(whole)) == (whole, whole)
