"""A month of a made-up shop of ten agents, from export files to figures.

The shop is simulated in the formats Taobao exports, so the demo goes the way of real files.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinpai.errors import UsageError, reason_zh
from jinpai.importing import Imported
from jinpai.run import RunReport
from jinpai.simulate import Simulated, simulate
from jinpai.workspace import MetricsResult, Workspace, init
from jinpai.workspace_config import FILE_NAME

__all__ = ["SHOP_METRICS", "TEAM_METRICS", "Demo", "make_demo"]

SHOP_ID = "demo"
_MARK = ".jinpai-demo"
TEAM_METRICS = (
    "sales_amount",
    "inquiry_buyers",
    "inquiry_conversion_rate",
    "amount_per_buyer",
    "first_response_seconds",
    "avg_response_seconds",
    "reply_rate",
)
SHOP_METRICS = ("shop_sales_amount", "shop_sales_orders", "silent_amount", "silent_orders")


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Attributes:
        workspace: the workspace; the export files are in its folder ``exports``.
        example: (agent_id, day, order_id) worth looking at.
        seconds: how long all of it took.
    """

    workspace: Workspace
    simulated: Simulated
    imported: Imported
    run: RunReport
    agents: MetricsResult
    team: MetricsResult
    example: tuple[str, str, str]
    seconds: float


def make_demo(
    folder: str | Path,
    *,
    agents: int = 10,
    days: int = 30,
    buyers: int = 1800,
    on_step: Callable[[str, float], None] | None = None,
) -> Demo:
    """Make the demo in a folder that is new, empty, or an earlier demo's.

    Args:
        on_step: called with the name of each step and the share of the work done before it.
    Raises:
        UsageError: the folder holds something else.
    """
    started, root = time.monotonic(), Path(folder)
    tell = on_step or (lambda name, share: None)
    _claim(root)
    tell("simulate", 0.0)
    made = simulate(
        root / "exports",
        agents=agents,
        days=days,
        buyers=buyers,
        seed=1,
        source="taobao",
        truth=root / "truth.json",
    )
    workspace = _opened(root, made)
    tell("import", 0.1)
    imported = workspace.import_files([root / "exports"])
    tell("run", 0.7)
    report = workspace.run()
    tell("metrics", 0.9)
    by_agent = workspace.ask(TEAM_METRICS, by=["agent"])
    team = workspace.ask([*TEAM_METRICS, *SHOP_METRICS])
    example = _example(workspace)
    seconds = time.monotonic() - started
    return Demo(workspace, made, imported, report, by_agent, team, example, seconds)


def _claim(root: Path) -> None:
    """Take the folder, marking it as a demo's; the same files are written into an earlier one."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / _MARK).exists() and any(root.iterdir()):
            raise UsageError(
                f"{root} is not empty and no demo; name another folder: jinpai demo DIR.",
                zh=f"{root} 不是空文件夹，也不是演示；请换一个文件夹：jinpai demo 文件夹",
            )
        (root / _MARK).touch()
    except OSError as error:
        raise UsageError(
            f"{root} cannot hold the demo: {error.strerror}.",
            zh=f"{root} 无法存放演示：{reason_zh(error)}。",
        ) from None


def _opened(root: Path, made: Simulated) -> Workspace:
    if (root / FILE_NAME).exists():
        return Workspace(root)
    workspace = init(root, shop_id=SHOP_ID, name=made.truth["shop"], platform="taobao")
    for name, value in made.truth["settings"].items():
        workspace.config.set(name, value)
    workspace.config.set("inspect", True)
    return workspace


# The order most agents' sessions competed for at its creation, and whose it became.
_EXAMPLE = """
select o.order_id, o.created_agent_id as agent_id, cast(o.created_day as varchar) as day
from judged_orders as o
inner join candidates as c on c.order_id = o.order_id and c.moment = 'created'
where o.created_agent_id is not null and c.place is not null
group by all
order by count(distinct c.agent_id) desc, count(*) desc, o.order_id
limit 1
"""


def _example(workspace: Workspace) -> tuple[str, str, str]:
    with workspace.derived() as (engine, _, _):
        row = engine.fetch("example", _EXAMPLE).to_pylist()[0]
    return row["agent_id"], row["day"], row["order_id"]
