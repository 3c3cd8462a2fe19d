"""The shape of a mapping file; errors name the file, the key and the nearest valid name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from jinpai.errors import UnknownName, UsageError, nearest, reason_zh
from jinpai.sources.canonical_tables import COLUMNS

__all__ = ["Condition", "Mapping", "TableRule", "Value", "load_mapping"]

EMPTY = ("", "-", "--", "null")
# What rows of one key can be added up to.
_ADDED_UP = {
    "orders": ("payable_amount", "paid_amount", "item_count"),
    "order_items": ("quantity", "amount"),
    "refunds": ("amount",),
}
Fill = Literal["next_in_conversation", "first_in_conversation"]


class _Refusal(ValueError):
    """What a check says against a mapping, in both languages."""

    def __init__(self, en: str, zh: str | None) -> None:
        self.zh = zh or en
        super().__init__(en)


def _unknown(kind: str, name: str, known: Iterable[str]) -> _Refusal:
    error = UnknownName(kind, name, known)
    return _Refusal(str(error), error.zh)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _null(value: object) -> object:
    return None if value in ("null", "~", "") else value


Names = Annotated[list[str], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Condition(_Strict):
    """One test of a row; exactly one of the tests is given."""

    column: str | None = None
    equals: str | None = None
    is_in: list[str] | None = Field(None, alias="in")
    not_in: list[str] | None = None
    above: float | None = None
    present: str | None = None
    absent: str | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        tests = [self.equals, self.is_in, self.not_in, self.above]
        given = sum(test is not None for test in tests)
        alone = [self.present, self.absent]
        if self.column is not None and given == 1 and not any(alone):
            return self
        if self.column is None and given == 0 and sum(name is not None for name in alone) == 1:
            return self
        raise _Refusal(
            "a condition is {present: COLUMN}, {absent: COLUMN}, or a column with one of"
            " equals, in, not_in, above",
            "条件应为 {present: 列}、{absent: 列}，或 column 加 equals、in、not_in、above 之一",
        )


Conditions = Annotated[list[Condition], BeforeValidator(_listed)]


class Value(_Strict):
    """Where a canonical column comes from and what is done to it, in the order of these keys."""

    column: Names = []
    const: str | None = None
    template: str | None = None
    product: Annotated[list[str], Field(min_length=2)] | None = None
    when: Conditions = []
    map: dict[str, str] = {}
    otherwise: Annotated[str | None, BeforeValidator(_null)] = "keep"
    format: Names = []
    plus_seconds: str | None = None
    unit: Literal["yuan", "fen"] = "yuan"
    default: str | None = None
    total: bool = False
    fill: Fill | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Value:
        origins = (self.const, self.template, self.product)
        if bool(self.column) + sum(origin is not None for origin in origins) != 1:
            raise _Refusal(
                "give exactly one of column, const, template, product",
                "column、const、template、product 须给且只给一个",
            )
        return self


class TableRule(_Strict):
    """Rows of one canonical table made from each record."""

    table: str
    columns: dict[str, Value]
    records: str | None = None
    when: Conditions = []

    @model_validator(mode="after")
    def _known_names(self) -> TableRule:
        if self.table not in COLUMNS:
            raise _unknown("table", self.table, COLUMNS)
        for name in self.columns:
            if name not in COLUMNS[self.table]:
                raise _unknown(f"{self.table} column", name, COLUMNS[self.table])
        for name, value in self.columns.items():
            if value.total and name not in _ADDED_UP.get(self.table, ()):
                raise _unknown("column to add up", name, _ADDED_UP.get(self.table, ()))
        fills = any(value.fill for value in self.columns.values())
        if fills and any(value.total for value in self.columns.values()):
            raise _Refusal("fill and total do not go together", "fill 与 total 不能同时使用")
        if fills and "conversation_id" not in self.columns:
            raise _Refusal("fill needs a conversation_id column", "fill 需要有 conversation_id 列")
        return self


class Mapping(_Strict):
    """A whole mapping file."""

    tables: list[TableRule] = Field(min_length=1)
    files: Names = ["*"]
    sheet: str | None = None
    records: str = ""
    timezone: str | None = None
    empty: list[str] = list(EMPTY)
    patch: bool = False

    @model_validator(mode="after")
    def _known_zone(self) -> Mapping:
        if self.timezone is not None and self.timezone not in available_timezones():
            raise _unknown("time zone", self.timezone, available_timezones())
        return self


class _Loader(yaml.SafeLoader):
    """Every scalar is text (``no`` and ``2026-01-01`` too); a key given twice is an error."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def _unique(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{key}' is given twice", key_node.start_mark
            )
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique)


_WRONG_ZH = {
    "missing": "此键必填",
    "string_type": "应为文字",
    "list_type": "应为列表",
    "dict_type": "应为键值对",
    "model_type": "应为键值对",
    "bool_parsing": "应为 true 或 false",
    "float_parsing": "应为数字",
    "literal_error": "不在可用的值之中",
    "too_short": "至少要有一项",
}


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        UsageError: not readable, not YAML, or a key or name that does not exist.
    """
    try:
        data = yaml.load(path.read_text("utf-8-sig"), _Loader)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path.name}: the mapping file cannot be read ({error}).",
            zh=f"{path.name}：映射文件无法读取（{_unread_zh(error)}）。",
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(
            f"{path.name}: the mapping file is not YAML: {error}",
            zh=f"{path.name}：映射文件不是有效的 YAML{_mark_zh(error)}。",
        ) from error
    if not isinstance(data, dict):
        raise UsageError(
            f"{path.name}: a mapping file starts with 'tables:'. See docs/mapping.md.",
            zh=f"{path.name}：映射文件应以 tables: 开头。见 docs/mapping.md。",
        )
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        en, zh = _explain(error)
        raise UsageError(
            f"{path.name}: {en} See docs/mapping.md.", zh=f"{path.name}：{zh}见 docs/mapping.md。"
        ) from error


def _unread_zh(error: OSError | UnicodeDecodeError) -> str:
    return reason_zh(error) if isinstance(error, OSError) else "不是 UTF-8 编码"


def _mark_zh(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"（第 {mark.line + 1} 行第 {mark.column + 1} 列附近有误）" if mark else ""


def _explain(error: ValidationError) -> tuple[str, str]:
    """Return what is wrong first of all, in English and Chinese."""
    errors = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    first = errors[0]  # a misspelt key first: what is said to be missing may be that one
    where = ".".join(str(part) for part in first["loc"])
    en = str(first["msg"]).removeprefix("Value error, ")
    cause = first.get("ctx", {}).get("error")
    zh = cause.zh if isinstance(cause, _Refusal) else _WRONG_ZH.get(first["type"], "该值不合要求")
    if first["type"] == "extra_forbidden":
        known = _keys_at(first["loc"])
        near = nearest(str(first["loc"][-1]), known)
        en = "there is no such key." + (f" Did you mean '{near}'?" if near else "")
        en += "" if near else f" Known: {', '.join(sorted(known))}."
        zh = "没有这个键。" + (
            f"是不是“{near}”？" if near else f"可用的有：{'、'.join(sorted(known))}。"
        )
    elif first["type"] == "missing":
        en = "this key is needed."
    zh = zh if zh.endswith(("。", "？")) else f"{zh}。"
    return (f"key '{where}': {en}", f"键“{where}”：{zh}") if where else (en, zh)


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    """Return the keys that are valid where an unknown one was found."""
    parents = [part for part in place[:-1] if isinstance(part, str)]
    model: type[BaseModel] = Mapping
    if "when" in parents:
        model = Condition
    elif "columns" in parents:
        model = Value
    elif "tables" in parents:
        model = TableRule
    return [field.alias or name for name, field in model.model_fields.items()]
