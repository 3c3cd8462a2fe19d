"""Jinpai 金牌: who sells, who helps and who answers late in a shop's customer service.

    import jinpai

    shop = jinpai.open("my-shop")
    shop.import_files(["exports/"])
    shop.run()
    print(shop.metrics(["sales_amount"], by=["agent"]))

Engines are loaded on first use: ``import jinpai`` itself is light.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jinpai.errors import JinpaiError

if TYPE_CHECKING:
    from jinpai.workspace import Workspace, init
    from jinpai.workspace import open_workspace as open

__all__ = ["JinpaiError", "Workspace", "__version__", "init", "open"]

__version__ = "0.1.0"
# A run gives memory back and asks for it anew hundreds of times a second; ten seconds' patience
# instead of one makes it about 8 % quicker. DuckDB reads this when it is first loaded.
os.environ.setdefault("DUCKDB_JE_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
_LAZY = {"Workspace": "Workspace", "init": "init", "open": "open_workspace"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'jinpai' has no attribute '{name}'")
    from jinpai import workspace

    return getattr(workspace, _LAZY[name])
