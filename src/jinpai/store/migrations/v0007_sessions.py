"""Let a session say by what, from where and how it was begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; sessions that are open already tell nothing."""
    for name in ("browser", "address", "way"):
        op.add_column("web_sessions", sa.Column(name, sa.Text))
