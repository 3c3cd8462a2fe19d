"""Mappings: small YAML files that say how any other export is read; looked over as one types."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.errors import JinpaiError, UsageError
from jinpai.jobs.work import MAPPINGS, mapping_path
from jinpai.sources.mapping_model import load_mapping
from jinpai.store import log_event
from jinpai.toml_file import write_whole
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.import_tables import table_name

__all__ = ["router"]

router = APIRouter()
_LONGEST = 200_000
_NAME = re.compile(r"[A-Za-z0-9_\-\u4e00-\u9fff]{1,40}")
Typed = Annotated[str, Form(max_length=_LONGEST)]
EXAMPLE = """\
# 每个表写一段：左边是金牌的列，右边是文件里的列名。
# One part a table: our column on the left, the file's on the right.
timezone: Asia/Shanghai
tables:
  - table: messages
    columns:
      message_id: 编号
      buyer_id: 买家
      agent_id: 客服
      sent_at: {column: 时间, format: "%Y-%m-%d %H:%M:%S"}
      sender: {column: 发送方, map: {买家: buyer}, otherwise: agent}
      text: 内容
"""


@router.post("/import/mappings", name="mapping_new")
def mapping_new(page: PageOf, name: Annotated[str, Form(max_length=100)] = "") -> Response:
    """Make a mapping from the example, to be changed."""
    name, folder = name.strip(), page.reader.root / MAPPINGS
    if not _NAME.fullmatch(name):
        raise UsageError(
            "A mapping's name has up to 40 letters, digits, - and _.",
            zh="映射名最多 40 个字，只能用汉字、字母、数字、- 和 _。",
        )
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    if path.exists():
        raise UsageError(f"There is a mapping '{name}' already.", zh=f"已有名为“{name}”的映射。")
    _save(page, path, EXAMPLE, None)
    return RedirectResponse(page.url("mapping", mapping=name), 303)


@router.get("/import/mappings/{mapping}", name="mapping")
def mapping(page: PageOf, mapping: str) -> Response:
    """Show a mapping as text."""
    text = _file(page, mapping).read_text("utf-8")
    return _editor(page, mapping, text, _hash(text))


@router.post("/import/mappings/{mapping}/check", name="mapping_check")
def mapping_check(page: PageOf, mapping: str, text: Typed = "") -> Response:
    """Look over what is typed; nothing is saved."""
    _file(page, mapping)
    return page.show(View("mapping_check.html.j2", mapping, data=_checked(page, mapping, text)))


@router.post("/import/mappings/{mapping}", name="mapping_save")
def mapping_save(
    page: PageOf, mapping: str, seen: Annotated[str, Form(max_length=64)], text: Typed = ""
) -> Response:
    """Save a mapping that can be read; refused where somebody else saved it meanwhile."""
    path, text = _file(page, mapping), _lines(text)
    if fault := _checked(page, mapping, text)["fault"]:
        return _editor(page, mapping, text, seen, fault)
    before = path.read_text("utf-8")
    if _hash(before) != seen:
        told = page.w("mapping_changed")
        return _editor(page, mapping, text, seen, told)
    _save(page, path, text, before)
    return RedirectResponse(page.url("mapping", mapping=mapping, saved=1), 303)


def _editor(page: Page, name: str, text: str, seen: str, told: str = "") -> Response:
    shown: dict[str, Any] = {"name": name, "text": text, "seen": seen, "told": told}
    shown |= _checked(page, name, text) | {"saved": bool(page.query.get("saved")) and not told}
    title = page.w("mapping_title", name=name)
    return page.show(View("mapping.html.j2", title, data=shown, status=400 if told else 200))


def _checked(page: Page, name: str, text: str) -> dict[str, Any]:
    """What is wrong with a text, or which columns of which tables it fills."""
    with tempfile.TemporaryDirectory(prefix="jinpai-") as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(_lines(text), "utf-8")
        try:
            made = load_mapping(path)
        except JinpaiError as error:
            return {"fault": page.w.pick(error.text_zh, str(error)), "fills": []}
    fills = [(table_name(page, rule.table), list(rule.columns)) for rule in made.tables]
    return {"fault": "", "fills": fills}


def _file(page: Page, name: str) -> Path:
    try:
        return mapping_path(page.reader.root, name)
    except UsageError:
        raise NotFound from None


def _save(page: Page, path: Path, text: str, before: str | None) -> None:
    """Write a mapping and its event: both, or neither where the file cannot be written."""
    with page.store.write() as session:
        log_event(
            session, actor=page.user.login, kind="mapping.saved", subject=f"mapping:{path.stem}",
            before=None if before is None else {"text": before}, after={"text": text},
        )  # fmt: skip
        write_whole(path, text)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
