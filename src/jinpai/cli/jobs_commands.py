"""The command ``jobs``: work in the background, and what is done by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jinpai.cli.console import note, plain_table, print_json, show
from jinpai.cli.options import ACTOR, As, Workspace, as_json
from jinpai.cli.words import both, say

if TYPE_CHECKING:
    from jinpai.store.jobs import Job

__all__ = ["jobs_app"]

_OFF = "off"

jobs_app = typer.Typer(
    no_args_is_help=True,
    help=both(
        "Work in the background: imports and runs asked for in the web app, the nightly run, a"
        " watched folder.",
        "后台任务：网页里发起的导入与计算、每晚自动计算、监视文件夹自动导入。",
    ),
    epilog=both(
        "jinpai jobs nightly my-shop 02:30\njinpai jobs watch my-shop drop",
        "jinpai jobs nightly my-shop 02:30\njinpai jobs watch my-shop drop",
    ),
)

JobId = Annotated[
    int, typer.Argument(metavar="JOB", show_default=False, help=both("Number", "任务编号"))
]


@jobs_app.command(
    "list",
    help=both("Show the latest jobs.", "列出最近的任务。"),
    epilog=both("jinpai jobs list my-shop", "jinpai jobs list my-shop"),
)
def list_(
    workspace: Workspace,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help=both("How many", "条数"))
    ] = 20,
    format_: As = "table",
) -> None:
    """List jobs."""
    from jinpai.jobs.worker import is_working
    from jinpai.store import open_store
    from jinpai.store.jobs import jobs_of

    with open_store(workspace) as store, store.read() as session:
        jobs = jobs_of(session, limit=limit)
    if as_json(format_):
        print_json({"jobs": [job_json(job) for job in jobs], "worker": is_working(workspace)})
        return
    rows = [_row(job) for job in jobs]
    heads = say("Job|What|State|By|Asked (UTC)|About", "编号|内容|状态|发起人|发起时间（UTC）|说明")
    show(plain_table(heads.split("|"), rows, right=(0,)))
    if not is_working(workspace):
        note(
            say(
                "No worker is running; 'jinpai serve' or 'jinpai jobs work' starts one.",
                "后台进程未运行；jinpai serve 或 jinpai jobs work 会启动它。",
            )
        )


def job_json(job: Job) -> dict[str, Any]:
    """Return a job as JSON values."""
    columns = ("id", "kind", "state", "asked_by", "args", "step", "share", "result", "retry_of")
    times = ("asked_at", "began_at", "ended_at")
    made = {name: getattr(job, name) for name in columns}
    for name in times:
        at = getattr(job, name)
        made[name] = at and at.isoformat()
    return made | {"error": job.error_en, "error_zh": job.error_zh}


def _row(job: Job) -> tuple[Any, ...]:
    kinds = {
        "look": say("dry run", "试导入"),
        "import": say("import", "导入"),
        "undo": say("undo", "撤销导入"),
        "run": say("run", "计算"),
        "qc": say("inspection", "质检"),
        "report": say("report", "报告"),
        "trial": say("trial", "试算"),
    }
    states = {
        "queued": say("waiting", "排队中"),
        "running": say("running", "进行中"),
        "done": say("done", "完成"),
        "failed": say("failed", "失败"),
        "cancelled": say("cancelled", "已取消"),
        "interrupted": say("interrupted", "被中断"),
    }
    share = "" if job.share is None or job.state != "running" else f" {job.share:.0%}"
    about = say(job.error_en or "", job.error_zh or "") or (job.step if job.is_active else "")
    return (
        job.id,
        kinds[job.kind],
        states[job.state] + share,
        job.asked_by,
        f"{job.asked_at:%Y-%m-%d %H:%M}",
        about or "",
    )


@jobs_app.command(
    help=both(
        "Cancel a job: one that waits at once, one at work within seconds. What was published"
        " stays whole.",
        "取消任务：排队中的立即取消，进行中的几秒内停止；已发布的数据保持完整。",
    ),
    epilog=both("jinpai jobs cancel my-shop 7", "jinpai jobs cancel my-shop 7"),
)
def cancel(workspace: Workspace, job: JobId, format_: As = "table") -> None:
    """Cancel a job."""
    from jinpai.store import open_store
    from jinpai.store.jobs import cancel_job

    with open_store(workspace) as store, store.write() as session:
        state = cancel_job(session, job, by=ACTOR).state
    if as_json(format_):
        print_json({"id": job, "state": state, "wants_cancel": True})
        return
    stops = say(f"Job {job} is being stopped.", f"任务 {job} 正在停止。")
    gone = say(f"Job {job} is cancelled.", f"任务 {job} 已取消。")
    note(gone if state == "cancelled" else stops, "green")


@jobs_app.command(
    help=both(
        "Ask again for a job that failed, was cancelled or was interrupted.",
        "重试失败、已取消或被中断的任务。",
    ),
    epilog=both("jinpai jobs retry my-shop 7", "jinpai jobs retry my-shop 7"),
)
def retry(workspace: Workspace, job: JobId, format_: As = "table") -> None:
    """Repeat a job."""
    from jinpai.jobs import Queue
    from jinpai.store import open_store
    from jinpai.workspace_config import load_config

    config = load_config(workspace)
    with open_store(config) as store:
        queue = Queue(config, store)
        new = queue.retry(job, by=ACTOR)
        queue.close()
    if as_json(format_):
        print_json({"id": new, "retry_of": job})
        return
    note(say(f"Job {new} repeats job {job}.", f"任务 {new} 将重试任务 {job}。"), "green")


@jobs_app.command(
    help=both(
        "Do the jobs until interrupted. 'jinpai serve' does this by itself; one worker of a"
        " workspace is at work at a time.",
        "持续处理任务，直到中断。jinpai serve 会自动启动；每个工作区同时只有一个后台进程工作。",
    ),
    epilog=both(
        "jinpai jobs work my-shop\njinpai jobs work my-shop --once    # from cron",
        "jinpai jobs work my-shop\njinpai jobs work my-shop --once    # 供 cron 使用",
    ),
)
def work(
    workspace: Workspace,
    once: Annotated[
        bool,
        typer.Option("--once", help=both("Do what waits, then end", "处理完排队的任务后退出")),
    ] = False,
    parent: Annotated[int | None, typer.Option("--parent", hidden=True)] = None,
) -> None:
    """Be the worker."""
    import os

    from jinpai.jobs.worker import Worker
    from jinpai.web.logs import set_up_logs

    worker = Worker(workspace)
    try:
        if once:
            done = worker.drain()
            note(say(f"{done} job(s) done.", f"已处理 {done} 个任务。"), "green")
            return
        set_up_logs()
        if parent is not None:
            os.nice(10)  # pages come first
        worker.run(parent=parent)
    finally:
        worker.close()


@jobs_app.command(
    help=both(
        "Make the figures anew each night at a time of the shop's clock, while a worker runs.",
        "每晚按店铺时区的指定时间自动计算（后台进程运行期间）。",
    ),
    epilog=both(
        "jinpai jobs nightly my-shop 02:30\njinpai jobs nightly my-shop off",
        "jinpai jobs nightly my-shop 02:30\njinpai jobs nightly my-shop off",
    ),
)
def nightly(
    workspace: Workspace,
    at: Annotated[
        str, typer.Argument(metavar="TIME", help=both("Such as 02:30, or off", "如 02:30，或 off"))
    ],
    format_: As = "table",
) -> None:
    """Set the nightly time."""
    _set(workspace, "nightly", at, format_)


@jobs_app.command(
    help=both(
        "Import what is dropped into a folder, then move it to done/ or failed/ in it.",
        "自动导入放入文件夹的文件，之后移到其中的 done/ 或 failed/。",
    ),
    epilog=both(
        "jinpai jobs watch my-shop drop\njinpai jobs watch my-shop off",
        "jinpai jobs watch my-shop drop\njinpai jobs watch my-shop off",
    ),
)
def watch(
    workspace: Workspace,
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help=both(
                "In the workspace, or an absolute path; or off",
                "工作区内的文件夹或绝对路径；off 关闭",
            ),
        ),
    ],
    format_: As = "table",
) -> None:
    """Set the watched folder."""
    _set(workspace, "watch", folder, format_)


def _set(workspace: Path, name: str, value: str, format_: str) -> None:
    from jinpai.service_terms import set_job_term

    set_job_term(workspace, name, None if value == _OFF else value)
    if as_json(format_):
        print_json({name: None if value == _OFF else value})
        return
    note(say(f"{name}: {value}", f"{name}：{value}"), "green")
