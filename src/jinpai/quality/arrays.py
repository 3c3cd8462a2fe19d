"""What model files are made of: arrays that need no pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["as_bytes", "as_text", "finite"]


def as_bytes(text: str) -> npt.NDArray[np.uint8]:
    """Return a text as an array; `as_text` turns it back."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


def as_text(array: Any) -> str:
    """Return the text in an array; raises ValueError where it is none."""
    return str(array.tobytes().decode("utf-8", "surrogatepass"))


def finite(array: Any) -> npt.NDArray[np.floating[Any]]:
    """Return an array; raises ValueError unless it holds finite numbers with fractions."""
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError("its numbers are wrong")
    return np.asarray(array)
