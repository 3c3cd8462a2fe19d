"""The rule editor: what is typed is looked over, its examples run, last month judged by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.errors import Conflict, UsageError
from jinpai.jobs.trials import book_of
from jinpai.quality.book import Book
from jinpai.quality.inspect import lint
from jinpai.quality.names import RULES_FILE, know_rules
from jinpai.quality.rule import shipped_rules
from jinpai.store import log_event
from jinpai.web.cases import moment
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.own_file import as_lines, mark_of, replace_file, text_of_file
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.trials import Trial, ask_trial, asks_for_part, days_of, last_month, trial_of

__all__ = ["diff_view", "router"]

router = APIRouter()
Typed = Annotated[str, Form(max_length=200_000)]
_EXAMPLE = """\
# asks_then_recommends:
#   zh: 先问后荐
#   en: Asks, then recommends
#   group: merit
#   points: 3
#   when: {sequence: 'ask_want .* ask_why .* recommend_also'}
#   reason_zh: 先问清需求再推荐
#   reason_en: Asked for the need before recommending
#   breaks: [B 在吗, A 您想要什么款式呢, B 裙子, A 是自己穿还是送人呢, B 送人, A 推荐您看看这款]
#   keeps: [B 在吗, A 推荐您看看这款]
"""
Seen = Annotated[str, Form(max_length=64)]


@router.get("/rule-editor", name="rule_edit")
def rule_edit(page: PageOf) -> Response:
    """Show the workspace's own rules as text, with their faults."""
    text = text_of_file(_file(page))
    return page.show(_editor(page, text, mark_of(text)))


@router.post("/rule-editor/check", name="rule_check")
def rule_check(page: PageOf, text: Typed = "") -> Response:
    """Look over what is typed and run its examples; nothing is saved."""
    return page.show(_checked(page, as_lines(text), "rule_check.html.j2"))


@router.post("/rule-editor", name="rule_save")
def rule_save(page: PageOf, seen: Seen, text: Typed = "") -> Response:
    """Save rules that can be read; refused where somebody else saved them meanwhile."""
    text = as_lines(text)
    try:
        _book(page, text)
        _save(page, text, seen)
    except (UsageError, Conflict) as error:  # what was typed must not be lost
        status = 409 if isinstance(error, Conflict) else 400
        told = page.w.pick(error.text_zh, str(error))
        return page.show(replace(_editor(page, text, seen, told), status=status))
    return RedirectResponse(page.url("rule_edit"), 303)


@router.post("/rule-editor/diff", name="rule_diff")
def rule_diff(page: PageOf, text: Typed = "") -> Response:
    """Ask what last month would look like under the rules that are typed; nothing is saved."""
    text = as_lines(text)
    try:
        _book(page, text)
    except UsageError as error:
        shown = {"fault": page.w.pick(error.text_zh, str(error)), "trial": None}
        tables = [_diff_rules(page, ()), _diff_agents(page, ())]
        return page.show(View("rule_diff.html.j2", page.w("rule_edit_title"), tables, data=shown))
    args = {"text": text, "shop": page.filters.shop_id, **days_of(last_month(page))}
    job = ask_trial(
        page, trial_of(page, "rules", {**args, "own": mark_of(text_of_file(_file(page)))})
    )
    return RedirectResponse(page.url("trial", job=job), 303)


def diff_view(page: Page, trial: Trial) -> View:
    """Return what last month would look like, on a page of its own or under the editor."""
    w, args = page.w, trial.args
    span = w.span(date.fromisoformat(args["first"]), date.fromisoformat(args["last"]))
    found: Mapping[str, Any] = trial.found or {"rules": [], "agents": [], "examples": []}
    shown: dict[str, Any] = {"fault": "", "said": "", "examples": [], "text": args["text"]}
    if trial.found is not None:
        gained, lost = (sum(one[kind] for one in found["rules"]) for kind in ("gained", "lost"))
        shown["said"] = w("rule_diff_said", n=found["sessions"], gained=gained, lost=lost)
        shown["examples"] = [_example(page, one, found) for one in found["examples"]]
    tables = [_diff_rules(page, found["rules"]), _diff_agents(page, found["agents"])]
    name = "rule_diff.html.j2" if asks_for_part(page) else "rule_diff_page.html.j2"
    return View(name, w("rule_diff", span=span), tables, data=shown)


def _file(page: Page) -> Path:
    return page.reader.root / RULES_FILE


def _book(page: Page, text: str) -> Book:
    """Return the rules as they would be; raises UsageError."""
    return book_of(page.reader.root, text)


def _save(page: Page, text: str, seen: str) -> None:
    """Write the rules and log it; raises Conflict where they are not what was looked at."""
    file = _file(page)
    with page.store.write() as session:
        before = text_of_file(file)
        if mark_of(before) != seen:
            raise Conflict(
                "The rules were saved by somebody else meanwhile. Copy your text, open them again "
                "and bring in your changes.",
                zh="规则已被他人修改。请先复制您的内容，重新打开后再改。",
            )
        log_event(
            session, actor=page.user.login, kind="rules.saved", subject=f"rules:{RULES_FILE}",
            before={"text": before}, after={"text": text},
        )  # fmt: skip
        replace_file(file, text)
    know_rules(page.reader.root)


def _editor(page: Page, text: str, seen: str, told: str = "") -> View:
    """The editor; with ``told``, why the text was not saved."""
    checked = _checked(page, text, "rule_edit.html.j2")
    typed = text if text.strip() else f"{page.w('rule_edit_example')}\n{_EXAMPLE}"
    data = {**checked.data, "text": typed, "seen": seen, "told": told}
    return replace(checked, title=page.w("rule_edit_title"), data=data)


def _checked(page: Page, text: str, template: str) -> View:
    """The rules whose examples do not hold, and what differs from the shipped ones."""
    w, title = page.w, page.w("rule_edit_title")
    try:
        book = _book(page, text)
        faults = [one for one in lint(book.judge, book.scanner) if not _is_moved(book, one[0])]
    except UsageError as error:
        shown = {"fault": w.pick(error.text_zh, str(error)), "clean": ""}
        return View(template, title, [_faults(page, []), _changes(page, None)], data=shown)
    clean = "" if faults else w("rule_edit_clean", n=len(book.rules))
    tables = [_faults(page, faults), _changes(page, book)]
    return View(template, title, tables, data={"fault": "", "clean": clean})


def _is_moved(book: Book, code: str) -> bool:
    """Whether a rule is a shipped one at another setting, with the example of the shipped one."""
    shipped = {one.code: one for one in shipped_rules()}.get(code)
    rule = book.judge.rule(code)
    if shipped is None or rule.settings == shipped.settings:
        return False
    return (rule.breaks, rule.keeps) == (shipped.breaks, shipped.keeps)


def _faults(page: Page, faults: Sequence[tuple[str, str, str]]) -> Table:
    w = page.w
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("said", w("rule_edit_problem"), is_sortable=False),
    ]
    rows: list[Row] = [
        {"rule": Cell(code), "said": Cell(w(f"rule_fault_{kind}", acts=acts))}
        for code, kind, acts in faults
    ]
    return Table("faults", w("rule_edit_faults"), columns, rows, Empty(w("rules_none")))


def _changes(page: Page, book: Book | None) -> Table:
    w = page.w
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("change", w("rule_change")),
        Column("points", w("finding_points"), "points"),
        Column("marks", w("talk_marks")),
        Column("code", w("setting_name")),
    ]
    shipped = {one.code: one for one in shipped_rules()}
    now = {one.code: one for one in book.rules} if book else shipped
    rows: list[Row] = []
    for code, rule in (shipped | now).items():
        kind = "new" if code not in shipped else "changed" if code in now else "dropped"
        if now.get(code) == shipped.get(code):
            continue
        marks = [w(f"mark_{name}") for name in ("fatal", "shadow") if getattr(rule, name)]
        rows.append(
            {
                "rule": Cell(w.pick(rule.zh, rule.en)),
                "change": Cell(kind, text=w(f"rule_change_{kind}"), badge="yellow"),
                "points": Cell(rule.cost, text=page.w.points(rule.cost)),
                "marks": Cell(w("comma").join(marks) or None, badge="secondary" if marks else ""),
                "code": Cell(code),
            }
        )
    empty = Empty(w("rule_edit_unchanged"))
    return Table("changes", w("rule_edit_changed"), columns, rows, empty)


def _diff_rules(page: Page, rules: Sequence[Mapping[str, Any]]) -> Table:
    w, counts = page.w, ("before", "after", "gained", "lost")
    columns = [
        Column("rule", w("finding_rule"), is_fixed=True),
        *(Column(name, w(f"rule_diff_{name}"), "count") for name in counts),
    ]
    rows: list[Row] = [
        {"rule": Cell(w.pick(one["zh"], one["en"])), **{name: Cell(one[name]) for name in counts}}
        for one in rules
        if one["gained"] or one["lost"]
    ]
    return Table("rules", w("rule_diff_rules"), columns, rows, Empty(w("rule_diff_same")))


def _diff_agents(page: Page, agents: Sequence[Mapping[str, Any]]) -> Table:
    w = page.w
    columns = [
        Column("agent", w("agent"), is_fixed=True),
        Column("sessions", w("rule_diff_sessions"), "count"),
        Column("score", w("rule_diff_score"), "number"),
        Column("score_after", w("rule_diff_score_after"), "number"),
        Column("rate", w("rule_diff_rate"), "ratio"),
        Column("rate_after", w("rule_diff_rate_after"), "ratio"),
    ]
    rows = []
    for one in agents:
        (score, then), (rate, rate_then) = (
            (one[f"{name}_before"], one[f"{name}_after"])
            for name in ("quality_score", "violation_sessions_rate")
        )
        row: Row = {
            "agent": Cell(page.sight.name(one["agent_id"]) or w("cell_unassigned")),
            "sessions": Cell(one["sessions"]),
            "score": Cell(score),
            "score_after": Cell(then, tone=_tone(then - score)),
            "rate": Cell(rate),
            "rate_after": Cell(rate_then, tone=_tone(rate - rate_then)),
        }
        rows.append(row)
    return Table("agents", w("rule_diff_agents"), columns, rows, Empty(w("rule_diff_same")))


def _tone(change: float) -> str:
    return "" if abs(change) < 1e-9 else "better" if change > 0 else "worse"


def _example(page: Page, one: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str]:
    w = page.w
    names = {rule["rule"]: w.pick(rule["zh"], rule["en"]) for rule in found["rules"]}
    return {
        "change": w(f"rule_diff_{one['change']}"),
        "tone": "red" if one["change"] == "gained" else "green",
        "rule": names.get(one["rule"], one["rule"]),
        "agent": page.sight.name(one["agent_id"]) or w("cell_unassigned"),
        "reason": w.pick(one["reason_zh"], one["reason_en"]),
        "at": moment(page, one["started_at"]),
    }
