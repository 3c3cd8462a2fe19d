"""From a view to HTML: the templates and what they may call."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2

from jinpai import __version__
from jinpai.reports.sheet import width_of
from jinpai.web.menu import current, menu
from jinpai.web.permissions import role_name
from jinpai.web.tables import text_of

if TYPE_CHECKING:
    from jinpai.web.contexts import Page
    from jinpai.web.respond import View

__all__ = ["render"]


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("jinpai.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"version": __version__, "role_name": role_name}
    made.filters |= {"number": _number, "wide": width_of}
    return made


def render(page: Page, view: View) -> str:
    """Return the view's page, or with htmx asking for one part of it, the whole all the same."""
    groups = menu(page.signed.user.role) if page.signed else []
    route = getattr(page.request.scope.get("route"), "name", "")
    values: dict[str, Any] = {
        "page": page,
        "view": view,
        "w": page.w,
        "signed": page.signed,
        "groups": groups,
        "route": route,
        "at": current(groups, route, page.request.url.path, lambda one: _path(page, one)),
        "cell_text": lambda unit, cell: text_of(page.w, unit, cell),
        "chart_json": lambda name: _plain_json(view.charts[name] | {"money": page.w.money}),
    }
    return _templates().get_template(view.template).render(values | dict(view.data))


def _path(page: Page, route: str) -> str:
    return page.url(route).partition("?")[0]


def _number(value: Any) -> Any:
    """Money of a JSON answer is text; this is the number it writes."""
    return Decimal(value) if isinstance(value, str) else value


def _plain_json(value: Any) -> str:
    """JSON for an attribute; the template escapes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
