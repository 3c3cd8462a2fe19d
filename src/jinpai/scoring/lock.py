"""Locked periods: a score sheet that nothing changes any more, with all it was made of.

    <workspace>/locks/NAME.json       plan, values, settings, table versions, results, a hash
    <workspace>/lake/_state/locks/    names the state of the lake that has to stay (`Lake.pin`)

The file is written once and never again. Its hash is that of its contents, so that a changed file
is noticed, and the table versions it names let anybody work the figures out again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinpai.errors import UnknownName, UsageError, WorkspaceError
from jinpai.scoring.sheet_json import sheets_json
from jinpai.scoring.sheets import ScoredShop
from jinpai.tables.state import sync_folder
from jinpai.toml_file import locked

__all__ = [
    "alone", "check_name", "cut_short", "differences", "lock_names", "locked_values", "read_lock",
    "results_of", "write_lock",
]  # fmt: skip

FORMAT = 1
_NAME = re.compile(r"[\w][\w.-]{0,99}")
# Facts about a figure that later data may change without changing what was paid.
_PASSING = ("status", "flags", "previous", "previous_score", "notes")


def folder(root: Path) -> Path:
    """Return where a workspace keeps its locks."""
    return root / "locks"


def lock_names(root: Path) -> list[str]:
    """Return the names of a workspace's locks, sorted."""
    return sorted(path.stem for path in folder(root).glob("*.json"))


def locked_values(shops: Iterable[ScoredShop]) -> dict[str, dict[str, dict[str, str | None]]]:
    """Return shop -> subject -> metric -> the exact value as text (``8/25``)."""
    return {
        shop.values.scope.shop_id: {
            subject: {
                code: None if value.exact is None else str(value.exact)
                for code, value in own.items()
            }
            for subject, own in shop.values.values.items()
        }
        for shop in shops
    }


def results_of(shops: Sequence[ScoredShop]) -> dict[str, Any]:
    """Return the score sheets as a lock keeps them."""
    kept: dict[str, Any] = json.loads(json.dumps(sheets_json([shop.sheet for shop in shops])))
    return kept


def check_name(root: Path, name: str) -> None:
    """Raise UsageError for a name that is taken or is no plain word."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--lock: '{name}' cannot name a file; use letters, digits, - and _.",
            zh=f"--lock：“{name}”不能用作名称；请只用文字、数字、- 与 _。",
        )
    if name in lock_names(root):
        raise _taken(name)


def _taken(name: str) -> UsageError:
    return UsageError(
        f"There is a lock '{name}' already, and locks never change; choose another name.",
        zh=f"已有锁定“{name}”；锁定后不可更改，请换一个名称。",
    )


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Let one process at a time make locks in a workspace, or clear up after one that died."""
    folder(root).mkdir(exist_ok=True)
    with locked(folder(root)):
        yield


def cut_short(root: Path) -> Iterator[tuple[Path, str, int]]:
    """Yield file, name and state of each lock that was begun and never made; ask it `alone`.

    One whose file is not even written, and that has kept no state therefore, is deleted.
    """
    for path in sorted(folder(root).glob(".*.tmp")):
        try:
            begun = json.loads(path.read_text("utf-8"))
            found = path, str(begun["name"]), int(begun["manifest"])
        except (ValueError, KeyError, TypeError):
            path.unlink()
        else:
            yield found


def write_lock(
    root: Path, name: str, content: Mapping[str, Any], keep: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Write a lock, once and for ever; return it with its name, time and hash.

    Args:
        keep: keeps what the lock needs. Called when all of it is written and before it is there,
            so that one who dies in between leaves a file that says what to let go of.
    Raises UsageError for a name that is taken or is no plain word.
    """
    check_name(root, name)
    folder(root).mkdir(exist_ok=True)
    whole = {"format": FORMAT, "name": name, "locked_at": _now(), **content}
    whole["hash"] = _hash(whole)
    temporary = folder(root) / f".{uuid.uuid4().hex}.tmp"
    with temporary.open("x", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(0o444)
    try:
        keep()
        os.link(temporary, folder(root) / f"{name}.json")
    except FileExistsError:
        raise _taken(name) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
    sync_folder(folder(root))
    return whole


def read_lock(root: Path, name: str) -> dict[str, Any]:
    """Return a lock; raises UnknownName, and WorkspaceError when the file was changed."""
    path = folder(root) / f"{name}.json"
    if name not in lock_names(root):
        raise UnknownName("lock", name, lock_names(root))
    try:
        whole: dict[str, Any] = json.loads(path.read_text("utf-8"))
        found = _hash(whole)
    except (OSError, ValueError, AttributeError) as error:
        raise WorkspaceError(
            f"{path}: the lock cannot be read ({error}); restore it from a backup.",
            zh=f"{path}：锁定文件无法读取；请从备份恢复。",
        ) from error
    if whole.get("hash") != found:
        raise WorkspaceError(
            f"{path}: the lock was changed after it was made: its hash is {found[:12]}…, not "
            f"{str(whole.get('hash'))[:12]}…. Restore it from a backup.",
            zh=f"{path}：锁定文件在生成之后被改动（校验值不符）；请从备份恢复。",
        )
    return whole


def _hash(whole: Mapping[str, Any]) -> str:
    content = {key: value for key, value in whole.items() if key != "hash"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def differences(then: Mapping[str, Any], now: Mapping[str, Any], by: str) -> list[dict[str, Any]]:
    """Return the agents whose totals, pay, ranks or lines differ between two results.

    Each with ``before`` and ``after`` (total, total_normalised, rank, pay; None where the agent is
    only on one side) and the ``lines`` that differ.
    """
    sides = [{(one["shop_id"], one[by]): one for one in result["agents"]} for result in (then, now)]
    found = []
    for key in dict.fromkeys([*sides[0], *sides[1]]):
        old, new = (side.get(key) for side in sides)
        if _lasting(old) != _lasting(new):
            row = {"shop_id": key[0], by: key[1], "before": _summary(old), "after": _summary(new)}
            found.append(row | {"lines": _lines(old, new)})
    return found


def _lasting(one: Any) -> Any:
    """Return what was paid for, without what merely ages."""
    if isinstance(one, Mapping):
        return {key: _lasting(value) for key, value in one.items() if key not in _PASSING}
    return [_lasting(part) for part in one] if isinstance(one, list) else one


def _summary(one: Mapping[str, Any] | None) -> dict[str, Any] | None:
    names = ("total", "total_normalised", "rank", "pay")
    return None if one is None else {name: one[name] for name in names}


def _lines(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    sides = [{line["metric"]: line for line in one["lines"]} if one else {} for one in (old, new)]
    names = ("value", "exact", "band", "score", "weight", "points")
    rows = []
    for code in dict.fromkeys([*sides[0], *sides[1]]):
        before, after = (
            {name: side[code][name] for name in names} if code in side else None for side in sides
        )
        if before != after:
            rows.append({"metric": code, "before": before, "after": after})
    return rows
