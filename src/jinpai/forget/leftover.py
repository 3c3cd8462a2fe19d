"""What was sent up or worked out before somebody was forgotten and lies about: it goes at once.

Files that were sent and not imported, and what jobs kept, would go by themselves after a week or a
month. Whatever tells of the person goes now; so does what cannot be searched (archives, workbooks),
and what can be worked out again at any time (trials, dry runs). Jobs at work keep what they need.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.jobs.batches import FOLDER
from jinpai.jobs.work import folder_of
from jinpai.store.database import Store
from jinpai.store.jobs import BESIDE, Job, jobs_of

__all__ = ["leftovers", "remove"]

_EVERY = 1_000_000
_PACKED = (b"PK", b"\x1f\x8b", b"7z", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_PART = 8 << 20


def leftovers(root: Path, store: Store, words: Sequence[str]) -> list[Path]:
    """Return the folders of uploads and finished jobs that have to go.

    Args:
        words: what names the person: account, phones, names.
    """
    with store.read() as session:
        jobs = jobs_of(session, limit=_EVERY)
    needles = [made for word in words for made in _written(word)]
    return [*_uploads(root, jobs, needles), *_kept_by_jobs(root, jobs, needles)]


def remove(folders: Sequence[Path]) -> None:
    """Delete folders."""
    for one in folders:
        shutil.rmtree(one, ignore_errors=True)


def _uploads(root: Path, jobs: Sequence[Job], needles: Sequence[bytes]) -> list[Path]:
    at_work = {job.args.get("batch") for job in jobs if job.is_active}
    place = root / FOLDER
    found = sorted(one for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
    return [one for one in found if one.name not in at_work and _any_tells(one, needles)]


def _kept_by_jobs(root: Path, jobs: Sequence[Job], needles: Sequence[bytes]) -> list[Path]:
    found = [(job, folder_of(root, job.id)) for job in jobs if not job.is_active]
    there = [(job, folder) for job, folder in found if folder.is_dir()]
    return [f for job, f in there if job.kind in BESIDE or _any_tells(f, needles)]


def _any_tells(folder: Path, needles: Sequence[bytes]) -> bool:
    return any(_tells(path, needles) for path in sorted(folder.rglob("*")) if path.is_file())


def _tells(path: Path, needles: Sequence[bytes]) -> bool:
    """Tell whether a file has one of the words, or cannot be searched."""
    with path.open("rb") as file:
        head = file.read(8)
        if head.startswith(b"PAR1"):
            return _table_tells(path, needles)
        if head.startswith(_PACKED):
            return True
        tail, longest = head, max(map(len, needles), default=1)
        while part := file.read(_PART):
            held = tail + part
            if any(one in held for one in needles):
                return True
            tail = held[-longest:]
    return any(one in tail for one in needles)


def _table_tells(path: Path, needles: Sequence[bytes]) -> bool:
    try:
        texts = (repr(b.to_pylist()).encode() for b in pq.ParquetFile(path).iter_batches())
        return any(one in text for text in texts for one in needles)
    except (OSError, pa.ArrowException):  # cut short, or named so by its owner
        return True


def _written(word: str) -> list[bytes]:
    """Return a word as files have it; none for one so short that it is in every file."""
    if len(word) < 2 or (len(word) <= 4 and word.isascii()):
        return []
    codes = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
    escaped = word.encode("unicode_escape")
    return list(dict.fromkeys([*(word.encode(code) for code in codes), escaped]))
