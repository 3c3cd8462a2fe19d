"""A real standalone cluster on this machine: one master, two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import urlopen

# Found, not imported: importing it warns of the newest pandas.
_FOUND = find_spec("pyspark")
assert _FOUND is not None
assert _FOUND.origin is not None
SPARK_HOME = Path(_FOUND.origin).parent
# Tiny data: a compiler that starts fast beats one that ends fast.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m"
_START_SECONDS = 180


class Cluster:
    """Start it with ``with``; ``master`` is its URL, ``conf`` what a small session needs.

    Args:
        folder: where workers keep what they spill.
        executor_memory: of each of the two executors.
        conf: settings that go before those of small data.
    """

    def __init__(
        self, folder: Path, executor_memory: str = "700m", conf: Mapping[str, str] | None = None
    ) -> None:
        self._folder, self._memory = folder, executor_memory
        self._processes: list[subprocess.Popen[bytes]] = []
        port, self._page = free_port(), free_port()
        self.master = f"spark://127.0.0.1:{port}"
        self.conf = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "900m",
            "spark.driver.extraJavaOptions": JAVA,
            "spark.executor.memory": executor_memory,
            "spark.executor.extraJavaOptions": JAVA,
            "spark.local.dir": str(folder),
            "spark.network.timeout": "600s",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.codegen.wholeStage": "false",
            # Compiling an expression takes longer than evaluating it on so few rows.
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
            **(conf or {}),
        }

    def __enter__(self) -> Cluster:
        host, port = self.master.removeprefix("spark://").split(":")
        page = ("--webui-port", str(self._page))
        self._start("master.Master", "--host", host, "--port", port, *page)
        self._wait(lambda state: state["status"] == "ALIVE")
        for _ in range(2):
            self.add_worker()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            _kill(process)

    def add_worker(self) -> None:
        """Start a worker of one core and wait until the master knows it."""
        alive = self.workers_alive
        size = ("--cores", "1", "--memory", "2g")
        place = ("--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(self._folder))
        self._start("worker.Worker", *size, *place, self.master)
        self._wait(lambda state: state["aliveworkers"] > alive)

    def kill_worker(self) -> None:
        """Kill one worker with its executor, as a machine that goes dark."""
        _kill(self._processes.pop())

    @property
    def workers_alive(self) -> int:
        """How many workers the master takes for alive."""
        return int(self._state()["aliveworkers"])

    def _start(self, what: str, *arguments: str) -> None:
        command = [SPARK_HOME / "bin/spark-class", f"org.apache.spark.deploy.{what}", *arguments]
        env = os.environ | {
            "SPARK_HOME": str(SPARK_HOME),
            "SPARK_DAEMON_MEMORY": "256m",
            # A machine that stands still for a while has lost no worker.
            "SPARK_DAEMON_JAVA_OPTS": f"{JAVA} -Dspark.worker.timeout=600",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        name = f"{len(self._processes)}-{what}.log"
        with open(self._folder / name, "wb") as log:
            self._processes.append(
                subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
            )

    def _state(self) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self._page}/json/", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
            return state

    def _wait(self, is_there: Callable[[dict[str, Any]], bool]) -> None:
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                if is_there(self._state()):
                    return
            except (OSError, ValueError, HTTPException):  # not there yet, or half of its page
                pass
            if time.monotonic() > end:
                logs = [path.read_text("utf-8")[-2000:] for path in self._folder.glob("*.log")]
                raise TimeoutError("The cluster did not start.\n" + "\n".join(logs))
            time.sleep(0.2)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started; they are a group of their own."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
