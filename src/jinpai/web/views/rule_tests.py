"""How right the rules are: by the reviewers' rulings or a labelled file; rules on trial."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from jinpai.errors import UsageError
from jinpai.inspection import count_by_rule
from jinpai.jobs.batches import TooLarge, new_batch
from jinpai.jobs.trials import setting_of_rule
from jinpai.quality.book import Book, book_id, load_book
from jinpai.review.decisions import decisions
from jinpai.web.background import queue_of
from jinpai.web.charts import Chart, line
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.marks import rule_word
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.trials import Trial, ask_trial, go_to, trial_of, trial_shown

__all__ = ["file_view", "router"]

router = APIRouter()
_MB = 32
_FIGURES = ("precision", "recall", "f1")
# As `jobs.trials` leaves it: n labelled dialogues, the figures of each rule (`Counts.figures`), and
# those of one rule at values of a setting, where one was asked for.
_Tested = Mapping[str, Any]
_NOTHING: _Tested = {"n": 0, "figures": (), "points": ()}


@router.get("/rule-tests", name="rule_tests")
def rule_tests(page: PageOf) -> Response:
    """Show how right each rule is by the reviewers' rulings, and what rules on trial find."""
    book, asked = load_book(page.reader.root), page.query.get("curve", "")
    trial = _trial(page, book, asked)
    shown = None if trial is None else trial_shown(page, trial, page.here(format=None))
    tested = None if trial is None else trial.found
    view = _view(page, book, tested or _NOTHING, page.w("rule_tests_rulings"), asked)
    return page.show(replace(view, data={**view.data, "trial": shown}, json={"trial": shown}))


@router.post("/rule-tests", name="rule_tests_try")
def rule_tests_try(page: PageOf) -> Response:
    """Ask for the rules to be tested by the rulings."""
    trial = _trial(page, load_book(page.reader.root), page.query.get("curve", ""))
    if trial is not None:
        ask_trial(page, trial)
    return go_to(page, page.here())


def _trial(page: Page, book: Book, asked: str) -> Trial | None:
    """Return the question, None where no finding was decided yet; raises UnknownName."""
    setting_of_rule(book, asked)
    with page.store.read() as session:
        decided = decisions(session)
    if not decided.num_rows:
        return None
    known = sha256(repr(decided.to_pydict()).encode()).hexdigest()
    args = {"curve": asked, "decided": known, "book": book_id(page.reader.root)}
    return trial_of(page, "rule_tests", args)


@router.post("/rule-tests/file", name="rule_tests_file")
async def rule_tests_file(
    page: PageOf, file: UploadFile, curve: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Ask for the same by a labelled file, which is not kept; the trial's page shows it."""
    root = page.reader.root
    book = await run_in_threadpool(load_book, root)
    setting_of_rule(book, curve)
    batch = await run_in_threadpool(new_batch, root)
    try:
        sent = await batch.add(Path(file.filename or "").name[:80], _parts(file), _MB << 20)
    except TooLarge:
        await run_in_threadpool(batch.delete)
        told = f"The file is larger than {_MB} MB."
        raise UsageError(told, zh=f"文件超过 {_MB} MB。") from None
    args = {"of": "rule_file", "batch": batch.id, "curve": curve, "name": sent.name}
    job = await run_in_threadpool(queue_of(page).ask, "trial", args, by=page.user.login)
    return RedirectResponse(page.url("trial", job=job), 303)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(1 << 20):
        yield part


def file_view(page: Page, trial: Trial) -> View:
    """Return what a labelled file says of the rules."""
    book, args = load_book(page.reader.root), trial.args
    source = page.w("rule_tests_of_file", name=args["name"])
    return _view(page, book, trial.found or _NOTHING, source, args["curve"])


def _view(page: Page, book: Book, tested: _Tested, source: str, asked: str) -> View:
    w = page.w
    settings = [
        (f"{rule.code}.{name}", f"{w.pick(rule.zh, rule.en)} · {_setting(page, name, value)}")
        for rule in book.rules
        for name, value in rule.settings.items()
    ]
    tables = [_figures(page, tested), _shadows(page, book)]
    charts: dict[str, Chart] = {}
    shown: dict[str, Any] = {
        "source": source, "settings": settings, "asked": asked, "mb": _MB,
        "n": tested["n"], "in_force": "", "trial": None,
    }  # fmt: skip
    chosen = setting_of_rule(book, asked)
    if chosen and tested["points"]:
        rule, setting = chosen
        shown["in_force"] = f"{rule.settings[setting]:g}"
        tables.append(_points(page, tested["points"]))
        if any(one["right"] or one["wrong"] for one in tested["points"]):
            charts["curve"] = _drawn(page, tested["points"])
    return View("rule_tests.html.j2", w("rule_tests"), tables, charts, shown)


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
        for one in tested["figures"]
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
