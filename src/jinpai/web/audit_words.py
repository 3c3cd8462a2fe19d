"""What a line of the audit log says, in words: what it is about, and what was or became."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinpai.web.permissions import role_name
from jinpai.web.words import NONE, Words

__all__ = ["facts_text", "subject_text"]

_LONG = 160
_MANY = 4
_ID = 24  # letters of a finding's id; eight tell it apart
_VALUES = {"state": "case_", "verdict": "verdict_", "kind": "job_kind_", "format": "download_"}
"""Field -> beginning of the keys of its values' words."""
_OTHERS = {"calibration": {"state": "calibration_"}}


def subject_text(w: Words, subject: str, logins: Mapping[int, str]) -> str:
    """Return what a line is about; ``logins``: user's number -> login."""
    kind, _, rest = subject.partition(":")
    key = f"audit_of_{kind}"
    if not w.has(key):
        return subject
    if kind == "user" and rest.isdigit():
        rest = logins.get(int(rest), rest)
    if kind == "page" and w.has(rest):
        rest = w(rest)
    return f"{w(key)} {rest[:8] if len(rest) == _ID else rest}".rstrip()


def facts_text(w: Words, subject: str, value: Any) -> str | None:
    """Return what was or became; long texts are cut, the download has them whole."""
    if not isinstance(value, dict):
        return None if value is None else str(value)
    known = {key: one for key, one in value.items() if one not in (None, [], "")}
    words = _VALUES | _OTHERS.get(subject.partition(":")[0], {})
    said = (
        f"{_named(w, key)}{w('colon')}{_said(w, key, one, words)}" for key, one in known.items()
    )
    return " · ".join(said) or NONE


def _named(w: Words, field: str) -> str:
    key = f"audit_field_{field}"
    return w(key) if w.has(key) else field


def _said(w: Words, field: str, value: Any, words: Mapping[str, str]) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return str(len(value)) if len(value) >= _MANY else w("comma").join(map(_whole, value))
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if field == "role":
        return role_name(value, w.language)
    key = words.get(field, " ") + value
    return w(key) if w.has(key) else _whole(value)


def _whole(text: str) -> str:
    if len(text) == _ID and text.isalnum() and text.isascii():
        return text[:8]
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
