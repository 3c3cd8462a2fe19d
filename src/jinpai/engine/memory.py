"""Memory that a heavy step keeps between its tables instead of giving it back and asking anew."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

__all__ = ["kept_memory"]

# Of mallopt(3), in glibc alone.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
# The largest that glibc takes for what comes from a mapping of its own.
_LARGEST = 32 << 20


@contextmanager
def kept_memory() -> Iterator[None]:
    """Have Arrow and NumPy share one heap that does not shrink until the end.

    Arrow's own pool gives what a table needed back to the system, and asks for it again for the
    next one: a quarter of all time. Another C library than glibc is left as it is.
    """
    usual, libc = pa.default_memory_pool(), ctypes.CDLL(None)
    has_options = hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")
    pa.set_memory_pool(pa.system_memory_pool())
    if has_options:
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST)
        libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
        libc.mallopt(_TOP_PAD, _LARGEST // 2)
    try:
        yield
    finally:
        pa.set_memory_pool(usual)
        if has_options:
            libc.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST)  # as glibc would have it by itself
            libc.mallopt(_TOP_PAD, 128 << 10)
            libc.malloc_trim(0)
