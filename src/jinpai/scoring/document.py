"""YAML documents people write by hand: every scalar is text, every place keeps its line.

Numbers stay as they were written (``0.1`` is a tenth, not a float), ``no`` stays a word, and what a
model refuses is told with file, line, key and the nearest valid name, in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, PlainSerializer, ValidationError, WithJsonSchema

from jinpai.errors import InputError, UnknownName, nearest, reason_zh
from jinpai.scoring.intervals import (
    Interval,
    NotAnInterval,
    NotANumber,
    number_text,
    read_interval,
    read_number,
)
from jinpai.sources.decode import detect_encoding, open_text

__all__ = ["Band", "Document", "Number", "Refusal", "place", "read_document", "validated"]

Path_ = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
_MAX_NODES = 20_000
_EMPTY = ("", "~", "null")
_LOOSE_BAND = re.compile(r"[\[(（［][^\"'\[\]()]*[,，][^\"'\[\]()]*[)\]）］]")


class Refusal(ValueError):
    """What a check says against a document, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        self.zh = zh
        super().__init__(en)


@dataclass(frozen=True)
class Document:
    """A document read: its data (dicts, lists and texts), its text, and the line of every place."""

    name: str
    data: dict[str, Any]
    lines: Mapping[Path_, int]
    text: str

    def line(self, path: Path_) -> int | None:
        """Return the line of a place, or of the nearest place around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


def place(path: Path_) -> str:
    """Return a place as people write it.

    >>> place(("indicators", 3, "bands", 0))
    'indicators[3].bands[0]'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_document(source: str | Path, spellings: Mapping[str, str], what: str) -> Document:
    """Read a document from a path, or from a text (which has more than one line).

    Args:
        spellings: other spellings of keys -> the one the model knows.
        what: the kind of document, for messages.
    Raises:
        InputError: not readable, not YAML, no mapping at its top, a key given twice.
    """
    name, text = _text(source, what)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error, text, name) from error
    except RecursionError:
        raise _too_large(name) from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError(
            f"this is no {what}: it has no keys. See: jinpai plan example.",
            file=name,
            zh=f"这不是{_WHAT_ZH.get(what, what)}：没有任何键。参见：jinpai plan example。",
        )
    builder = _Builder(name, spellings)
    try:
        return Document(name, builder.mapping(node, ()), builder.lines, text)
    except RecursionError:
        raise _too_large(name) from None


_WHAT_ZH = {"KPI plan": "绩效方案", "grade policy": "评级标准"}


def _text(source: str | Path, what: str) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return "(text)", source
    path = Path(source)
    try:
        with open_text(path, detect_encoding(path, path.name), None) as file:
            return path.name, file.read().lstrip("\ufeff")
    except OSError as error:
        raise InputError(
            f"the {what} cannot be read: {error.strerror or error}.",
            file=str(path),
            zh=f"{_WHAT_ZH.get(what, what)}无法读取：{reason_zh(error)}。",
        ) from error


def _not_yaml(error: yaml.YAMLError, text: str, name: str) -> InputError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line if mark is not None else 0
    lines = text.splitlines()
    near = " ".join(lines[max(line - 1, 0) : line + 1])
    problem = getattr(error, "problem", None) or str(error)
    en, zh = f"this is not YAML: {problem}.", "YAML 格式有误。"
    if _LOOSE_BAND.search(near):
        en = 'write bands in quotes: "[0.38, 0.41)". Without them YAML reads the brackets itself.'
        zh = '区间要加引号，如 "[0.38, 0.41)"；不加引号时括号会被 YAML 当作列表。'
    return InputError(en, file=name, row=line + 1, zh=zh)


def _too_large(name: str) -> InputError:
    return InputError(
        "the document is too large, too deep or refers to itself.",
        file=name,
        zh="文件过大、嵌套过深或引用了自身。",
    )


class _Builder:
    """Turns YAML nodes into data, noting lines."""

    def __init__(self, name: str, spellings: Mapping[str, str]) -> None:
        self.lines: dict[Path_, int] = {}
        self._name, self._spellings = name, spellings
        self._left = _MAX_NODES

    def mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        self.lines[path] = node.start_mark.line + 1
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            written = str(key_node.value).strip()
            word = re.sub(r"[\s-]+", "_", written)
            key = self._spellings.get(word, word)
            line = key_node.start_mark.line + 1
            if key in found:
                raise InputError(
                    f"the key '{key}' is given twice.",
                    file=self._name,
                    row=line,
                    zh=f"键“{key}”出现了两次。",
                )
            value = self.value(value_node, (*path, key))
            self.lines[*path, key] = line
            if not (isinstance(value, str) and value in _EMPTY):
                found[key] = value
        return found

    def value(self, node: yaml.Node, path: Path_) -> Any:
        self._left -= 1
        if self._left < 0:
            raise _too_large(self._name)
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(one, (*path, at)) for at, one in enumerate(node.value)]
        return str(node.value).strip()


def _number(value: object) -> Fraction:
    if isinstance(value, Fraction):
        return value
    text = str(value)
    try:
        number = read_number(text)
    except NotANumber:
        number = None
    if number is None or isinstance(value, bool | list | dict):
        raise Refusal(f"takes a number, not '{text[:40]}'", f"应为数字，不能是“{text[:40]}”")
    return number


def _band(value: object) -> Interval:
    if isinstance(value, Interval):
        return value
    if isinstance(value, list):  # [0.38, 0.41] without quotes is a list to YAML
        value = f"[{', '.join(str(part) for part in value)}]"
    try:
        return read_interval(str(value))
    except NotAnInterval as error:
        raise Refusal(str(error), error.zh) from error


Number = Annotated[
    Fraction,
    BeforeValidator(_number),
    PlainSerializer(number_text),
    WithJsonSchema({"type": ["number", "string"], "pattern": r"^[+-]?[\d.,]+(/[\d.]+)?\s*%?$"}),
]
Band = Annotated[
    Interval,
    BeforeValidator(_band),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*[\[(（［].+[,，].+[\])）］]\s*$",
            "description": 'Both ends with their brackets, in quotes: "[0.38, 0.41)", "(-inf, 10]"',
            "examples": ["[0.38, 0.41)", "[38%, 41%)", "(-inf, 10]", "[20, inf)"],
        }
    ),
]


def validated(
    model: type[Model],
    document: Document,
    keys_at: Callable[[Path_], Iterable[str]],
    see: str,
) -> Model:
    """Return the model of a document; raises InputError with line, place and nearest name.

    Args:
        keys_at: the keys that are valid at a place.
        see: the page that explains the document.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise _refused(error, document, keys_at, see) from error


_WRONG = {
    "missing": ("this key is needed", "此键必填"),
    "string_type": ("takes a text", "应为文字"),
    "list_type": ("takes a list", "应为列表"),
    "dict_type": ("takes keys and values", "应为键值对"),
    "model_type": ("takes keys and values", "应为键值对"),
    "bool_parsing": ("takes true or false", "应为 true 或 false"),
    "int_parsing": ("takes a whole number", "应为整数"),
    "too_short": ("needs one entry at least", "至少要有一项"),
}


def _refused(
    error: ValidationError,
    document: Document,
    keys_at: Callable[[Path_], Iterable[str]],
    see: str,
) -> InputError:
    # A misspelt key first: what is said to be missing may be that one.
    faults = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    first = faults[0]
    path = tuple(first["loc"])
    en, zh = _words(first, keys_at(path[:-1]))
    where = place(path)
    shown, shown_zh = (f"{where}: ", f"{where}：") if where else ("", "")
    more = len(faults) - 1
    rest, rest_zh = (f" ({more} more after it.)", f"（另有 {more} 处。）") if more else ("", "")
    return InputError(
        f"{shown}{en} See {see}.{rest}",
        file=document.name,
        row=document.line(path),
        zh=f"{shown_zh}{zh}见 {see}。{rest_zh}",
    )


def _words(fault: Any, keys: Iterable[str]) -> tuple[str, str]:
    if fault["type"] == "extra_forbidden":
        return _unknown_key(str(fault["loc"][-1]), sorted(keys))
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, Refusal):
        en, zh = str(cause), cause.zh
    elif fault["type"] in _WRONG:
        en, zh = _WRONG[fault["type"]]
    elif fault["type"] == "literal_error":
        word, known = str(fault["input"]), fault["ctx"]["expected"]
        en, zh = f"takes {known}, not '{word}'", f"应为 {known}，不能是“{word}”"
    else:
        en = str(fault["msg"]).removeprefix("Value error, ")
        zh = f"该值不合要求（{en}）"
    return _closed(en, ".?"), _closed(zh, "。？", "。")


def _unknown_key(key: str, known: list[str]) -> tuple[str, str]:
    error = UnknownName("key", key, known)
    near = nearest(key, known)
    hint = f"是不是“{near}”？" if near else f"可用的有：{'、'.join(known)}。"
    return str(error), f"没有这个键。{hint}"


def _closed(text: str, ends: str, mark: str = ".") -> str:
    return text if text.endswith(tuple(ends)) else text + mark
