"""Logs of server and worker: one JSON object a line on stderr, without personal data.

Requests are named by their route, never by their address, which may hold a buyer's id; people by
the number of their account. Texts of errors are masked as chats are on pages.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from jinpai.web.masking import hide

__all__ = ["set_up_logs"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def set_up_logs(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Write what Jinpai logs, and warnings of its libraries, as JSON lines (default to stderr)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _more,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _masked,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("jinpai").setLevel(level)


def _more(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Bring in what was given as ``extra``."""
    record = event["_record"]
    more = {key: value for key, value in vars(record).items() if key not in _OWN}
    return {**event, **more}


def _masked(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: hide(value) if isinstance(value, str) and key in ("event", "exception") else value
        for key, value in event.items()
    }
