"""Let trials be jobs, in the lane of dry runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KINDS = "kind in ('look', 'import', 'undo', 'run', 'qc', 'report', 'trial')"
_RUNNING = {
    "uq_jobs_running": "state = 'running' and kind not in ('look', 'trial')",
    "uq_jobs_looking": "state = 'running' and kind in ('look', 'trial')",
}


def upgrade() -> None:
    """Take trials into the kinds and into the index of the lane beside."""
    for name in _RUNNING:
        op.drop_index(name, "jobs")
    # SQLite changes a constraint by making the table anew; the numbers of jobs go on.
    with op.batch_alter_table("jobs", table_kwargs={"sqlite_autoincrement": True}) as jobs:
        jobs.drop_constraint("ck_jobs_kind", type_="check")
        jobs.create_check_constraint("ck_jobs_kind", _KINDS)
    for name, condition in _RUNNING.items():
        only = sa.text(condition)
        op.create_index(
            name, "jobs", ["state"], unique=True, sqlite_where=only, postgresql_where=only
        )
