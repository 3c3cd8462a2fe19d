"""What a relation depends on, read from the SQL of the steps themselves.

A setting reaches the steps as columns of ``run_shops``, as rows of ``setting_texts`` that carry
its name, or through ``shop_clock``, ``shop_days`` and ``duty_marks``. So what a change of settings
means is found by making these relations under the old and the new settings: where they differ, the
steps whose SQL has the word depend on it, and every step after those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from jinpai.conversations.inputs import RunShop, run_relations
from jinpai.engine.plan import Step
from jinpai.settings import Settings

__all__ = ["ancestors", "downstream", "reads", "seen_through", "setting_words"]


def words_of(sql: str) -> set[str]:
    """Return the words of a statement, comments left out."""
    return set(re.findall(r"\w+", re.sub(r"--.*", "", sql)))


def downstream(steps: Sequence[Step], words: Set[str]) -> set[str]:
    """Return the steps that read one of the words, or a step that does."""
    found = set(words)
    for step in steps:
        if words_of(step.sql) & found:
            found.add(step.name)
    return found & {step.name for step in steps}


def ancestors(steps: Sequence[Step], wanted: Iterable[str]) -> list[Step]:
    """Return the steps needed for the wanted ones, in their order."""
    needed = set(wanted)
    for step in reversed(steps):
        if step.name in needed:
            needed |= words_of(step.sql)
    return [step for step in steps if step.name in needed]


def seen_through(steps: Sequence[Step], table: str) -> set[str]:
    """Return the words of all statements that read a table, views over it followed.

    A column may have a table's name: sessions count ``messages``.

    >>> steps = [Step("talks", "select buyer_id from messages"), Step("s", "select messages, kind")]
    >>> sorted(seen_through(steps, "messages") & {"buyer_id", "kind"})
    ['buyer_id']
    """
    names, words = {table}, set[str]()
    for step in steps:
        if _sources(step.sql) & names:
            words |= words_of(step.sql)
            if not step.keep:
                names.add(step.name)
    return words


def _sources(sql: str) -> set[str]:
    """Return the relations that a statement reads, its own WITH names among them."""
    return set(re.findall(r"\b(?:from|join)\s+(\w+)", re.sub(r"--.*", "", sql), re.IGNORECASE))


def reads(steps: Sequence[Step], names: Iterable[str]) -> set[str]:
    """Return those of the names that some step mentions."""
    every: set[str] = set().union(*(words_of(step.sql) for step in steps))
    return every & set(names)


def setting_words(shop: RunShop, timezone: str, settings: Settings) -> set[str]:
    """Return the words by which steps tell a shop from what it was under another zone and settings.

    Empty where no step can notice the difference.
    """
    then = run_relations([replace(shop, timezone=timezone, settings=settings)])
    now = run_relations([shop])
    found: set[str] = set()
    for name in ("shop_clock", "shop_days", "duty_marks"):
        if not then[name].equals(now[name]):
            found.add(name)
    shops = zip(then["run_shops"].columns, now["run_shops"].columns, strict=True)
    for name, (old, new) in zip(now["run_shops"].column_names, shops, strict=True):
        if not old.equals(new):
            found.add(name)
    texts = {tuple(row.values()) for row in then["setting_texts"].to_pylist()}
    texts ^= {tuple(row.values()) for row in now["setting_texts"].to_pylist()}
    return found | {setting for _, setting, *_ in texts}
