"""Folders of a lake whose truth lies in an object store.

Everything in a lake is written once and never changed: Parquet files, Delta log entries, manifests.
So a lake in an object store is read through a folder on this machine that keeps a copy of every
Parquet file it was asked for. A *mount* ties the two together; the rest of the tables stage goes
on naming files by their paths in the folder. Deleting the folder loses nothing.

Delta logs are read and written in the store itself, by deltalake; manifests and leases too.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinpai.errors import UsageError, WorkspaceError

__all__ = ["Mount", "Stored", "mount", "mounted"]

_AT_ONCE = 8  # files moved at the same time


@dataclass(frozen=True)
class Stored:
    """One object: its place in the folder, bytes, and when it was written."""

    path: Path
    size: int
    at: datetime


@dataclass
class Mount:
    """A folder and the place in the object store it stands for.

    Attributes:
        folder: absolute path on this machine.
        url: ``s3://bucket/prefix``.
        options: what deltalake needs to get there.
        held: number of the lease this process holds, None without one.
    """

    folder: Path
    url: str
    options: Mapping[str, str]
    store: Any
    held: int | None = field(default=None, compare=False)

    def url_of(self, path: Path) -> str:
        """Return the URL of a path in the folder."""
        return f"{self.url}/{self._key(path)}"

    def _key(self, path: Path) -> str:
        return path.absolute().relative_to(self.folder).as_posix()

    def fetch(self, paths: Iterable[Path]) -> None:
        """Copy the files that are not here yet; raises WorkspaceError for one that is lost."""
        missing = [path for path in paths if not path.exists()]
        if missing:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._fetch, missing))

    def _fetch(self, path: Path) -> None:
        import obstore

        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}-{uuid.uuid4().hex}.tmp")
        try:
            with _told(self.url_of(path)), temporary.open("wb") as file:
                for part in obstore.get(self.store, self._key(path)):
                    file.write(part)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def stream(self, path: Path) -> Iterator[bytes]:
        """Yield an object's contents piece by piece; LookupError when there is none."""
        import obstore

        with _told(self.url_of(path)):
            for part in obstore.get(self.store, self._key(path)):
                yield bytes(part)

    def push(self, paths: Iterable[Path]) -> None:
        """Copy new files to the store; returns once all of them are there."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._push, paths))

    def _push(self, path: Path) -> None:
        import obstore

        with _told(self.url_of(path)):
            obstore.put(self.store, self._key(path), path)

    def read(self, path: Path) -> bytes | None:
        """Return an object's contents, None when there is none."""
        import obstore

        try:
            with _told(self.url_of(path)):
                return bytes(obstore.get(self.store, self._key(path)).bytes())
        except LookupError:
            return None

    def create(self, path: Path, contents: bytes) -> bool:
        """Write an object that must not exist yet; False when it does. All at once or not."""
        import obstore

        try:
            with _told(self.url_of(path)):
                obstore.put(self.store, self._key(path), contents, mode="create")
        except FileExistsError:
            return False
        return True

    def write(self, path: Path, contents: bytes) -> None:
        """Write an object, over another if need be."""
        import obstore

        with _told(self.url_of(path)):
            obstore.put(self.store, self._key(path), contents)

    def delete(self, paths: Iterable[Path]) -> None:
        """Delete objects; those that are gone already do not matter."""
        import obstore

        for path in paths:
            with suppress(LookupError), _told(self.url_of(path)):
                obstore.delete(self.store, self._key(path))

    def folders(self) -> list[Path]:
        """Return the folders right under the mount, as paths in it."""
        import obstore

        with _told(self.url):
            found = obstore.list_with_delimiter(self.store)["common_prefixes"]
        return [self.folder / name for name in found]

    def walk(self, folder: Path) -> Iterator[Stored]:
        """Yield every object under a folder."""
        import obstore

        with _told(self.url_of(folder)):
            for page in obstore.list(self.store, self._key(folder)):
                for one in page:
                    path = self.folder / one["path"]
                    yield Stored(path, int(one["size"]), one["last_modified"])


_MOUNTS: dict[Path, Mount] = {}


def mount(folder: Path, url: str, endpoint: str | None = None, region: str | None = None) -> Mount:
    """Let a folder stand for a place in an object store, for this process.

    Credentials come from the environment (AWS_ACCESS_KEY_ID and so on), as do endpoint and region
    where they are not given (AWS_ENDPOINT_URL, AWS_REGION).

    Raises:
        UsageError: the URL names no bucket, or the package for object stores is missing.
    """
    folder = folder.absolute()
    made = _MOUNTS.get(folder)
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    options = {"AWS_REGION": region or "us-east-1"}
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false"}
        if endpoint.startswith("http://"):
            options["AWS_ALLOW_HTTP"] = "true"
    url = url.rstrip("/")
    if made is None or (made.url, made.options) != (url, options):
        made = Mount(folder, url, options, _store(url, options))
        _MOUNTS[folder] = made
    return made


def mounted(path: Path) -> Mount | None:
    """Return the mount a path lies in, None for a path that is only on this machine."""
    if not _MOUNTS:
        return None
    path = path.absolute()
    return next((_MOUNTS[one] for one in (path, *path.parents) if one in _MOUNTS), None)


def _store(url: str, options: Mapping[str, str]) -> Any:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise UsageError(
            f"lake: '{url}' is no place in an object store; write s3://BUCKET/PREFIX.",
            zh=f"lake：“{url}”不是对象存储地址；请写成 s3://桶名/前缀。",
        )
    try:
        from obstore.store import S3Store
    except ImportError:
        raise UsageError(
            "A lake in an object store needs the package obstore: pip install 'jinpai[s3]'.",
            zh="湖存放在对象存储上需要 obstore：pip install 'jinpai[s3]'。",
        ) from None
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        endpoint=options.get("AWS_ENDPOINT_URL"),
        region=options["AWS_REGION"],
        virtual_hosted_style_request="AWS_ENDPOINT_URL" not in options,
        client_options={"allow_http": "AWS_ALLOW_HTTP" in options},
    )


class _Lost(WorkspaceError, LookupError):
    """There is no such object."""


def _lost(place: str) -> _Lost:
    return _Lost(
        f"{place}: the object is missing. Restore it, or an older version of it, in the store.",
        zh=f"{place}：对象不存在。请在对象存储中恢复它或它的旧版本。",
    )


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Say of a failed request where it went."""
    from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError

    try:
        yield
    except (FileNotFoundError, NotFoundError) as error:
        raise _lost(place) from error
    except AlreadyExistsError as error:
        raise FileExistsError(place) from error
    except (BaseError, OSError) as error:
        why = str(error).splitlines()[0][:300]
        raise WorkspaceError(
            f"{place}: the object store refused or did not answer ({why}). Check the address,"
            " AWS_ENDPOINT_URL, AWS_REGION and the credentials in the environment.",
            zh=f"{place}：对象存储拒绝或没有应答（{why}）。"
            "请检查地址、AWS_ENDPOINT_URL、AWS_REGION 与环境变量中的凭证。",
        ) from error
