"""Settings: what is in force, changing one, and every change that was made."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.errors import Conflict, UsageError, WorkspaceError
from jinpai.settings import REGISTRY, Setting, Value, setting
from jinpai.store import log_event
from jinpai.web.background import clock
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.reading import NotRun
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.workspace_config import Change, load_config

__all__ = ["router", "wanted_value", "written_value"]

router = APIRouter()
Short = Annotated[str, Form(max_length=200)]
Long = Annotated[str, Form(max_length=50_000)]
_BADGES = {"default": "secondary", "workspace": "yellow", "shop": "green"}


@router.get("/settings", name="settings")
def settings(page: PageOf) -> Response:
    """List the settings in force and the changes; one can be opened to change it."""
    return _settings(page)


def _settings(page: Page, told: str = "", typed: str | None = None) -> Response:
    w, config = page.w, load_config(page.reader.root)
    columns = [
        Column("what", w("setting_what"), is_fixed=True, is_sortable=False),
        Column("value", w("setting_value"), is_sortable=False),
        Column("source", w("setting_source")),
        Column("name", w("setting_name")),
    ]
    rows = [_row(page, config, one) for one in REGISTRY.values()]
    past = [
        Column("at", w("audit_at"), "time", is_fixed=True),
        Column("setting", w("setting_what"), is_sortable=False),
        Column("place", w("setting_place")),
        Column("old", w("audit_before"), is_sortable=False),
        Column("new", w("audit_after"), is_sortable=False),
    ]
    changes = [_change(page, one) for one in reversed(config.history())]
    tables = [
        Table("settings", w("settings_list"), columns, rows, Empty(w("settings_unchanged"))),
        Table("history", w("settings_history"), past, changes, Empty(w("settings_unchanged"))),
    ]
    name = page.query.get("name")
    chosen = None if name is None else _chosen(page, config, setting(name), typed)
    has_run = page.reader.lake.snapshot().run is not None
    shown = {"chosen": chosen, "told": told, "has_run": has_run}
    view = View(
        "settings.html.j2", w("settings"), tables=tables, data=shown, status=400 if told else 200
    )
    return page.show(view)


def _shop_id(page: Page) -> str:
    """The shop that is looked at; before the first run, when there are no filters, too."""
    try:
        return page.filters.shop_id
    except NotRun:
        return page.reader.config.default_shop


def _row(page: Page, config: Any, entry: Setting) -> Row:
    w, found = page.w, config.get(entry.name, _shop_id(page))
    source = w(f"setting_from_{found.source}")
    return {
        "what": Cell(w.pick(entry.zh, entry.en), href=_href(page, entry.name)),
        "value": Cell(written_value(found.value), text=_shown(page, entry, found.value)),
        "source": Cell(found.source, text=source, badge=_BADGES[found.source]),
        "name": Cell(entry.name),
    }


def _href(page: Page, name: str) -> str:
    return page.url("settings", name=name) + "#setting"


def written_value(value: Value) -> str:
    """Return a value as it is written in the file."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(page: Page, entry: Setting, value: Value) -> str:
    """A value as people read it: lists by their length, numbers with their unit."""
    w = page.w
    if value is None:
        return w("setting_unset")
    if entry.kind == "texts":
        return w("setting_texts", n=len(value)) if value else w("setting_no_texts")
    if entry.kind == "switch":
        return w("setting_on" if value else "setting_off")
    if entry.kind in ("seconds", "hours", "days"):
        return w(f"setting_in_{entry.kind}", n=f"{value:,}")
    if entry.choices:
        return choice_text(page, str(value))
    return w("setting_duty") if entry.kind == "duty_hours" else written_value(value)


def choice_text(page: Page, value: str) -> str:
    """Return one of a setting's choices in words."""
    return page.w(f"setting_is_{value}")


def _told(page: Page, entry: Setting | None, value: Value) -> str:
    """A value of the history: lists in full."""
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return page.w("comma").join(map(str, value))
    return written_value(value) if entry is None else _shown(page, entry, value)


def _change(page: Page, one: Change) -> Row:
    w = page.w
    entry = REGISTRY.get(one.name)
    by_hand = w("setting_by_hand") if one.by_hand else ""
    old, new = (
        Cell(written_value(value), text=_told(page, entry, value)) if value is not None
        else Cell(w("setting_unset"))
        for value in (one.old, one.new)
    )  # fmt: skip
    return {
        "at": Cell(one.at, text=clock(page, one.at)),
        "setting": Cell(w.pick(entry.zh, entry.en) if entry else one.name, under=by_hand),
        "place": Cell(page.reader.shop_name(one.shop_id) if one.shop_id else w("setting_all")),
        "old": old,
        "new": new,
    }


def _chosen(page: Page, config: Any, entry: Setting, typed: str | None) -> dict[str, Any]:
    """What the form of one setting shows."""
    shop_id = _shop_id(page)
    found = config.get(entry.name, shop_id)
    value = found.value
    text = "\n".join(value) if entry.kind == "texts" else written_value(value)
    choices = ("true", "false") if entry.kind == "switch" else tuple(entry.choices)
    return {
        "name": entry.name,
        "what": page.w.pick(entry.zh, entry.en),
        "takes": page.w.pick(entry.takes_zh, entry.takes),
        "kind": entry.kind,
        "choices": [(one, choice_text(page, one)) for one in choices],
        "text": text if typed is None else typed,
        "default": _shown(page, entry, entry.default),
        "is_default": found.source == "default",
        "source": found.source,
        "shop": page.reader.shop_name(shop_id),
    }


@router.post("/settings", name="setting_change")
def setting_change(
    page: PageOf, name: Short, value: Long = "", place: Short = "all", back: Short = ""
) -> Response:
    """Change a setting for all shops or one, or take the change back."""
    entry = setting(name)
    shop_id = _shop_id(page) if place == "shop" else None
    wanted: Value = wanted_value(entry, value)
    try:
        _save(page, name, None if back else wanted, shop_id)
    except (UsageError, Conflict, WorkspaceError) as error:
        return _settings(page, page.w.pick(error.text_zh, str(error)), value)
    return RedirectResponse(page.url("settings"), 303)


def _save(page: Page, name: str, value: Value, shop_id: str | None) -> None:
    """Write a setting and its audit entry: both, or neither when one of them fails."""
    made: Change | None = None
    try:
        with page.store.write() as session:
            made = load_config(page.reader.root).set(name, value, shop_id)
            if made.old == made.new:
                return
            log_event(
                session, actor=page.user.login, kind="setting.changed",
                subject=f"setting:{name}", before={"value": made.old, "shop": shop_id},
                after={"value": made.new, "shop": shop_id},
            )  # fmt: skip
    except BaseException:
        if made is not None and made.old != made.new:
            load_config(page.reader.root).set(name, made.old, shop_id)
        raise


def wanted_value(entry: Setting, value: str) -> Value:
    """Return what was typed as the setting takes it: lists have a text a line."""
    if entry.kind != "texts":
        return value
    return [line.strip() for line in value.splitlines() if line.strip()]
