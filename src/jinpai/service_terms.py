"""How a workspace is served: work in the background, and who signs people in.

::

    [jobs]
    nightly = "02:30"          # when figures are made anew each night, on the shop's clock
    watch = "drop"             # a folder whose files are imported; beside jinpai.toml, or absolute
    memory = "2GB"             # of one job; beyond it work spills to disk
    threads = 1
    upload_mb = 2048           # the largest file one may upload

    [oidc]
    issuer = "https://id.example.com/realms/shop"
    client_id = "jinpai"
    client_secret = "…"        # or JINPAI_OIDC_SECRET
    name = "企业微信"           # what the button says

    [accounts]
    require_totp = ["owner"]   # roles that must have a second factor
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

import tomlkit

from jinpai.errors import UnknownName, WorkspaceError
from jinpai.toml_file import locked, read_toml, write_whole

__all__ = [
    "OIDC_SECRET",
    "AccountTerms",
    "JobTerms",
    "OidcTerms",
    "account_terms",
    "job_terms",
    "oidc_terms",
    "set_job_term",
    "set_required_totp",
]

OIDC_SECRET = "JINPAI_OIDC_SECRET"  # noqa: S105 - the name of a variable
_FILE = "jinpai.toml"
_ROLES = ("owner", "supervisor", "inspector", "agent", "readonly")
_SIZE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})? ?[MG]i?B", re.IGNORECASE)


@dataclass(frozen=True)
class JobTerms:
    """How work in the background is done.

    Attributes:
        nightly: when figures are made each night, on the clock of the default shop; None never.
        watch: a folder whose files are imported; None none.
        memory, threads: what one job may take.
        upload_mb: megabytes of the largest file that may be uploaded.
    """

    nightly: time | None = None
    watch: str | None = None
    memory: str = "2GB"
    threads: int = 1
    upload_mb: int = 2048

    def watched(self, root: Path) -> Path | None:
        """Return the watched folder of a workspace."""
        return None if self.watch is None else root / self.watch


@dataclass(frozen=True)
class OidcTerms:
    """An OpenID provider that signs people in.

    Attributes:
        name: what people know it as.
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    name: str = ""


@dataclass(frozen=True)
class AccountTerms:
    """What is asked of people who sign in.

    Attributes:
        require_totp: roles that must have a second factor before they may do anything.
    """

    require_totp: tuple[str, ...] = ()


def account_terms(table: Mapping[str, Any]) -> AccountTerms:
    """Return the terms a table of TOML says; raises WorkspaceError."""
    _known(table, tuple(AccountTerms.__dataclass_fields__), "accounts")
    roles = table.get("require_totp", [])
    if not isinstance(roles, list) or not set(roles) <= set(_ROLES):
        raise _wrong("[accounts] require_totp", roles)
    return AccountTerms(tuple(roles))


def job_terms(table: Mapping[str, Any]) -> JobTerms:
    """Return the terms a table of TOML says; raises WorkspaceError."""
    _known(table, tuple(JobTerms.__dataclass_fields__), "jobs")
    made = dict(table)
    if "nightly" in table:
        made["nightly"] = _clock(table["nightly"])
    checks: dict[str, Callable[[Any], bool]] = {
        "watch": lambda value: isinstance(value, str) and bool(value.strip()),
        "memory": lambda value: isinstance(value, str) and bool(_SIZE.fullmatch(value)),
        "threads": lambda value: type(value) is int and 1 <= value <= 256,
        "upload_mb": lambda value: type(value) is int and 1 <= value <= 1_000_000,
    }
    for name, holds in checks.items():
        if name in table and not holds(table[name]):
            raise _wrong(f"[jobs] {name}", table[name])
    return JobTerms(**made)


def oidc_terms(table: Mapping[str, Any]) -> OidcTerms | None:
    """Return the provider a table of TOML names, None for none; raises WorkspaceError."""
    _known(table, tuple(OidcTerms.__dataclass_fields__), "oidc")
    if not table:
        return None
    for name, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise _wrong(f"[oidc] {name}", value)
    secret = os.environ.get(OIDC_SECRET) or table.get("client_secret", "")
    for name in ("issuer", "client_id"):
        if name not in table:
            raise _wrong(f"[oidc] {name}", None)
    issuer = table["issuer"].rstrip("/")
    if not re.match(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]", issuer + "/"):
        raise _wrong("[oidc] issuer", issuer)
    return OidcTerms(issuer, table["client_id"], secret, table.get("name", ""))


def set_job_term(root: Path, name: str, value: str | None) -> None:
    """Write one term into jinpai.toml, or take it out; raises WorkspaceError, nothing changed."""
    path = root / _FILE
    with locked(root):
        document = tomlkit.parse(read_toml(path))
        table = document.setdefault("jobs", tomlkit.table())
        if value is not None:
            table[name] = value
        elif name in table:
            del table[name]
        job_terms(table.unwrap())
        write_whole(path, tomlkit.dumps(document))


def set_required_totp(root: Path, roles: Sequence[str]) -> None:
    """Write which roles must have a second factor.

    Raises UnknownName for a role there is not, WorkspaceError for a file that cannot be; nothing
    has changed then.
    """
    for role in roles:
        if role not in _ROLES:
            raise UnknownName("role", role, _ROLES)
    path = root / _FILE
    with locked(root):
        document = tomlkit.parse(read_toml(path))
        table = document.setdefault("accounts", tomlkit.table())
        table["require_totp"] = list(roles)
        account_terms(table.unwrap())
        write_whole(path, tomlkit.dumps(document))


def _clock(value: Any) -> time:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if found is None:
        raise _wrong("[jobs] nightly", value)
    return time(int(found[1]), int(found[2]))


def _known(table: Mapping[str, Any], keys: tuple[str, ...], of: str) -> None:
    for key in table:
        if key not in keys:
            unknown = UnknownName(f"key of [{of}]", key, keys)
            raise WorkspaceError(f"{_FILE}: {unknown}", zh=f"{_FILE}：{unknown.zh}")


_TAKES = {
    "[jobs] nightly": ('a time such as "02:30"', "时间，如 “02:30”"),
    "[jobs] watch": ("the name of a folder", "文件夹名"),
    "[jobs] memory": ('a size such as "2GB"', "内存大小，如 “2GB”"),
    "[jobs] threads": ("a whole number from 1 to 256", "1 至 256 的整数"),
    "[jobs] upload_mb": ("whole megabytes from 1 to 1000000", "1 至 1000000 的整数（MB）"),
    "[accounts] require_totp": (
        'a list of roles such as ["owner"]: owner, supervisor, inspector, agent, readonly',
        '角色列表，如 ["owner"]，可用 owner、supervisor、inspector、agent、readonly',
    ),
    "[oidc] issuer": ("an address with https://", "以 https:// 开头的地址"),
}


def _wrong(name: str, value: Any) -> WorkspaceError:
    en, zh = _TAKES.get(name, ("a text that is not empty", "非空文字"))
    return WorkspaceError(
        f"{_FILE}: {name} must be {en}, not {value!r}.",
        zh=f"{_FILE}：{name} 应为{zh}，不能是 {value!r}。",
    )
