"""Rules as data: what a fault or a merit is, read from YAML and checked before it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jinpai.errors import UsageError
from jinpai.quality.acts.patterns import shipped_acts
from jinpai.quality.checks import CHECK_ACTS, CHECKS
from jinpai.quality.sequence import compile_sequence
from jinpai.shipped import parsed

__all__ = [
    "Condition",
    "Rule",
    "act_names",
    "load_rules",
    "read_rules",
    "rules_with",
    "shipped_rules",
]

_DEPTH = 8


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Condition(_Model):
    """Exactly one of the following holds.

    Attributes:
        all, any, not_: conditions.
        act: messages with an act, at least ``count`` of them; with ``first`` or ``last``, among
            the so many first or last messages of that role; with ``after``, behind the first
            message with that act, and with ``within``, at most so many seconds behind it.
        sequence: a match of the little language of `sequence`.
        check: one of `checks.CHECKS`, with the rule's settings.
    """

    all: tuple[Condition, ...] = Field(default=(), max_length=50)
    any: tuple[Condition, ...] = Field(default=(), max_length=50)
    not_: Condition | None = Field(default=None, alias="not")
    act: str = ""
    count: int = Field(default=1, ge=1, le=1000)
    first: int | None = Field(default=None, ge=1, le=1000)
    last: int | None = Field(default=None, ge=1, le=1000)
    after: str = ""
    within: float | None = Field(default=None, gt=0)
    sequence: str = Field(default="", max_length=2000)
    check: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Condition:
        kinds = (self.all, self.any, self.not_, self.act, self.sequence, self.check)
        if sum(map(bool, kinds)) != 1:
            raise ValueError("a condition is one of all, any, not, act, sequence, check")
        given = self.model_fields_set & {"count", "first", "last", "after", "within"}
        if given and not self.act:
            raise ValueError(f"{', '.join(sorted(given))}: only beside act")
        if self.within is not None and not self.after:
            raise ValueError("within: only beside after")
        if self.first and self.last:
            raise ValueError("first and last: only one of them")
        return self

    @property
    def checks(self) -> set[str]:
        """The checks it asks."""
        below = (*self.all, *self.any, *filter(None, (self.not_,)))
        return {self.check}.union(*(one.checks for one in below)) - {""}

    def act_names(self, known: Collection[str]) -> set[str]:
        """Return the acts it looks at, of those known."""
        found = {self.act, self.after} | set(CHECK_ACTS.get(self.check, ()))
        if self.sequence:
            found |= set(compile_sequence(self.sequence, known).acts)
        for below in (*self.all, *self.any, *filter(None, (self.not_,))):
            found |= below.act_names(known)
        return found & set(known)

    def check_names(self, acts: Collection[str], depth: int = 0) -> None:
        """Raise ValueError for a name that does not exist, UsageError for a bad sequence."""
        if depth > _DEPTH:
            raise ValueError(f"conditions may lie {_DEPTH} deep")
        for name in filter(None, (self.act, self.after)):
            if name not in acts:
                raise ValueError(f"there is no act '{name}' (write agent.NAME or buyer.NAME)")
        if self.check and self.check not in CHECKS:
            raise ValueError(f"there is no check '{self.check}'; known: {', '.join(CHECKS)}")
        if self.sequence:
            compile_sequence(self.sequence, acts)
        for below in (*self.all, *self.any, *filter(None, (self.not_,))):
            below.check_names(acts, depth + 1)


Condition.model_rebuild()


class Rule(_Model):
    """One rule.

    Attributes:
        points: taken off for a fault, added for a merit.
        fatal: the session's score is 0.
        shadow: on trial: found and listed, but it costs or adds nothing.
        roles: kinds of agents it is for; an agent of unknown or both kinds counts as either.
        settings: numbers its check takes; a shop may give its own.
        reason_zh, reason_en: sentences; ``{name}`` is a figure of the finding or a setting.
        unanswered_zh, unanswered_en: instead of sentences with ``{wait}``, where nobody answered.
        breaks, keeps: a conversation that shows it and one that does not (see `example`).
    """

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=80)
    group: Literal["timing", "selling", "wording", "merit"]
    severity: Literal["low", "medium", "high"] = "medium"
    points: float = Field(ge=0, le=100)
    fatal: bool = False
    shadow: bool = False
    roles: tuple[Literal["presale", "aftersale"], ...] = ("presale", "aftersale")
    settings: dict[str, float] = Field(default_factory=dict)
    when: Condition
    reason_zh: str = Field(min_length=1, max_length=200)
    reason_en: str = Field(min_length=1, max_length=300)
    unanswered_zh: str = Field(default="无人回复", min_length=1, max_length=200)
    unanswered_en: str = Field(default="Nobody answered", min_length=1, max_length=300)
    breaks: tuple[str, ...] = Field(min_length=1, max_length=100)
    keeps: tuple[str, ...] = Field(min_length=1, max_length=100)

    @property
    def is_merit(self) -> bool:
        """A merit adds points."""
        return self.group == "merit"

    @property
    def cost(self) -> float:
        """What a finding of it does to the score: below 0 for a fault, 0 in the shadow."""
        if self.shadow:
            return 0.0
        return self.points if self.is_merit else 0.0 - self.points

    @property
    def kills(self) -> bool:
        """A finding of it makes the score 0."""
        return self.fatal and not self.shadow

    def act_names(self, known: Collection[str]) -> set[str]:
        """Return the acts it looks at, of those known."""
        return self.when.act_names(known)

    @property
    def watches(self) -> bool:
        """It waits for what becomes of an order."""
        return "silent_watch" in self.when.checks

    @property
    def version(self) -> str:
        """Identity of what the rule means: a hash of everything but names and examples."""
        shown = {"zh", "en", "breaks", "keeps", "reason_zh", "reason_en"}
        shown |= {"unanswered_zh", "unanswered_en"}
        if not self.shadow:
            shown.add("shadow")
        meant = self.model_dump(mode="json", by_alias=True, exclude=shown)
        return hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()[:12]


def act_names() -> frozenset[str]:
    """Return the names of the shipped acts."""
    return frozenset(act.name for act in shipped_acts())


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """Return the rules that come with the product."""
    text = files(__package__).joinpath("rules.yaml").read_text("utf-8")
    return tuple(read_rules(parsed(text), "rules.yaml", act_names()))


def load_rules(path: Path | None, acts: Collection[str]) -> tuple[Rule, ...]:
    """Return the shipped rules with a shop's own: new ones, and changes to those by code.

    ``{code: {drop: true}}`` leaves a rule out. Raises UsageError.
    """
    if path is None:
        return shipped_rules()
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(str(path), str(error)) from None
    return rules_with(text, str(path), acts)


def rules_with(text: str, where: str, acts: Collection[str]) -> tuple[Rule, ...]:
    """Return the shipped rules with a shop's own as they are written (see `load_rules`)."""
    rules = {rule.code: rule for rule in shipped_rules()}
    try:
        data = yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a day such as 2026-99-99
        raise _bad(where, " ".join(str(error).split())) from None
    known = {
        code: rule.model_dump(by_alias=True, exclude={"code"}, exclude_unset=True)
        for code, rule in rules.items()
    }
    for rule in read_rules(data, where, acts, known):
        rules[rule.code] = rule
    dropped = {
        code for code, entry in data.items() if isinstance(entry, dict) and entry.get("drop")
    }
    return tuple(rule for code, rule in rules.items() if code not in dropped)


def read_rules(
    data: Any, where: str, acts: Collection[str], known: dict[str, dict[str, Any]] | None = None
) -> list[Rule]:
    """Return the rules of a parsed file: code -> rule; raises UsageError that names the place."""
    if not isinstance(data, dict) or not all(isinstance(entry, dict) for entry in data.values()):
        raise _bad(where, "write CODE: {…} for each rule")
    found = list[Rule]()
    for code, entry in data.items():
        if entry.get("drop"):
            continue
        base = (known or {}).get(str(code), {})
        settings = base.get("settings", {}) | (entry.get("settings") or {})
        try:
            rule = Rule.model_validate(base | entry | {"code": str(code), "settings": settings})
            rule.when.check_names(acts)
        except ValidationError as error:
            first = error.errors()[0]
            raise _bad(
                f"{where}: {code}", f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from None
        except (ValueError, TypeError) as error:
            raise _bad(f"{where}: {code}", str(error)) from None
        except UsageError as error:
            raise UsageError(
                f"{where}: {code}: {error}", zh=f"{where}：{code}：{error.text_zh}"
            ) from None
        found.append(rule)
    return found


def _bad(where: str, reason: str) -> UsageError:
    return UsageError(f"{where}: {reason}.", zh=f"{where}：规则有误（{reason}）。")
