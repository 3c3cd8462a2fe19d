"""A Spark session with the settings on which equal figures depend."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jinpai.errors import EngineError, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["asking", "quiet", "session_of"]

# What decides figures; a caller's settings do not go before these.
_FIXED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_DEFAULTS = {
    "spark.app.name": "jinpai",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.adaptive.enabled": "true",
}
_WORDS = 2000


def session_of(master: str | None, conf: Mapping[str, str]) -> tuple[SparkSession, bool]:
    """Return a session of its own, and whether the connection to the cluster was made for it.

    A connection that exists in this process is shared, its master and memory as they are.

    Raises:
        UsageError: PySpark or Java is missing, or the cluster cannot be reached.
    """
    try:
        with quiet():
            import pyspark.sql.pandas.types  # noqa: F401 - it warns when it is loaded
            from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError(
            "Spark needs PySpark; install it with: pip install 'jinpai[spark]'",
            zh="用 Spark 计算需要 PySpark；请安装：pip install 'jinpai[spark]'",
        ) from error
    active = SparkSession.getActiveSession()
    if active is None:
        return _connected(master, {**_DEFAULTS, **conf, **_FIXED}), True
    session = active.newSession()
    for name, value in {**conf, **_FIXED}.items():
        if name.startswith("spark.sql."):
            session.conf.set(name, value)
    return session, False


@contextmanager
def quiet() -> Iterator[None]:
    """Leave unsaid what PySpark thinks of the newest pandas, which no step of ours touches.

    Python 3.12 also warns of the fork by which it starts Java beside Arrow's threads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _connected(master: str | None, settings: dict[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    if master is not None:
        settings["spark.master"] = master
    log = Path(__file__).with_name("spark_log4j2.properties").as_uri()
    options = settings.get("spark.driver.extraJavaOptions", "")
    if "log4j2.configurationFile" not in options:
        logged = f"{options} -Dlog4j2.configurationFile={log}".strip()
        settings["spark.driver.extraJavaOptions"] = logged
    _check_java()
    _check_master(settings.get("spark.master", ""))
    # Executors' Python must know Jinpai: by default the one that runs here, at the same path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        with quiet():
            return SparkSession.Builder().config(map=dict(settings)).getOrCreate()
    except Exception as error:  # of many kinds: PySpark's, py4j's, the system's
        raise UsageError(
            f"Spark did not start: {_first_line(error)} Look at --master and --conf.",
            zh=f"Spark 未能启动（{_first_line(error)}）。请检查 --master 与 --conf。",
        ) from error


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=os.path.join(home, "bin") if home else None) is None:
        raise UsageError(
            "Spark needs Java 17 or newer: install it (Debian: apt-get install "
            "openjdk-17-jre-headless) or let JAVA_HOME say where it is.",
            zh="用 Spark 计算需要 Java 17 或更新的版本：请安装（Debian：apt-get install "
            "openjdk-17-jre-headless），或用 JAVA_HOME 指明位置。",
        )


def _check_master(master: str) -> None:
    """Ask a standalone master's door first: Spark itself waits a minute and then says little."""
    found = re.fullmatch(r"spark://([^:,/]+):([0-9]{1,5})", master)
    if found is None:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"No Spark master answers at {master} ({error}); is it running, and the port right?",
            zh=f"{master} 没有 Spark master 应答（{error}）；请确认它已启动、端口正确。",
        ) from error


@contextmanager
def asking(name: str, sql: str) -> Iterator[None]:
    """Turn Spark's errors into `EngineError` with the step and its SQL."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("pyspark", "py4j"):
            raise
        raise EngineError(name, sql, _short(str(error))) from error


def _short(text: str) -> str:
    """Return what is said before the Java stack."""
    said = re.split(r"\n\s+at |\nJVM stacktrace|\n\nDriver stacktrace", text, maxsplit=1)[0].strip()
    return said if len(said) <= _WORDS else said[:_WORDS] + " …"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
