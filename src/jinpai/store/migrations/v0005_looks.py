"""Let one dry run be at work beside one job that changes something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_RUNNING = {
    "uq_jobs_running": "state = 'running' and kind <> 'look'",
    "uq_jobs_looking": "state = 'running' and kind = 'look'",
}


def upgrade() -> None:
    """Have a unique index for each of the two lanes, instead of one for both."""
    op.drop_index("uq_jobs_running", "jobs")
    for name, condition in _RUNNING.items():
        only = sa.text(condition)
        op.create_index(
            name, "jobs", ["state"], unique=True, sqlite_where=only, postgresql_where=only
        )
