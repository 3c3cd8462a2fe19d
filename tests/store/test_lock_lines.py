"""Each lock has one line in the audit log, whoever writes it and however many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier

from jinpai.appraisal.lock_lines import log_locks
from jinpai.scoring.lock import read_lock, write_lock
from jinpai.store import Store, events_of

CONTENT = {"plan": {"name": "p"}, "from": "2026-03-01", "to": "2026-03-31"}


def test_a_line_that_lacks_is_written_once(store: Store, tmp_path: Path) -> None:
    names = [f"l{number}" for number in range(5)]
    for name in names:
        write_lock(tmp_path, name, {**CONTENT, "locked_by": "lan"})
    together = Barrier(4)

    def ask(_: int) -> list[str]:
        together.wait(60)
        return log_locks(tmp_path, store)

    with ThreadPoolExecutor(4) as pool:
        written = [name for found in pool.map(ask, range(4)) for name in found]
    assert sorted(written) == names
    assert log_locks(tmp_path, store) == []
    with store.read() as session:
        found = {one.subject: one for one in events_of(session)}
        assert len(events_of(session)) == 5
    line = found["lock:l0"]
    assert (line.actor, line.kind) == ("lan", "period.locked")
    assert line.after == {"plan": "p", "from": "2026-03-01", "to": "2026-03-31"}
    assert line.at == datetime.fromisoformat(read_lock(tmp_path, "l0")["locked_at"])


def test_locks_that_do_not_say_who_or_cannot_be_read(store: Store, tmp_path: Path) -> None:
    assert log_locks(tmp_path, store) == []
    write_lock(tmp_path, "early", CONTENT)
    write_lock(tmp_path, "broken", CONTENT)
    path = tmp_path / "locks" / "broken.json"
    path.chmod(0o644)
    path.write_text("{", "utf-8")
    log_locks(tmp_path, store)
    with store.read() as session:
        assert [(one.subject, one.actor) for one in events_of(session)] == [
            ("lock:early", "unknown")
        ]
