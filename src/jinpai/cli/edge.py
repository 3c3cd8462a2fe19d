"""The edge of the program: language, errors and exit codes. No traceback ever reaches people.

Exit codes: 0 success; 1 findings, or rejects with --strict; 2 usage or bad input; 130 stopped.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import typer
from typer.main import get_command

from jinpai.cli.console import note
from jinpai.cli.help import localise
from jinpai.cli.words import say, usage_text
from jinpai.errors import JinpaiError, reason_zh

__all__ = ["main"]


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line with ``args`` (default those of the process) and exit."""
    stopped = _Stop()
    _forgive_encodings()
    try:
        code = _run(args, stopped)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough. Nothing may be written any more, not even by the interpreter.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code)


class _Stop:
    """Remembers Ctrl-C: an engine in the middle of a query turns it into an error of its own."""

    def __init__(self) -> None:
        self.asked = False
        with contextlib.suppress(ValueError):  # not in the main thread
            self._before = signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        raise KeyboardInterrupt


def _run(args: Sequence[str] | None, stopped: _Stop) -> int:
    from jinpai.cli.app import app

    try:
        command: Callable[..., Any] = localise(get_command(app))
        result = command(args, prog_name="jinpai", standalone_mode=False)
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except SystemExit:
        raise BrokenPipeError from None  # Typer exits on nothing else in this mode
    except BrokenPipeError:
        raise
    except (JinpaiError, OSError, MemoryError) as error:
        return _stopped() if stopped.asked else _failed(error)
    except Exception as error:
        return _stopped() if stopped.asked else _fault(error)
    return _stopped() if result == 130 else int(result or 0)


def _usage(error: typer.TyperException) -> int:
    """Show what the options parser refused."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":  # its making has shown the help
        return 2
    _say_error(usage_text(text))
    if context is not None:
        note(
            say(f"Help: {context.command_path} --help", f"帮助：{context.command_path} --help"),
            "dim",
        )
    return 2


def _failed(error: Exception) -> int:
    if isinstance(error, MemoryError):
        _say_error(
            say("Out of memory; give less with --memory.", "内存不足；请用 --memory 减小用量。")
        )
        return 1
    _say_error(say(str(error), _chinese(error)))
    return error.exit_code if isinstance(error, JinpaiError) else 2


def _chinese(error: Exception) -> str:
    if isinstance(error, JinpaiError):
        return error.text_zh
    if isinstance(error, OSError) and error.errno:
        return f"{error.filename or ''}：{reason_zh(error)}。".lstrip("：")
    return str(error)


def _fault(error: Exception) -> int:
    """A fault of ours: one line; the traceback only for those who ask."""
    if os.environ.get("JINPAI_DEBUG"):
        raise error
    kind = type(error).__name__
    _say_error(
        say(
            f"Jinpai met a fault of its own ({kind}: {error}). Please report it with the output of"
            " the same command under JINPAI_DEBUG=1.",
            f"Jinpai 内部错误（{kind}: {error}）。请设 JINPAI_DEBUG=1 重跑该命令并反馈其输出。",
        )
    )
    return 1


def _stopped() -> int:
    note(say("Stopped.", "已中断。"))
    return 130


def _say_error(text: str) -> None:
    note(say(f"Error: {text}", f"错误：{text}"), "red")


def _forgive_encodings() -> None:
    """A character that a terminal cannot show must not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
