"""From what a page has to what was asked for: HTML, JSON, or one table as CSV, XLSX or JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse
from starlette.responses import HTMLResponse, Response

from jinpai.errors import UnknownName
from jinpai.metrics.result import json_value
from jinpai.store import log_event
from jinpai.web.charts import Chart
from jinpai.web.errors import Forbidden, WebError, error_json, wants_json
from jinpai.web.export import csv_answer, json_answer, xlsx_answer
from jinpai.web.reading import NotRun
from jinpai.web.render import render
from jinpai.web.tables import Table, as_asked

if TYPE_CHECKING:
    from jinpai.web.contexts import Page

__all__ = ["Answered", "View", "answer"]

_CODES = {401: "sign_in", 404: "not_found", 409: "conflict", 422: "invalid"}
_EXPORTS = {"csv": csv_answer, "xlsx": xlsx_answer, "json": json_answer}


class Answered(Exception):
    """The answer is there already: what the browser has, or what was made for it before."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        super().__init__()


@dataclass(frozen=True)
class View:
    """What a page shows, before anybody chose a form.

    Attributes:
        template: of the HTML page; it sees ``page``, ``view``, ``w`` and the names of ``data``.
        title: of the page, in the reader's language.
        tables: each can be sorted, narrowed and exported.
        charts: by the id of their place.
        data: further values for the template; what is plain JSON is in the JSON answer too,
            under ``shown``.
        json: values for the JSON answer only.
    """

    template: str
    title: str
    tables: Sequence[Table] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    json: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200

    def table(self, name: str) -> Table:
        """Return a table by name; raises UnknownName."""
        for table in self.tables:
            if table.name == name:
                return table
        raise UnknownName("table", name, [table.name for table in self.tables])


def answer(page: Page, view: View) -> Response:
    """Answer in the form that was asked for.

    Raises UnknownName for a table or format the page does not have.
    """
    view = replace(view, tables=[as_asked(table, page.query) for table in view.tables])
    form, name = page.query.get("format", ""), page.query.get("table", "")
    if form not in ("", "html", *_EXPORTS):
        raise UnknownName("format", form, ("html", *_EXPORTS))
    if form in ("csv", "xlsx") or (form == "json" and name):
        return _export(page, view, form, name)
    headers = {"etag": page.etag} if page.etag else {}
    headers["vary"] = "accept, cookie, accept-language, hx-request"
    made: Response
    if form == "json" or (form != "html" and wants_json(page.request)):
        made = _json(page, view, headers)
    else:
        made = HTMLResponse(render(page, view), view.status, headers)
    if page.etag:  # it stands for all that the answer was made of
        page.reader.memory.keep(page.etag, made, len(made.body))
    return made


def _json(page: Page, view: View, headers: dict[str, str]) -> Response:
    """Answer with the page's JSON; what the store holds too is sent only where it changed."""
    if view.status >= 400:  # a page that says what is wrong; to a program only that is said
        return JSONResponse(error_json(_refused(view)), view.status, headers)
    made = JSONResponse(_document(page, view), view.status, headers)
    if page.etag or view.status != 200 or page.request.method not in ("GET", "HEAD"):
        return made
    etag = f'W/"{hashlib.sha256(made.body).hexdigest()[:24]}"'
    made.headers["etag"] = etag
    if etag in page.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": etag, "vary": made.headers["vary"]})
    return made


def _refused(view: View) -> WebError:
    told = str(view.data.get("told") or "")
    made = WebError(told, told)
    made.status, made.code = view.status, _CODES.get(view.status, made.code)
    return made


def _export(page: Page, view: View, form: str, name: str) -> Response:
    table = view.table(name or (view.tables[0].name if view.tables else ""))
    signed = page.signed
    if signed is None or not signed.may("export"):
        raise Forbidden
    with page.store.write() as session:
        log_event(
            session,
            actor=signed.user.login,
            kind="table.exported",
            subject=f"page:{page.request.scope['route'].name}",
            after={"table": table.name, "format": form, "query": str(page.request.url.query)[:500]},
        )
    return _EXPORTS[form](table, file_name(page, table))


def file_name(page: Page, table: Table) -> str:
    """Return the name of a downloaded table, without the ending; its title before the first run."""
    try:
        filters = page.filters
    except NotRun:
        return table.title
    days = f"{filters.period.first}_{filters.period.last}"
    return f"{filters.shop_id}-{table.title}-{days}"


def _document(page: Page, view: View) -> dict[str, Any]:
    """The JSON of a page: what it is about, its tables, what else it says."""
    made: dict[str, Any] = {"page": page.request.scope["route"].name, "title": view.title}
    if page.etag:
        filters = page.filters
        made |= {
            "shop_id": filters.shop_id,
            "first": filters.period.first.isoformat(),
            "last": filters.period.last.isoformat(),
            "judge_rule": filters.rule,
            "settings_id": filters.shop.settings_id,
            "as_of_us": filters.shop.as_of_us,
            "is_stale": page.reader.is_stale(filters.shop_id),
        }
    made["tables"] = {table.name: table.as_json() for table in view.tables}
    return made | {name: json_value(value) for name, value in view.json.items()}
