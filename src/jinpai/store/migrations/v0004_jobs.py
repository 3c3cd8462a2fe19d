"""Make the table of work in the background."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_AT = sa.DateTime(timezone=True)
_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KINDS = "kind in ('look', 'import', 'undo', 'run', 'qc', 'report')"
_STATES = "state in ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')"


def upgrade() -> None:
    """Make the table; the unique index lets one job run at a time."""
    op.create_table(
        "jobs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("args", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("began_at", _AT),
        sa.Column("ended_at", _AT),
        sa.Column("seen_at", _AT),
        sa.Column("step", sa.Text),
        sa.Column("share", sa.Double),
        sa.Column("wants_cancel", sa.Boolean, nullable=False),
        sa.Column("result", sa.JSON),
        sa.Column("error_zh", sa.Text),
        sa.Column("error_en", sa.Text),
        sa.Column("retry_of", _KEY),
        sa.CheckConstraint(_KINDS, name="ck_jobs_kind"),
        sa.CheckConstraint(_STATES, name="ck_jobs_state"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"])
    running = sa.text("state = 'running'")
    op.create_index(
        "uq_jobs_running",
        "jobs",
        ["state"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
