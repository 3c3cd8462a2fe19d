"""A small TOML file that people edit too: read strictly, locked for a change, written whole."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Item

from jinpai.errors import WorkspaceError, reason_zh
from jinpai.hints import shell_word

if sys.platform != "win32":
    import fcntl

__all__ = ["locked", "read_toml", "toml_item", "write_whole"]


def read_toml(path: Path) -> str:
    """Return the text of a workspace's TOML file; raises WorkspaceError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        command = f"jinpai init {shell_word(path.parent)}"
        raise WorkspaceError(
            f"There is no workspace in {path.parent}; make one with: {command}",
            zh=f"{path.parent} 里没有工作区；请先建立：{command}",
        ) from None
    except UnicodeDecodeError as error:
        raise WorkspaceError(
            f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8 in your editor.",
            zh=f"{path} 不是 UTF-8 编码（第 {error.start} 字节）；请在编辑器中另存为 UTF-8。",
        ) from None
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be read: {error.strerror}.", zh=f"无法读取 {path}：{reason_zh(error)}。"
        ) from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one change at a time happen in the folder; the lock dies with its process.

    Windows has no such lock: there the last of two changes at once wins.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise WorkspaceError(
            f"{folder} is no folder to work in: {error.strerror}.",
            zh=f"{folder} 不能用作工作区文件夹：{reason_zh(error)}。",
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """Put the whole text in the file's place at once; raises WorkspaceError, the file as it was."""
    target = path.resolve()
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=target.parent, delete=False) as handle:
            temporary = handle.name
            handle.write(text.encode())
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise WorkspaceError(
            f"{path} cannot be written: {error.strerror}.",
            zh=f"无法写入 {path}：{reason_zh(error)}。",
        ) from None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def toml_item(value: Any) -> Item:
    """Return a value as TOML on one line: sub-tables would tear their table apart."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, inner in value.items():
            table[key] = toml_item(inner)
        return table
    item: Item = tomlkit.item(value)
    return item
