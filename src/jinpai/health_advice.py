"""What is wrong with a workspace, and what to do: every warning names its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from jinpai.health import Health, LakeHealth

__all__ = ["Advice", "Level", "advice_of"]

Level = Literal["bad", "warn", "note"]
_ORDER: tuple[Level, ...] = ("bad", "warn", "note")
_GB = 1_000_000_000
_LEAST_FREE = 2 * _GB
_NIGHT = timedelta(hours=26)  # a day, and two hours for a run that waited
_SILENT, _WAITED = timedelta(hours=1), timedelta(hours=1)
_BACKUP = timedelta(days=7)
_REJECTED = 0.01  # of the rows of an import
_MANY_FILES, _OLD_BYTES = 400, 3


@dataclass(frozen=True)
class Advice:
    """Something that should be done.

    Attributes:
        code: what it is about, the same in all languages.
        level: bad (figures are missing or wrong soon), warn, note.
        zh, en: what is so; zh_do, en_do: what to do.
        page: name of the page where it is done, empty for none; ``value`` is the page's own part.
        command: of the command line, WORKSPACE in the place of the folder; empty for none.
    """

    code: str
    level: Level
    zh: str
    en: str
    zh_do: str
    en_do: str
    page: str = ""
    value: int = 0
    command: str = ""


def advice_of(found: Health) -> list[Advice]:
    """Return what should be done, the most urgent first."""
    parts = (_lake(found), _imports(found), _jobs(found), _disk(found), _store(found))
    made = [one for part in parts for one in part]
    return sorted(made, key=lambda one: _ORDER.index(one.level))


def _lake(found: Health) -> Iterator[Advice]:
    lake = found.lake
    if lake.fault:
        yield Advice(
            "lake_unreadable", "bad",
            f"数据表无法读取：{lake.fault[0]}", f"The lake cannot be read: {lake.fault[1]}",
            "先不要导入；运行校验，必要时从备份恢复。",
            "Import nothing; verify it, and restore the backup where that finds damage.",
            command="jinpai lake verify WORKSPACE",
        )  # fmt: skip
        return
    if not lake.tables:
        yield Advice(
            "nothing_loaded", "warn", "还没有导入任何数据。", "Nothing was imported yet.",
            "导入店铺导出的文件。", "Import the files the shop can export.", "import",
        )  # fmt: skip
    elif lake.ran_at is None:
        yield Advice(
            "not_run", "bad",
            "已有数据，但还没有计算。", "There is data, but nothing was calculated.",
            "立即计算。", "Calculate.", "jobs", command="jinpai run WORKSPACE",
        )  # fmt: skip
    if behind := [one.shop_id for one in lake.shops if one.is_stale]:
        names = ", ".join(behind)
        yield Advice(
            "behind", "warn",
            f"上次计算之后数据或设置有改动：{names}。",
            f"Data or settings changed since the last run: {names}.",
            "立即计算，或设置每晚自动计算。", "Calculate, or have it done each night.",
            "jobs", command="jinpai run WORKSPACE",
        )  # fmt: skip
    yield from _files(lake)


def _files(lake: LakeHealth) -> Iterator[Advice]:
    many = [one for one in lake.tables if one.files > _MANY_FILES and not one.is_derived]
    if many:
        names = ", ".join(one.name for one in many)
        yield Advice(
            "many_files", "note",
            f"表的小文件过多：{names}。", f"Tables of many small files: {names}.",
            "合并小文件，数据不变。", "Put them together; no row changes.",
            command="jinpai lake optimize WORKSPACE",
        )  # fmt: skip
    if lake.bytes > max(_OLD_BYTES * lake.needed_bytes, _GB):
        yield Advice(
            "old_files", "note",
            f"数据表占用 {_size(lake.bytes)}，其中当前状态只需 {_size(lake.needed_bytes)}。",
            f"The lake takes {_size(lake.bytes)}; the state in force needs "
            f"{_size(lake.needed_bytes)} of it.",
            "清理旧文件；锁定的周期会保留。", "Delete old files; locked periods stay.",
            command="jinpai lake vacuum WORKSPACE",
        )  # fmt: skip


def _imports(found: Health) -> Iterator[Advice]:
    latest = next((one for one in found.imports if one.what == "import"), None)
    if latest is None or not latest.rejected:
        return
    if latest.rejected <= _REJECTED * (abs(latest.rows) + latest.rejected):
        return
    yield Advice(
        "rejects", "warn",
        f"最近一次导入（第 {latest.state} 号）有 {latest.rejected:,} 行未能导入。",
        f"{latest.rejected:,} rows of the last import ({latest.state}) could not be loaded.",
        "查看拒收原因，更正文件或映射后重新导入。",
        "Look at the reasons, mend the file or its mapping, and import it again.",
        "job" if latest.job else "import", latest.job or 0,
    )  # fmt: skip


def _jobs(found: Health) -> Iterator[Advice]:
    jobs, waits = found.jobs, sum(one.queued for one in found.jobs.kinds)
    if not jobs.worker:
        level: Level = "bad" if waits or jobs.nightly else "warn"
        yield Advice(
            "no_worker", level,
            f"后台进程没有运行，{waits} 个任务在等待。" if waits else "后台进程没有运行。",
            f"No worker is running; jobs that wait: {waits}.",
            "用 jinpai serve 启动网页会自动带上它，也可单独运行。",
            "jinpai serve starts one by itself; it can be run alone, too.",
            "jobs", command="jinpai jobs work WORKSPACE",
        )  # fmt: skip
    elif _is_long(found.at, jobs.oldest_wait, _WAITED) and jobs.running is None:
        yield Advice(
            "stuck", "bad", "任务已等待一个多小时，却没有开始。",
            "A job has waited for more than an hour and was not begun.",
            "重新启动 jinpai serve，并查看服务器日志。",
            "Restart jinpai serve, and look into its log.", "jobs",
        )  # fmt: skip
    if jobs.running is not None and _is_long(found.at, jobs.running_seen, _SILENT):
        yield Advice(
            "silent", "warn", f"任务 {jobs.running} 已一个多小时没有进展。",
            f"Job {jobs.running} has said nothing for more than an hour.",
            "取消后重试；导入与计算不会只做一半。",
            "Cancel it and try again; imports and runs are never half done.",
            "job", jobs.running,
        )  # fmt: skip
    if jobs.nightly and _is_long(found.at, jobs.nightly_asked, _NIGHT):
        yield Advice(
            "night_missed", "warn",
            f"每晚 {jobs.nightly} 的自动计算已超过一天没有进行。",
            f"The nightly run of {jobs.nightly} was not asked for in more than a day.",
            "确认服务器夜间也在运行。", "See that the server is up at night, too.", "jobs",
        )  # fmt: skip
    for one in jobs.kinds:
        if one.last_state in ("failed", "interrupted"):
            yield Advice(
                f"failed_{one.kind}", "warn",
                f"任务 {one.last} 没有完成，之后也没有再成功过。",
                f"Job {one.last} did not end well, and none of its kind has since.",
                "查看原因，然后重试。", "See why, then try again.", "job", one.last,
            )  # fmt: skip


def _disk(found: Health) -> Iterator[Advice]:
    disk = found.disk
    least = max(_LEAST_FREE, disk.folders.get("lake", 0))
    if disk.free >= least:
        return
    yield Advice(
        "disk", "bad" if disk.free < _LEAST_FREE else "warn",
        f"磁盘只剩 {_size(disk.free)}；全部重新计算可能需要 {_size(least)}。",
        f"{_size(disk.free)} of the disk are free; calculating everything may take {_size(least)}.",
        "清理旧文件，或换更大的磁盘。", "Delete old files, or take a larger disk.",
        command="jinpai lake vacuum WORKSPACE",
    )  # fmt: skip


def _store(found: Health) -> Iterator[Advice]:
    backed = found.store.backed_up
    if backed is not None and not _is_long(found.at, backed, _BACKUP):
        return
    days = 0 if backed is None else (found.at - backed).days
    yield Advice(
        "backup", "note",
        f"最近一次备份是 {days} 天前。" if backed else "没有备份数据库的记录。",
        f"The last backup is {days} days old." if backed else "No backup of the store is known.",
        "备份数据库；若由 PostgreSQL 自行备份，可忽略。",
        "Back the store up; nothing to do where PostgreSQL's own backups do it.",
        command="jinpai store backup WORKSPACE --out store.jsonl.gz",
    )  # fmt: skip


def _is_long(now: datetime, since: datetime | None, most: timedelta) -> bool:
    return since is not None and now - since > most


def _size(size: int) -> str:
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.1f} MB"
