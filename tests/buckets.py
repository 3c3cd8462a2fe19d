"""An S3 server for tests: moto in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["bucket", "served"]


@contextmanager
def served() -> Iterator[str]:
    """Run the server; yields its address, which AWS_ENDPOINT_URL holds meanwhile."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    keys = {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }
    before = {name: os.environ.get(name) for name in keys}
    os.environ.update(keys)
    try:
        _wait(address)
        yield address
    finally:
        process.kill()
        process.wait()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError("the S3 server did not start")


def bucket(address: str, name: str) -> str:
    """Make an empty bucket; returns its URL."""
    made = urllib.request.Request(f"{address}/{name}", method="PUT")  # noqa: S310
    urllib.request.urlopen(made, timeout=30).close()  # noqa: S310
    return f"s3://{name}"
