"""A lock whose process is killed before it is there: its name and what it kept are free again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jinpai
from jinpai.appraisal.locks import undo_cut_short
from jinpai.scoring.lock import lock_names

from .shop import MARCH, PLAN, books, open_shop

# Kills itself when all is written and kept, just before the lock gets its name.
_DYING = """
import os, signal, sys
from pathlib import Path
import jinpai

root, link = Path(sys.argv[1]), os.link

def dying(old, new, **more):
    if Path(new).parent == root / "locks":
        os.kill(os.getpid(), signal.SIGKILL)
    return link(old, new, **more)

shop = jinpai.open(root)
card = shop.score(sys.argv[2], first=sys.argv[3], last=sys.argv[4])
os.link = dying
shop.lock("march", card)
"""


def killed(root: Path) -> None:
    command = [sys.executable, "-c", _DYING, str(root), PLAN, *MARCH]
    assert subprocess.run(command, timeout=120).returncode == -signal.SIGKILL
    assert lock_names(root) == []


def test_a_lock_cut_short_is_taken_back(tmp_path: Path) -> None:
    shop = open_shop(tmp_path)
    killed(shop.root)
    old = shop.score(PLAN, first=MARCH[0], last=MARCH[1]).manifest  # the state it was run from
    assert shop.lake.pins() == {"march": old}
    undo_cut_short(shop)
    assert shop.lake.pins() == {}
    assert list((shop.root / "locks").iterdir()) == []
    # Killed once more, and before somebody looks there is a later state to lock.
    killed(shop.root)
    (shop.root / "locks" / ".half.tmp").write_text('{"name": "mar', "utf-8")
    later = books()
    later.talk("2026-03-10", "A", "later", 10)
    shop.import_files([later.write(tmp_path / "later")])
    shop.run()
    again = jinpai.open(shop.root)
    card = again.score(PLAN, first=MARCH[0], last=MARCH[1])
    again.lock("march", card, by="lan")
    assert card.manifest > old
    assert again.lake.pins() == {"march": card.manifest}
    assert [one.name for one in (shop.root / "locks").iterdir()] == ["march.json"]
    assert json.loads((shop.root / "locks/march.json").read_text("utf-8"))["locked_by"] == "lan"
    assert again.recompute("march")["same"]


def test_what_somebody_else_keeps_is_left_alone(tmp_path: Path) -> None:
    """A state may be kept under a name without any lock; and locks that are there stay."""
    shop = open_shop(tmp_path)
    card = shop.score(PLAN, first=MARCH[0], last=MARCH[1])
    shop.lake.pin(card.manifest, "before-the-move")
    shop.lock("march", card)
    left = shop.root / "locks" / ".left.tmp"  # killed when the lock was there already
    left.write_bytes((shop.root / "locks" / "march.json").read_bytes())
    undo_cut_short(shop)
    assert shop.lake.pins() == {"before-the-move": card.manifest, "march": card.manifest}
    assert not left.exists()
    assert lock_names(shop.root) == ["march"]
