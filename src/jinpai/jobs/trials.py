"""What would be: a setting changed, rules changed, rules tested, cases chosen. Nothing is changed.

Each reads a month of messages or more, so it is a job of the worker, not of the server. What comes
of it is JSON in the job's folder; the pages that ask for it draw it (`web.trials`).
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from jinpai.errors import InputError, UnknownName
from jinpai.jobs.batches import batch_of
from jinpai.metrics.result import json_value
from jinpai.quality.acts.patterns import load_acts
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.backtest import Truth, curve, measure, read_truth
from jinpai.quality.book import Book, load_book, own_files
from jinpai.quality.cases import lessons, lessons_json
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.names import RULES_FILE
from jinpai.quality.rule import Rule, rules_with
from jinpai.quality.rule_diff import compare, day_of
from jinpai.review.labels import write_labels
from jinpai.store import open_store
from jinpai.workspace import Workspace

__all__ = ["TRIAL_FILE", "book_of", "setting_of_rule", "work_out"]

TRIAL_FILE = "trial.json"
_UNPACKED_MB = 256
Tell = Callable[[str, float | None], None]
_Args = Mapping[str, Any]
_Made = dict[str, Any]


def work_out(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    """Return what would be, as JSON values.

    Args:
        args: ``of`` says what: setting, rules, rule_tests, rule_file, cases; the rest is its own.
        tell: told how far it is; what it raises ends the work.
    Raises:
        UsageError: nothing was run; a value, rule or setting that cannot be.
        InputError: a labelled file that cannot be read.
    """
    tell("", None)
    return _KINDS[args["of"]](workspace, args, tell)


def book_of(root: Path, text: str) -> Book:
    """Return a workspace's rules as they would be with a text in the place of its own.

    Raises UsageError for rules that cannot be read.
    """
    acts, placeholders = load_acts(own_files(root)[1])
    return Book(rules_with(text, RULES_FILE, {act.name for act in acts}), acts, placeholders)


def setting_of_rule(book: Book, asked: str) -> tuple[Rule, str] | None:
    """Return the rule and setting of ``RULE.SETTING``, None of an empty text.

    Raises UnknownName.
    """
    if not asked:
        return None
    code, _, setting = asked.partition(".")
    known = {rule.code: rule for rule in book.rules}
    if code not in known:
        raise UnknownName("rule", code, known)
    if setting not in known[code].settings:
        raise UnknownName("setting", setting, known[code].settings)
    return known[code], setting


def _days(args: _Args) -> tuple[date, date]:
    return date.fromisoformat(args["first"]), date.fromisoformat(args["last"])


# -- settings ------------------------------------------------------------------------------------


def _setting(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    first, last = _days(args)
    found = workspace.preview_setting(
        args["name"], args["value"], first=first, last=last, shop_id=args["shop"]
    )
    changed = [
        one._replace(before=json_value(one.before), after=json_value(one.after))._asdict()
        for one in found.changed
    ]
    told = {"old": found.old, "new": found.new, "figures": found.figures, "acts": found.acts}
    return told | {"changed": changed}


# -- sessions judged again -----------------------------------------------------------------------


def _sessions(
    workspace: Workspace, args: _Args, judge: Judge, scanner: Scanner, tell: Tell
) -> Iterator[Inspected]:
    """Yield the sessions of a shop that began in a period, judged; tells how many there were."""
    first, last = _days(args)

    def zone_of(shop: str) -> str:
        return workspace.config.shop(shop).timezone

    judged = workspace.inspect(judge, scanner, shop_id=args["shop"])
    for number, one in enumerate(judged, 1):
        tell(f"{number:,}", None)
        if first <= day_of(one, zone_of) <= last:
            yield one


def _rules(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    old, new = load_book(workspace.root), book_of(workspace.root, args["text"])
    sessions = _sessions(workspace, args, old.judge, old.scanner, tell)
    return dict(compare(sessions, old.judge, new.judge).to_json())


def _cases(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    book, number = load_book(workspace.root), int(args["n"])
    faults = [one for one in book.rules if not one.is_merit]
    chosen = [one for one in faults if args["code"] in ("", one.code)]
    sessions = _sessions(workspace, args, book.judge, book.scanner, tell)
    credited, names = _of_last_run(workspace, args)
    found = lessons(
        sessions, chosen, credited, agent=args["agent"] or None, bad=number, good=number
    )
    acts = {one.name: (one.zh, one.en) for one in book.acts}
    return {"lessons": lessons_json(found, names, acts)}


def _of_last_run(workspace: Workspace, args: _Args) -> tuple[set[tuple[str, str]], dict[str, str]]:
    """Return the (buyer, account) of credited orders, and the names of the accounts."""
    credits = (
        "select distinct buyer_id, agent_id from credits where status = 'credited'"
        " and shop_id = $shop_id and judge_rule = $rule"
    )
    roster = "select agent_id, name from roster where shop_id = $shop_id"
    shop = {"shop_id": args["shop"]}
    with workspace.derived(args["shop"]) as (engine, _, _snapshot):
        rows = engine.fetch("credited buyers", credits, shop | {"rule": args["rule"]}).to_pylist()
        named = engine.fetch("roster", roster, shop).to_pylist()
    names = {row["agent_id"]: row["name"] or row["agent_id"] for row in named}
    return {(row["buyer_id"], row["agent_id"]) for row in rows}, names


# -- rules tested --------------------------------------------------------------------------------


def _by_rulings(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    book = load_book(workspace.root)
    with tempfile.TemporaryDirectory() as folder, open_store(workspace.config) as store:
        path = Path(folder) / "rulings.jsonl"
        with path.open("w", encoding="utf-8") as out:
            written = write_labels(workspace, store, out)
        truths = read_truth(path, book.scanner) if written.labels else ()
    return _tested(book, truths, args["curve"])


def _by_file(workspace: Workspace, args: _Args, tell: Tell) -> _Made:
    book = load_book(workspace.root)
    (sent,) = batch_of(workspace.root, args["batch"]).files()
    _check_unpacked(sent.path)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labelled.jsonl"
        path.symlink_to(sent.path.resolve())
        try:
            truths = read_truth(path, book.scanner)
        except InputError as error:  # nobody needs the name of a passing file
            en, zh = (text.replace(str(path), path.name) for text in (str(error), error.text_zh))
            raise InputError(en, zh=zh) from None
    return _tested(book, truths, args["curve"])


def _tested(book: Book, truths: Sequence[Truth], asked: str) -> _Made:
    chosen = setting_of_rule(book, asked)
    figures = [one.figures() for one in measure(book.rules, book.scanner, truths)]
    points = curve(*chosen, (), book.scanner, truths) if chosen and truths else []
    return {"n": len(truths), "figures": figures, "points": points}


def _check_unpacked(path: Path) -> None:
    """Refuse a small file that would become a large one; what is no gzip is told by the reader."""
    with suppress(OSError, EOFError, zlib.error), gzip.open(path) as unpacked:
        size = 0
        for part in iter(partial(unpacked.read, 1 << 20), b""):
            size += len(part)
            if size > _UNPACKED_MB << 20:
                raise InputError(
                    f"The file is larger than {_UNPACKED_MB} MB.",
                    zh=f"文件超过 {_UNPACKED_MB} MB。",
                )


_KINDS: dict[str, Callable[[Workspace, _Args, Tell], _Made]] = {
    "setting": _setting,
    "rules": _rules,
    "rule_tests": _by_rulings,
    "rule_file": _by_file,
    "cases": _cases,
}
