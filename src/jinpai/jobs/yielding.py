"""Working only where nobody else wants the processor."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["yield_to_all"]


def yield_to_all() -> None:
    """Let this thread, and those it starts, give way to everything else, for good.

    For what nobody waits for: a low priority alone still takes turns with pages.
    """
    with suppress(AttributeError, OSError):  # macOS has no such thing, some containers forbid it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
