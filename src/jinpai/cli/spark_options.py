"""Options that choose where a run is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jinpai.cli.words import both
from jinpai.errors import UsageError

if TYPE_CHECKING:
    from jinpai.spark_run import SparkCluster

__all__ = ["Conf", "EngineName", "Master", "Scratch", "cluster_of"]

EngineName = Annotated[
    Literal["duckdb", "spark"],
    typer.Option(
        "--engine",
        help=both(
            "duckdb: in this process; spark: on a cluster (docs/scaling.md)",
            "duckdb：在本机进程内；spark：在集群上（见 docs/scaling.md）",
        ),
    ),
]
Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        show_default=False,
        help=both(
            "Spark's master: spark://HOST:7077, yarn, k8s://…; default what Spark is set to",
            "Spark 主节点：spark://主机:7077、yarn、k8s://…；默认取 Spark 自身的配置",
        ),
    ),
]
Conf = Annotated[
    list[str] | None,
    typer.Option(
        "--conf",
        metavar="KEY=VALUE",
        show_default=False,
        help=both(
            "A setting of Spark, such as spark.executor.memory=8g; may be repeated",
            "Spark 的设置，如 spark.executor.memory=8g；可多次给出",
        ),
    ),
]
Scratch = Annotated[
    Path | None,
    typer.Option(
        "--scratch",
        metavar="FOLDER",
        show_default=False,
        help=both(
            "Folder for Spark's intermediate files, seen by all executors; in the workspace",
            "Spark 中间文件夹，所有执行器都能访问；默认在工作区内",
        ),
    ),
]


def cluster_of(
    engine: str,
    master: str | None,
    conf: Sequence[str] | None,
    scratch: Path | None,
    refused: Sequence[str] = (),
) -> SparkCluster | None:
    """Return where to run, None for this process.

    Args:
        refused: options given that Spark does not take.
    Raises:
        UsageError: an option that does not go with the engine.
    """
    from jinpai.spark_run import SparkCluster

    if engine == "duckdb":
        given = {"--master": master, "--conf": conf, "--scratch": scratch}
        for name, value in given.items():
            if value:
                raise UsageError(
                    f"{name} needs --engine spark.", zh=f"{name} 只能与 --engine spark 一起使用。"
                )
        return None
    if refused:
        raise UsageError(
            f"{refused[0]} does not go with --engine spark: give Spark's own settings with --conf.",
            zh=f"{refused[0]} 不能与 --engine spark 一起使用：请用 --conf 给出 Spark 的设置。",
        )
    pairs = [text.partition("=") for text in conf or ()]
    for key, mark, _ in pairs:
        if not mark or not key.startswith("spark."):
            raise UsageError(
                f"--conf: '{key}' is not spark.KEY=VALUE.",
                zh=f"--conf：“{key}”不是 spark.KEY=VALUE 的形式。",
            )
    settings = {key: value for key, _, value in pairs}
    return SparkCluster(master=master, conf=settings, scratch=scratch)
