"""The audit log is told in words, in one language."""

from __future__ import annotations

from typing import Any

import pytest

from jinpai.web.audit_words import facts_text, subject_text
from jinpai.web.words import Words

ZH, EN = Words("zh", "¥"), Words("en", "¥")
FINDING = "eb11e4a25f2c2ba38de57762"


@pytest.mark.parametrize(
    ("subject", "zh", "en"),
    [
        ("user:3", "人员 lan", "person lan"),
        ("user:9", "人员 9", "person 9"),  # an account that is not known
        ("setting:session_gap", "设置 session_gap", "setting session_gap"),
        (f"case:{FINDING}", "质检结果 eb11e4a2", "finding eb11e4a2"),
        ("page:team", "页面： 团队对比", "page: Team"),
        ("store", "存储", "store"),
        ("comet:1", "comet:1", "comet:1"),
    ],
)
def test_subjects_are_named(subject: str, zh: str, en: str) -> None:
    assert (subject_text(ZH, subject, {3: "lan"}), subject_text(EN, subject, {3: "lan"})) == (
        zh,
        en,
    )


@pytest.mark.parametrize(
    ("subject", "facts", "zh", "en"),
    [
        ("user:1", {"login": "lan", "role": "readonly", "teams": []},
         "账号：lan · 角色：只读", "login: lan · role: Read-only"),
        ("token:1", {"scopes": ["read", "export"]},
         "权限：read、export", "scopes: read, export"),
        ("case:1", {"state": "settled", "verdict": "right"},
         "状态：已有结论 · 结论：正确", "state: settled · verdict: Right"),
        ("calibration:1", {"state": "open", "findings": [FINDING] * 5},
         "状态：进行中 · 质检结果：5", "state: open · findings: 5"),
        ("job:2", {"kind": "look", "retry_of": None}, "类型：试导入", "kind: Dry run"),
        ("sample:1", {"n": 4}, "每层数量：4", "of each: 4"),
        ("x:1", {"new": "word"}, "new：word", "new: word"),
        ("x:1", {}, "–", "–"),
    ],
)  # fmt: skip
def test_facts_are_told(subject: str, facts: dict[str, Any], zh: str, en: str) -> None:
    assert (facts_text(ZH, subject, facts), facts_text(EN, subject, facts)) == (zh, en)


def test_long_texts_are_cut_and_nothing_stays_nothing() -> None:
    assert facts_text(EN, "rules:x", {"text": "a" * 200}) == f"text: {'a' * 160}…"
    assert facts_text(EN, "rules:x", None) is None
