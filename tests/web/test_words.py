"""Texts exist in both languages and stay apart."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files

import pytest

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
