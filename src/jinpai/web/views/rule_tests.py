"""How right the rules are: by the reviewers' rulings or a labelled file; rules on trial."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, UploadFile
from starlette.responses import Response

from jinpai.errors import InputError, UnknownName, UsageError
from jinpai.inspection import count_by_rule
from jinpai.quality.backtest import Truth, measure, read_truth
from jinpai.quality.backtest import curve as curve_of
from jinpai.quality.book import Book, book_id, load_book
from jinpai.quality.rule import Rule
from jinpai.review.decisions import decisions
from jinpai.review.labels import write_labels
from jinpai.web.charts import Chart, line
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.marks import rule_word
from jinpai.web.sessions import alone
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.workspace import Workspace

__all__ = ["router"]

router = APIRouter()
_MB, _UNPACKED_MB = 32, 256
_FIGURES = ("precision", "recall", "f1")


class _Tested(NamedTuple):
    """How right the rules are on ``n`` labelled dialogues.

    Attributes:
        figures: of each rule (`backtest.Counts.figures`).
        points: those of one rule at values of a setting, where one was asked for.
    """

    n: int
    figures: list[dict[str, Any]]
    points: list[dict[str, Any]]


@router.get("/rule-tests", name="rule_tests")
def rule_tests(page: PageOf) -> Response:
    """Show how right each rule is by the reviewers' rulings, and what rules on trial find."""
    book, asked = load_book(page.reader.root), page.query.get("curve", "")
    chosen = _chosen(book, asked)
    with page.store.read() as session:
        decided = sha256(repr(decisions(session).to_pydict()).encode()).hexdigest()
    question = ("rule tests", decided, book_id(page.reader.root), asked)
    tested = page.reader.kept(question, lambda: _tested(book, _by_rulings(page, book), chosen))
    return page.show(_view(page, book, tested, page.w("rule_tests_rulings"), asked))


@router.post("/rule-tests", name="rule_tests_file")
def rule_tests_file(
    page: PageOf, file: UploadFile, curve: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Show the same by a labelled file, which is not kept."""
    w, book = page.w, load_book(page.reader.root)
    name, chosen = Path(file.filename or "").name[:80], _chosen(book, curve)
    source = w("rule_tests_of_file", name=name)
    try:
        with alone():
            tested = _tested(book, _by_file(book, file), chosen)
    except (InputError, UsageError) as error:
        told = w.pick(error.text_zh, str(error))
        return page.show(_view(page, book, _Tested(0, [], []), source, curve, told))
    return page.show(_view(page, book, tested, source, curve))


def _tested(book: Book, truths: Sequence[Truth], chosen: tuple[Rule, str] | None) -> _Tested:
    found = [one.figures() for one in measure(book.rules, book.scanner, truths)]
    points = curve_of(*chosen, (), book.scanner, truths) if chosen and truths else []
    return _Tested(len(truths), found, points)


def _chosen(book: Book, asked: str) -> tuple[Rule, str] | None:
    """Return the rule and setting of ``RULE.SETTING``; raises UnknownName."""
    if not asked:
        return None
    code, _, setting = asked.partition(".")
    known = {rule.code: rule for rule in book.rules}
    if code not in known:
        raise UnknownName("rule", code, known)
    if setting not in known[code].settings:
        raise UnknownName("setting", setting, known[code].settings)
    return known[code], setting


def _by_rulings(page: Page, book: Book) -> Sequence[Truth]:
    """The sessions with decided findings; none where nothing was decided."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rulings.jsonl"
        with path.open("w", encoding="utf-8") as out:
            written = write_labels(Workspace(page.reader.root), page.store, out)
        return read_truth(path, book.scanner) if written.labels else ()


def _by_file(book: Book, file: UploadFile) -> Sequence[Truth]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labelled.jsonl"
        with path.open("wb") as out:
            _copy(file.file, out, _MB)
        _check_unpacked(path)
        try:
            return read_truth(path, book.scanner)
        except InputError as error:  # nobody needs the name of a passing file
            en, zh = (text.replace(str(path), path.name) for text in (str(error), error.text_zh))
            raise InputError(en, zh=zh) from None


def _copy(source: IO[bytes] | gzip.GzipFile, out: IO[bytes] | None, most: int) -> None:
    """Copy a file, or only count it; raises InputError beyond so many MB."""
    size = 0
    for part in iter(partial(source.read, 1 << 20), b""):
        size += len(part)
        if size > most << 20:
            raise InputError(f"The file is larger than {most} MB.", zh=f"文件超过 {most} MB。")
        if out is not None:
            out.write(part)


def _check_unpacked(path: Path) -> None:
    """Refuse a small file that would become a large one; what is no gzip is told by the reader."""
    with suppress(OSError, EOFError, zlib.error), gzip.open(path) as unpacked:
        _copy(unpacked, None, _UNPACKED_MB)


def _view(page: Page, book: Book, tested: _Tested, source: str, asked: str, told: str = "") -> View:
    w = page.w
    settings = [
        (f"{rule.code}.{name}", f"{w.pick(rule.zh, rule.en)} · {_setting(page, name, value)}")
        for rule in book.rules
        for name, value in rule.settings.items()
    ]
    tables = [_figures(page, tested), _shadows(page, book)]
    charts: dict[str, Chart] = {}
    shown: dict[str, Any] = {
        "source": source, "told": told, "settings": settings, "asked": asked, "mb": _MB,
        "n": tested.n, "in_force": "",
    }  # fmt: skip
    chosen = _chosen(book, asked)
    if chosen and tested.points:
        rule, setting = chosen
        shown["in_force"] = f"{rule.settings[setting]:g}"
        tables.append(_points(page, tested.points))
        if any(one["right"] or one["wrong"] for one in tested.points):
            charts["curve"] = _drawn(page, tested.points)
    status = 400 if told else 200
    return View("rule_tests.html.j2", w("rule_tests"), tables, charts, shown, status=status)


def _setting(page: Page, name: str, value: float) -> str:
    word = f"rule_setting_{name}"
    return page.w(word, n=f"{value:g}") if page.w.has(word) else f"{name} {value:g}"


def _columns(page: Page, first: Column) -> list[Column]:
    w = page.w
    return [
        first,
        *(Column(f, w(f"rule_test_{f}"), "count") for f in ("right", "wrong", "missed")),
        *(Column(name, w(f"rule_test_{name}"), "ratio") for name in _FIGURES),
    ]


def _cells(page: Page, one: Mapping[str, Any]) -> dict[str, Cell]:
    made = {name: Cell(one[name]) for name in ("right", "wrong", "missed")}
    for name in _FIGURES:
        bounds = one[f"{name}_interval"]
        known = one[name] is not None and bounds is not None
        between = [page.w.percent(bound) for bound in bounds] if known else []
        made[name] = Cell(one[name], under="–".join(between))
    return made


def _figures(page: Page, tested: _Tested) -> Table:
    w = page.w
    rows = [
        {"rule": Cell(rule_word(page, one["rule"]), href=page.url("rule", code=one["rule"]))}
        | _cells(page, one)
        for one in tested.figures
        if one["right"] or one["wrong"] or one["missed"]
    ]
    columns = _columns(page, Column("rule", w("finding_rule"), is_fixed=True))
    to = page.url("reviews") if page.may("reviews") else ""
    empty = Empty(w("rule_tests_none"), to, w("reviews"))
    return Table("figures", w("rule_tests_list"), columns, rows, empty)


def _points(page: Page, points: Sequence[Mapping[str, Any]]) -> Table:
    w = page.w
    first = Column("value", w("rule_curve_value"), "number", is_fixed=True)
    rows: list[Row] = [
        {"value": Cell(one["value"], text=f"{one['value']:g}")} | _cells(page, one)
        for one in points
    ]
    columns = _columns(page, first)
    return Table("points", w("rule_curve_points"), columns, rows, Empty(w("rule_curve_nothing")))


def _drawn(page: Page, points: Sequence[Mapping[str, Any]]) -> Chart:
    lines = [
        line(page.w(f"rule_test_{name}"), [one[name] for one in points])
        for name in _FIGURES
        if any(one[name] is not None for one in points)
    ]
    labels = [f"{one['value']:g}" for one in points]
    return {"kind": "steps", "unit": "ratio", "labels": labels, "lines": lines, "height": 260}


def _shadows(page: Page, book: Book) -> Table:
    """What rules on trial found in the period, and those that found nothing."""
    w, filters = page.w, page.filters
    period = filters.period
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("findings", w("shadow_findings"), "count"),
        Column("sessions", w("shadow_sessions"), "count"),
        Column("agents", w("shadow_agents"), "count"),
    ]
    with page.reader.derived(filters.shop_id) as (engine, _, _snapshot):
        counted = count_by_rule(engine, filters.shop_id, period.first, period.last)
    found = {one["rule"]: one for one in counted if one["is_shadow"]}
    names = dict.fromkeys([*found, *(rule.code for rule in book.rules if rule.shadow)])
    rows: list[Row] = [
        {
            "rule": Cell(rule_word(page, code), href=page.url("findings", code=code, kind="all")),
            **{
                name: Cell(found[code][name] if code in found else 0)
                for name in ("findings", "sessions", "agents")
            },
        }
        for code in names
    ]
    return Table("shadows", w("shadow_list"), columns, rows, Empty(w("shadow_none")))
