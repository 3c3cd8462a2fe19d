"""From pattern files to RE2: shorthands, traditional characters, placeholders, checks.

RE2 reads any text in time linear in its length, so neither a hostile pattern nor a hostile text can
stall a scan; what a pattern may cost to compile is bounded here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import re2
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jinpai.errors import UsageError
from jinpai.shipped import parsed

__all__ = [
    "Act",
    "Role",
    "compiled",
    "expand",
    "forms",
    "load_acts",
    "meaning",
    "options",
    "shipped_acts",
    "shorthands",
]

Role = Literal["agent", "buyer"]
_ROLES: tuple[Role, ...] = ("agent", "buyer")
_PATTERN_CHARS = 2000
_PATTERNS = 2000
_ACTS = 64  # of a role: a mask has so many bits

_NAME = re.compile(r"(?<!\\)\{([a-z_]+)\}")
# What a shop may put its own words for; these are the words where it does not.
PLACEHOLDERS = {"agent_no": r"(?:客服|工号)\s*(?:[0-9０-９]+|\[[^\[\]]{1,6}\])\s*(?:号)?"}


class Act(BaseModel):
    """One act: what it is called and how it is recognised.

    Attributes:
        any: it is there when one of these is found
        not_: and none of these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    role: Role
    zh: str = Field(max_length=40)
    en: str = Field(max_length=80)
    any: tuple[str, ...] = Field(min_length=1, max_length=200)
    not_: tuple[str, ...] = Field(default=(), alias="not", max_length=200)

    @property
    def name(self) -> str:
        """Role and code: buyers and agents share codes, such as greeting."""
        return f"{self.role}.{self.code}"


@cache
def shorthands() -> dict[str, str]:
    """Return what patterns may name in braces -> what it stands for."""
    text = files(__package__).joinpath("shorthands.yaml").read_text("utf-8")
    return {str(name): str(pattern) for name, pattern in parsed(text).items()}


@cache
def forms() -> dict[str, str]:
    """Return simplified character -> itself and its traditional forms."""
    text = files(__package__).joinpath("traditional.txt").read_text("utf-8")
    found = dict[str, str]()
    for entry in text.split():
        found[entry[0]] = "".join(dict.fromkeys(found.get(entry[0], entry[0]) + entry[1:]))
    return found


def expand(pattern: str, placeholders: Mapping[str, str] = PLACEHOLDERS) -> str:
    """Return a pattern as RE2 takes it: shorthands written out, traditional forms let in.

    Raises UsageError for a shorthand that does not exist.

    >>> expand("没货")
    '[没沒][货貨]'
    """
    known = {**shorthands(), **placeholders}

    def written_out(match: re.Match[str]) -> str:
        name = match[1]
        if name not in known:
            raise UsageError(
                f"Pattern '{pattern}': there is no shorthand {{{name}}} (position {match.start()});"
                f" known: {', '.join(sorted(known))}.",
                zh=f"模式“{pattern}”：没有简写 {{{name}}}（位置 {match.start()}），"
                f"可用：{'、'.join(sorted(known))}。",
            )
        return _NAME.sub(lambda nested: shorthands().get(nested[1], nested[0]), known[name])

    return _with_forms(_NAME.sub(written_out, pattern))


def meaning(act: Act, placeholders: Mapping[str, str] = PLACEHOLDERS) -> str:
    """Return all that says when a text has an act: what it is, and its patterns written out."""
    written = (expand(pattern, placeholders) for pattern in act.any + act.not_)
    return "\0".join([act.model_dump_json(), *written])


@lru_cache(maxsize=1 << 12)
def _with_forms(pattern: str) -> str:
    known, written, inside = forms(), [], False
    for place, char in enumerate(pattern):
        escaped = place > 0 and pattern[place - 1] == "\\"
        if char == "[" and not escaped:
            inside = True
        elif char == "]" and not escaped:
            inside = False
        both = known.get(char, char)
        written.append(both if inside or len(both) == 1 else f"[{both}]")
    return "".join(written)


def options() -> Any:
    """Return how patterns are compiled: any case, bounded memory, no messages on stderr."""
    made = re2.Options()
    made.case_sensitive = False
    made.log_errors = False
    made.max_mem = 16 << 20
    made.never_capture = True
    return made


def compiled(pattern: str, where: str, placeholders: Mapping[str, str] = PLACEHOLDERS) -> Any:
    """Return a pattern compiled; raises UsageError that names it."""
    if len(pattern) > _PATTERN_CHARS:
        raise UsageError(
            f"{where}: a pattern may have {_PATTERN_CHARS} characters.",
            zh=f"{where}：模式最多 {_PATTERN_CHARS} 个字符。",
        )
    try:
        return re2.compile(expand(pattern, placeholders), options())
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise UsageError(
            f"{where}: '{pattern}' is no pattern ({reason}).",
            zh=f"{where}：“{pattern}”不是有效的模式（{reason}）。",
        ) from None


@cache
def shipped_acts() -> tuple[Act, ...]:
    """Return the acts that come with the product."""
    found = list[Act]()
    for role in _ROLES:
        data = parsed(files(__package__).joinpath(f"{role}.yaml").read_text("utf-8"))
        found += [Act(code=code, role=role, **entry) for code, entry in data.items()]
    return tuple(found)


class _Own(BaseModel):
    """A shop's own file: more patterns for acts, new acts, its placeholders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    placeholders: dict[str, str] = Field(default_factory=dict)
    agent: dict[str, dict[str, Any]] = Field(default_factory=dict)
    buyer: dict[str, dict[str, Any]] = Field(default_factory=dict)


def load_acts(path: Path | None) -> tuple[tuple[Act, ...], dict[str, str]]:
    """Return the shipped acts with a shop's own added, and the placeholders.

    An act that exists gets the shop's patterns besides its own. Raises UsageError.
    """
    acts = {act.name: act for act in shipped_acts()}
    if path is None:
        return tuple(acts.values()), PLACEHOLDERS
    try:
        own = _Own.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
        for role, listed in (("agent", own.agent), ("buyer", own.buyer)):
            for code, entry in listed.items():
                act = _joined(acts.get(f"{role}.{code}"), code, role, entry)
                acts[act.name] = act
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise _bad_file(path, error) from None
    places = PLACEHOLDERS | own.placeholders
    for name, pattern in own.placeholders.items():
        compiled(pattern, f"{path}: placeholders.{name}", {})
    for act in acts.values():
        for pattern in (*act.any, *act.not_):
            compiled(pattern, f"{path}: {act.name}", places)
    if sum(len(act.any) + len(act.not_) for act in acts.values()) > _PATTERNS:
        raise UsageError(
            f"{path}: there may be {_PATTERNS} patterns.", zh=f"{path}：最多 {_PATTERNS} 个模式。"
        )
    for role in _ROLES:
        if sum(act.role == role for act in acts.values()) > _ACTS:
            raise UsageError(
                f"{path}: there may be {_ACTS} acts of a {role}, the shipped ones among them.",
                zh=f"{path}：{role} 的动作最多 {_ACTS} 个（含内置）。",
            )
    return tuple(acts.values()), places


def _joined(known: Act | None, code: str, role: str, entry: Mapping[str, Any]) -> Act:
    base = {} if known is None else known.model_dump(by_alias=True)
    merged = base | dict(entry) | {"code": code, "role": role}
    for key in ("any", "not"):
        merged[key] = (*base.get(key, ()), *(entry.get(key) or ()))
    return Act.model_validate(merged)


def _bad_file(path: Path, error: Exception) -> UsageError:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        reason = " ".join(str(error).split())
    return UsageError(f"{path}: {reason}", zh=f"{path}：内容有误（{reason}）")
