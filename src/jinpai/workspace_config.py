"""jinpai.toml: the shops of a workspace, their settings, and every change made to them.

::

    [workspace]
    format = 1
    default_shop = "s1"
    lake = "s3://bucket/shop"  # where the tables lie, when not beside this file
    lake_endpoint = "https://…"  # of an S3-compatible service; default AWS_ENDPOINT_URL
    lake_region = "…"          # default AWS_REGION

    [store]
    url = "postgresql://jinpai@db/jinpai"  # default store.db beside this file; JINPAI_STORE_URL

    [review]
    appeal_days = 7            # an agent may appeal so many days after a ruling
    decide_days = 7            # a second reviewer should decide within so many days

    [jobs], [oidc], [accounts] # how it is served, see service_terms

    [settings]                 # for every shop
    session_gap = 300

    [shops.s1]
    name = "金牌旗舰店"
    platform = "taobao"
    timezone = "Asia/Shanghai"
    currency = "CNY"

    [shops.s1.settings]        # for this shop, over those above

    [[history]]                # written by jinpai; old and new are JSON, left out where not set
    at = 2026-03-08T01:02:03Z
    setting = "session_gap"
    new = "300"

The file may be edited by hand: it is checked whenever it is read, and changes that the history does
not know are added to it at the next change. One file, so that a value and its history are written
together or not at all.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import tomlkit
from tomlkit.items import AoT, Table

from jinpai import periods
from jinpai.errors import (
    JinpaiError,
    SettingError,
    UnknownName,
    UsageError,
    WorkspaceError,
    reason_zh,
)
from jinpai.service_terms import account_terms, job_terms, oidc_terms
from jinpai.settings import REGISTRY, Settings, Value, parse, setting
from jinpai.toml_file import locked, read_toml, toml_item, write_whole

__all__ = [
    "FILE_NAME",
    "STORE_FILE",
    "STORE_URL",
    "Change",
    "Config",
    "Effective",
    "LakePlace",
    "ReviewTerms",
    "ShopEntry",
    "init_config",
    "load_config",
]

FILE_NAME = "jinpai.toml"
STORE_FILE = "store.db"
STORE_URL = "JINPAI_STORE_URL"  # the environment's word for where the store lies
FORMAT = 1
_TABLES: dict[str, type] = {
    **dict.fromkeys(
        ("workspace", "store", "review", "jobs", "oidc", "accounts", "settings", "shops"), dict
    ),
    "history": list,
}
_LAKE = ("lake", "lake_endpoint", "lake_region")  # keys of [workspace]
_HEAD = "Jinpai workspace. May be edited by hand: `jinpai settings . list` checks it."
# The written values of one level: None is the workspace, a shop_id that shop.
Levels = dict[str | None, dict[str, Value]]


@dataclass(frozen=True)
class ShopEntry:
    """One shop of the workspace; ``timezone`` is an IANA name, ``currency`` an ISO 4217 code."""

    shop_id: str
    name: str
    platform: str
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"


@dataclass(frozen=True)
class Effective:
    """A setting's value in force, in its written form, and where it comes from."""

    name: str
    value: Value
    source: Literal["default", "workspace", "shop"]


@dataclass(frozen=True)
class Change:
    """One change of a setting.

    Attributes:
        at: when, UTC; of a change made by hand, when the file was last written.
        old, new: written forms; None where the setting was, or is now, not set at that level.
        shop_id: the shop it was set for; None for the whole workspace.
        by_hand: made in the file, not through jinpai.
    """

    at: datetime
    name: str
    old: Value
    new: Value
    shop_id: str | None = None
    by_hand: bool = False


@dataclass(frozen=True)
class LakePlace:
    """Where the tables lie: in the workspace's folder without ``url``, else in an object store."""

    url: str | None = None
    endpoint: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class ReviewTerms:
    """How long people have: an agent to appeal, a second reviewer to decide; whole days."""

    appeal_days: int = 7
    decide_days: int = 7


class Config:
    """What jinpai.toml says, checked. `load_config` reads one.

    Attributes:
        root: the workspace's folder.
        default_shop: shop_id meant where none is named.
        shops: shop_id -> entry, in the file's order.
        lake: where the tables lie.
        review: the terms of appeals.
        jobs, oidc, accounts: how it is served (`service_terms`).
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / FILE_NAME
        self._read(read_toml(self.path))

    def _read(self, text: str) -> None:
        data = _tables(text, self.path)
        self.default_shop, self.shops = _shops(data)
        self.lake = _lake(data["workspace"])
        self._store_url = _store_url(data["store"])
        self.review = _review(data["review"])
        self.jobs, self.oidc = job_terms(data["jobs"]), oidc_terms(data["oidc"])
        self.accounts = account_terms(data["accounts"])
        self._levels = _levels(data)
        self._recorded = _history(data)
        for shop_id in (None, *self.shops):
            self.settings(shop_id)

    @property
    def store_url(self) -> str | None:
        """Where the store lies: JINPAI_STORE_URL, or [store] url; None is a file of its own."""
        return os.environ.get(STORE_URL) or self._store_url

    @property
    def has_store(self) -> bool:
        """Tell whether people have used the workspace: nothing else makes a store."""
        return self.store_url is not None or (self.root / STORE_FILE).exists()

    def shop(self, shop_id: str | None = None) -> ShopEntry:
        """Return the shop, or the default one; raises UnknownName."""
        name = self.default_shop if shop_id is None else shop_id
        if name not in self.shops:
            raise UnknownName("shop", name, self.shops)
        return self.shops[name]

    def settings(self, shop_id: str | None = None) -> Settings:
        """Return the values in force for a shop; without one, for the workspace as a whole.

        Raises UnknownName for an unknown shop.
        """
        own = {} if shop_id is None else self._levels.get(self.shop(shop_id).shop_id, {})
        try:
            return Settings.of(self._levels[None] | own)
        except SettingError as error:
            place = f"{FILE_NAME}, {_place(shop_id)}"
            raise SettingError(f"{place}: {error}", zh=f"{place}：{error.text_zh}") from None

    def get(self, name: str, shop_id: str | None = None) -> Effective:
        """Return one value in force and its source; raises UnknownName."""
        entry = setting(name)
        if shop_id is not None and name in self._levels.get(self.shop(shop_id).shop_id, {}):
            return Effective(name, self._levels[shop_id][name], "shop")
        if name in self._levels[None]:
            return Effective(name, self._levels[None][name], "workspace")
        return Effective(name, entry.default, "default")

    def set(self, name: str, value: Value, shop_id: str | None = None) -> Change:
        """Set a value (JSON, or text as typed; None or ``null`` takes it back) and keep the change.

        Written at once, or not at all when any shop's settings would no longer hold. A value that
        is already set makes no entry in the history. Raises UnknownName, SettingError and
        WorkspaceError.
        """
        written = parse(name, value)
        with self._edit() as document:
            if shop_id is not None:
                self.shop(shop_id)
            old = self._levels.get(shop_id, {}).get(name)
            now = datetime.now(UTC).replace(microsecond=0)
            change = Change(now, name, old, written, shop_id)
            if old != written:
                _put(document, change)
                for kept in (*self._by_hand(), change):
                    _record(document, kept)
                self._check_edit(document, change)
        return change

    def _check_edit(self, document: tomlkit.TOMLDocument, change: Change) -> None:
        """Refuse an edit that would change anything else: TOML has styles no editor masters."""
        wanted = {shop_id: dict(values) for shop_id, values in self._levels.items()}
        wanted[change.shop_id][change.name] = change.new
        if change.new is None:
            del wanted[change.shop_id][change.name]
        try:
            data = _tables(tomlkit.dumps(document), self.path)
            same = _levels(data) == wanted and _shops(data) == (self.default_shop, self.shops)
        except JinpaiError:
            same = False
        if not same:
            raise WorkspaceError(
                f"{FILE_NAME}: {_place(change.shop_id)} is written in a way that cannot be "
                f"edited from here; set {change.name} in the file by hand.",
                zh=f"{FILE_NAME}：{_place(change.shop_id)} 的写法无法在这里修改；"
                f"请直接在文件中设置 {change.name}。",
            )

    def add_shop(self, entry: ShopEntry) -> None:
        """Add a shop; raises UsageError when it is known or its entry does not hold."""
        _check_shop(entry)
        with self._edit() as document:
            if entry.shop_id in self.shops:
                raise UsageError(
                    f"There is a shop '{entry.shop_id}' already; see {FILE_NAME}.",
                    zh=f"已有店铺“{entry.shop_id}”；见 {FILE_NAME}。",
                )
            document["shops"][entry.shop_id] = _shop_table(entry)

    def history(self, name: str | None = None) -> list[Change]:
        """Return every change, oldest first, or those of one setting; raises UnknownName."""
        if name is not None:
            setting(name)
        changes = (*self._recorded, *self._by_hand())
        return [change for change in changes if name in (None, change.name)]

    def _by_hand(self) -> list[Change]:
        """Return the differences between the file and what its history leads to."""
        known: Levels = {None: {}}
        for change in self._recorded:
            known.setdefault(change.shop_id, {})[change.name] = change.new
        at = datetime.fromtimestamp(self.path.stat().st_mtime, UTC).replace(microsecond=0)
        return [
            Change(at, name, old, new, shop_id, by_hand=True)
            for shop_id in (None, *self.shops)
            for name in REGISTRY
            if (old := known.get(shop_id, {}).get(name))
            != (new := self._levels.get(shop_id, {}).get(name))
        ]

    @contextmanager
    def _edit(self) -> Iterator[tomlkit.TOMLDocument]:
        """Give the file as it is now for a change; check and write it afterwards."""
        with locked(self.root):
            text = read_toml(self.path)
            self._read(text)
            document = tomlkit.parse(text)
            yield document
            changed = tomlkit.dumps(document)
            if changed != text:
                try:
                    self._read(changed)
                except JinpaiError:
                    self._read(text)
                    raise
                write_whole(self.path, changed)


def load_config(root: Path | str) -> Config:
    """Read and check a workspace's jinpai.toml.

    Raises WorkspaceError when there is none or it is no TOML, SettingError for a value that a
    setting refuses, UnknownName for a time zone that does not exist.
    """
    return Config(Path(root))


def init_config(
    root: Path | str,
    shop_id: str,
    name: str,
    platform: str,
    timezone: str = "Asia/Shanghai",
    currency: str = "CNY",
    lake: LakePlace | None = None,
) -> Config:
    """Make a workspace with one shop; raises WorkspaceError where there already is one."""
    folder = Path(root)
    entry = ShopEntry(shop_id, name, platform, timezone, currency)
    _check_shop(entry)
    document = tomlkit.document()
    document.add(tomlkit.comment(_HEAD))
    places = dict(zip(_LAKE, (lake.url, lake.endpoint, lake.region), strict=True)) if lake else {}
    written = {key: value for key, value in places.items() if value}
    _lake(written)
    document["workspace"] = {"format": FORMAT, "default_shop": shop_id, **written}
    document["settings"] = tomlkit.table()
    shops = tomlkit.table(is_super_table=True)
    shops.append(shop_id, _shop_table(entry))
    document["shops"] = shops
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be a workspace: {error.strerror}.",
            zh=f"{folder} 不能用作工作区：{reason_zh(error)}。",
        ) from None
    with locked(folder):
        if (folder / FILE_NAME).exists():
            raise WorkspaceError(
                f"{folder} is a workspace already; choose another folder.",
                zh=f"{folder} 已经是工作区；请换一个文件夹。",
            )
        write_whole(folder / FILE_NAME, tomlkit.dumps(document))
    return Config(folder)


def _tables(text: str, path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WorkspaceError(
            f"{path} is not TOML: {error}. Mend it or restore a copy.",
            zh=f"{path} 不是有效的 TOML（{error}）。请修正，或恢复备份。",
        ) from None
    for key, kind in _TABLES.items():
        if not isinstance(data.setdefault(key, kind()), kind):
            raise WorkspaceError(
                f"{FILE_NAME}: {key} must be a table; see the documentation.",
                zh=f"{FILE_NAME}：{key} 应为表；请看文档。",
            )
    _known(data, tuple(_TABLES), "table")
    _known(data["workspace"], ("format", "default_shop", *_LAKE), "key of [workspace]")
    version = data["workspace"].get("format")
    if version != FORMAT:
        raise WorkspaceError(
            f"{FILE_NAME}: [workspace] format is {version!r} and this version of jinpai knows "
            f"{FORMAT}; use the version that made the workspace, or a later one.",
            zh=f"{FILE_NAME}：[workspace] format 为 {version!r}，本版 jinpai 只认识 {FORMAT}；"
            "请用建立该工作区的版本或更新的版本。",
        )
    return data


def _known(table: Mapping[str, Any], keys: tuple[str, ...], kind: str) -> None:
    for key in table:
        if key not in keys:
            unknown = UnknownName(kind, key, keys)
            raise WorkspaceError(f"{FILE_NAME}: {unknown}", zh=f"{FILE_NAME}：{unknown.zh}")


def _lake(table: Mapping[str, Any]) -> LakePlace:
    values = [table.get(key) for key in _LAKE]
    for key, value in zip(_LAKE, values, strict=True):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise WorkspaceError(
                f"{FILE_NAME}: [workspace] {key} must be a text, not {value!r}.",
                zh=f"{FILE_NAME}：[workspace] {key} 应为文字，不能是 {value!r}。",
            )
    url = values[0]
    if url is not None and not re.fullmatch(r"s3://[^/\s]+(/\S*)?", url):
        raise UsageError(
            f"lake: '{url}' is no place in an object store; write s3://BUCKET/PREFIX.",
            zh=f"lake：“{url}”不是对象存储地址；请写成 s3://桶名/前缀。",
        )
    return LakePlace(*values)


def _store_url(table: Mapping[str, Any]) -> str | None:
    _known(table, ("url",), "key of [store]")
    url = table.get("url")
    if url is not None and not isinstance(url, str):
        raise WorkspaceError(
            f"{FILE_NAME}: [store] url must be a text, not {url!r}.",
            zh=f"{FILE_NAME}：[store] url 应为文字，不能是 {url!r}。",
        )
    return url or None


def _review(table: Mapping[str, Any]) -> ReviewTerms:
    _known(table, tuple(field.name for field in fields(ReviewTerms)), "key of [review]")
    for name, days in table.items():
        if type(days) is not int or not 0 <= days <= 365:
            raise WorkspaceError(
                f"{FILE_NAME}: [review] {name} must be whole days from 0 to 365, not {days!r}.",
                zh=f"{FILE_NAME}：[review] {name} 应为 0 至 365 的整数天，不能是 {days!r}。",
            )
    return ReviewTerms(**table)


def _shops(data: dict[str, Any]) -> tuple[str, dict[str, ShopEntry]]:
    shops = {}
    for shop_id, table in data["shops"].items():
        place = f"[shops.{shop_id}]"
        if not isinstance(table, dict):
            raise WorkspaceError(
                f"{FILE_NAME}: {place} must be a table.", zh=f"{FILE_NAME}：{place} 应为表。"
            )
        _known(table, ("name", "platform", "timezone", "currency", "settings"), f"key of {place}")
        fields = {key: value for key, value in table.items() if key != "settings"}
        shops[shop_id] = ShopEntry(shop_id, **({"name": shop_id, "platform": ""} | fields))
        _check_shop(shops[shop_id], f"{FILE_NAME}, {place}: ")
    default = data["workspace"].get("default_shop", next(iter(shops), None))
    if default not in shops:
        raise WorkspaceError(
            f"{FILE_NAME}: [workspace] default_shop is {default!r}, which is no [shops.…].",
            zh=f"{FILE_NAME}：[workspace] default_shop 为 {default!r}，但没有这个 [shops.…]。",
        )
    return default, shops


def _check_shop(entry: ShopEntry, place: str = "") -> None:
    for field in ("shop_id", "name", "platform", "timezone", "currency"):
        text = getattr(entry, field)
        if not isinstance(text, str) or re.search("[\ud800-\udfff\x00-\x1f\x7f]", text):
            raise UsageError(
                f"{place}{field} must be one line of text, not {text!r}.",
                zh=f"{place}{field} 应为单行文字，不能是 {text!r}。",
            )
    if not entry.shop_id.strip() or entry.shop_id != entry.shop_id.strip():
        raise UsageError(
            f"{place}shop_id '{entry.shop_id}' is empty or begins or ends blank.",
            zh=f"{place}shop_id “{entry.shop_id}”为空，或首尾有空格。",
        )
    if not re.fullmatch("[A-Z]{3}", entry.currency):
        raise UsageError(
            f"{place}currency '{entry.currency}' is no code of three letters (CNY).",
            zh=f"{place}currency “{entry.currency}”不是三个大写字母的币种代码（如 CNY）。",
        )
    periods.zone(entry.timezone)


def _levels(data: dict[str, Any]) -> Levels:
    levels: Levels = {None: _checked(data["settings"], None)}
    for shop_id, table in data["shops"].items():
        levels[shop_id] = _checked(table.get("settings", {}), shop_id)
    return levels


def _checked(table: Any, shop_id: str | None) -> dict[str, Value]:
    place = f"{FILE_NAME}, {_place(shop_id)}"
    if not isinstance(table, dict):
        raise WorkspaceError(f"{place} must be a table.", zh=f"{place} 应为表。")
    try:
        values = {name: parse(name, value) for name, value in table.items()}
    except UsageError as error:
        raise SettingError(f"{place}: {error}", zh=f"{place}：{error.text_zh}") from None
    return {name: value for name, value in values.items() if value is not None}


def _place(shop_id: str | None) -> str:
    return "[settings]" if shop_id is None else f"[shops.{shop_id}.settings]"


def _history(data: dict[str, Any]) -> list[Change]:
    changes = []
    for number, entry in enumerate(data["history"], start=1):
        try:
            at: datetime = entry["at"]
            if not isinstance(entry["setting"], str) or not isinstance(entry.get("shop", ""), str):
                raise TypeError("setting and shop are texts")
            changes.append(
                Change(
                    at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC),
                    entry["setting"],
                    json.loads(entry.get("old", "null")),
                    json.loads(entry.get("new", "null")),
                    entry.get("shop"),
                    entry.get("by_hand", False),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WorkspaceError(
                f"{FILE_NAME}: entry {number} of [[history]] does not hold ({error!r}); "
                "mend it or take it out.",
                zh=f"{FILE_NAME}：第 {number} 条 [[history]] 有误（{error!r}）；请修正或删去。",
            ) from None
    return changes


def _put(document: tomlkit.TOMLDocument, change: Change) -> None:
    """Write one value into its table."""
    owner: Any = document
    if change.shop_id is not None:
        owner = document["shops"][change.shop_id]
    if "settings" not in owner:
        owner["settings"] = tomlkit.table()
    table = owner["settings"]
    if change.new is not None:
        table[change.name] = toml_item(change.new)
    elif change.name in table:
        del table[change.name]


def _record(document: tomlkit.TOMLDocument, change: Change) -> None:
    entry = tomlkit.table()
    entry["at"] = change.at
    entry["setting"] = change.name
    if change.shop_id is not None:
        entry["shop"] = change.shop_id
    for key, value in (("old", change.old), ("new", change.new)):
        if value is not None:
            text = json.dumps(value, ensure_ascii=False)
            plain = text.isprintable() and "'" not in text
            entry[key] = tomlkit.string(text, literal=plain)
    if change.by_hand:
        entry["by_hand"] = True
    if not isinstance(document.get("history"), AoT):
        document.add(tomlkit.nl())
        document["history"] = tomlkit.aot()
    document["history"].append(entry)


def _shop_table(entry: ShopEntry) -> Table:
    table = tomlkit.table()
    for key in ("name", "platform", "timezone", "currency"):
        table[key] = getattr(entry, key)
    return table
