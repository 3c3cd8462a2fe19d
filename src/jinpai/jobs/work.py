"""What each kind of job does. Imports and runs are atomic, so stopping at any step is safe."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jinpai.errors import UnknownName, UsageError
from jinpai.import_report import import_json
from jinpai.importing import Imported
from jinpai.jobs.batches import batch_of
from jinpai.jobs.trials import TRIAL_FILE, work_out
from jinpai.jobs.watch import put_away
from jinpai.tables.undo import undo
from jinpai.toml_file import write_whole
from jinpai.workspace import Workspace

__all__ = ["MAPPINGS", "Tell", "do", "folder_of", "mapping_path", "sweep_reports", "tidy"]

MAPPINGS = "mappings"
_KEPT = 30 * 86400.0
Tell = Callable[[str, float | None], None]
"""Called with what is done now, and the share done so far where it is known; it may raise."""
_Made = dict[str, Any]


def do(kind: str, args: Mapping[str, Any], root: Path, job_id: int, tell: Tell) -> _Made:
    """Do a job; returns its result, JSON values. Raises what the verb raises."""
    return _KINDS[kind](Workspace(root), args, job_id, tell)


def folder_of(root: Path, job_id: int) -> Path:
    """Return where the files of a job lie, made or not."""
    return root / "jobs" / str(job_id)


def sweep_reports(root: Path) -> None:
    """Delete what jobs kept more than a month ago: rejected rows name people."""
    folder, oldest = root / "jobs", time.time() - _KEPT
    for one in folder.iterdir() if folder.is_dir() else ():
        if one.name.isdigit() and one.stat().st_mtime < oldest:
            shutil.rmtree(one, ignore_errors=True)


def mapping_path(root: Path, name: str) -> Path:
    """Return a mapping file of the workspace; raises UsageError when there is none."""
    for path in sorted((root / MAPPINGS).glob("*.yaml")):
        if path.stem == name:
            return path
    raise UsageError(f"There is no mapping '{name[:60]}'.", zh=f"没有名为“{name[:60]}”的映射。")


def tidy(kind: str, args: Mapping[str, Any], root: Path, error: Exception | None) -> None:
    """Put away what an import took, once its job is over: before that it could not be repeated."""
    if kind == "trial" and "batch" in args:
        with suppress(UnknownName):
            batch_of(root, args["batch"]).delete()
    if kind != "import":
        return
    for one in args.get("paths", ()):
        put_away(root, Path(one), error)
    if "batch" in args and error is None:
        with suppress(UnknownName):  # an earlier try of the same had come so far
            batch_of(root, args["batch"]).delete()


def _import(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    return _kept(workspace, _imported(workspace, args, tell, dry_run=False), job_id)


def _look(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    return _kept(workspace, _imported(workspace, args, tell, dry_run=True), job_id)


def _imported(
    workspace: Workspace, args: Mapping[str, Any], tell: Tell, *, dry_run: bool
) -> Imported:
    files = batch_of(workspace.root, args["batch"]).files() if "batch" in args else []
    watched = [Path(one) for one in args.get("paths", ())]
    mapping = args.get("mapping")
    terms = workspace.config.jobs
    seen: set[str] = set()

    def told(rows: int, file: str) -> None:
        seen.add(file)
        share = len(seen) / (len(files) + 1) if len(files) > 1 else None
        tell(f"{file} · {rows:,}", None if share is None else min(share, 1.0))

    tell("", None)
    return workspace.import_files(
        [*(one.path for one in files), *watched],
        mapping=mapping_path(workspace.root, mapping) if mapping else None,
        shop_id=args.get("shop"),
        dry_run=dry_run,
        progress=told,
        memory=terms.memory,
        threads=terms.threads,
        names={one.path: one.name for one in files},
    )


def _kept(workspace: Workspace, done: Imported, job_id: int) -> _Made:
    """Keep the whole report in files; return what lists show of it."""
    folder = folder_of(workspace.root, job_id)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    told = import_json(done)
    text = json.dumps(told, ensure_ascii=False, default=str)
    write_whole(folder / "report.json", text)
    if done.report.rejects.num_rows:
        pq.write_table(done.report.rejects, folder / "rejects.parquet", compression="zstd")
    names = ("rows_in", "inserted", "replaced", "unchanged", "rejected")
    total = {name: told["total"][name] for name in names}
    files = {"files": len(done.seen), "unknown": sum(one.source is None for one in done.seen)}
    return total | files | {"state": told["snapshot_id"], "tables": sorted(told["tables"])}


def _undo(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    tell("", None)
    return asdict(undo(workspace.lake, int(args["state"])))


def _run(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    terms = workspace.config.jobs
    report = workspace.run(
        full=bool(args.get("full")),
        shop_id=args.get("shop"),
        memory=terms.memory,
        threads=terms.threads,
        on_step=lambda name, done, total: tell(name, done / max(total, 1)),
    )
    return {
        "mode": report.mode,
        "shops": len(report.shops),
        "checks": len(report.checks),
        "seconds": round(sum(report.seconds.values()), 2),
    }


def _inspect(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    """Let runs inspect from now on, and run."""
    config = workspace.config
    if not config.settings(None).inspect:
        config.set("inspect", True)
    for shop in config.shops:
        if not config.settings(shop).inspect:
            config.set("inspect", True, shop)
    return _run(workspace, args, job_id, tell)


def _report(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    from jinpai.reporting import write_report

    folder = folder_of(workspace.root, job_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    suffix = "xlsx" if args.get("form") == "xlsx" else "html"
    write_report(
        workspace,
        folder / f"report.{suffix}",
        first=args.get("first"),
        last=args.get("last"),
        language=args.get("language", "zh"),
        judge_rule=args.get("rule"),
        shop_id=args.get("shop"),
        on_step=tell,
    )
    return {"file": f"report.{suffix}"}


def _trial(workspace: Workspace, args: Mapping[str, Any], job_id: int, tell: Tell) -> _Made:
    found = work_out(workspace, args, tell)
    folder = folder_of(workspace.root, job_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(folder / TRIAL_FILE, json.dumps(found, ensure_ascii=False))
    return {"of": args["of"]}


_KINDS: dict[str, Callable[[Workspace, Mapping[str, Any], int, Tell], _Made]] = {
    "import": _import,
    "look": _look,
    "undo": _undo,
    "run": _run,
    "qc": _inspect,
    "report": _report,
    "trial": _trial,
}
