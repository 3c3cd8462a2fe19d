"""Make the tables of people: accounts, sessions, failed sign-ins, one-time links, tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TIME = sa.DateTime(timezone=True)
_ROLES = "role in ('owner', 'supervisor', 'inspector', 'agent', 'readonly')"


def upgrade() -> None:
    """Make the tables."""
    _users()
    op.create_table(
        "web_sessions",
        sa.Column("token_hash", sa.Text, nullable=False),
        _user(),
        sa.Column("csrf", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("grants", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_web_sessions"),
        _of_user("web_sessions"),
    )
    op.create_index("ix_web_sessions_user_id", "web_sessions", ["user_id"])
    op.create_table(
        "login_failures",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_failures"),
    )
    op.create_table(
        "invites",
        sa.Column("token_hash", sa.Text, nullable=False),
        _user(nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.PrimaryKeyConstraint("token_hash", name="pk_invites"),
        _of_user("invites"),
    )
    _tokens()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.Column("agent_id", sa.Text),
        sa.Column("shop_id", sa.Text),
        sa.Column("password_hash", sa.Text),
        sa.Column("totp_secret", sa.Text),
        sa.Column("totp_step", sa.Integer),
        sa.Column("oidc_subject", sa.Text),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("login", name="uq_users_login"),
        sa.UniqueConstraint("oidc_subject", name="uq_users_oidc_subject"),
        sa.CheckConstraint(_ROLES, name="ck_users_role"),
    )


def _tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", _KEY, nullable=False),
        _user(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME),
        sa.Column("used_at", _TIME),
        sa.Column("revoked_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        _of_user("api_tokens"),
    )
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])


def _user(*, nullable: bool = False) -> sa.Column[int]:
    return sa.Column("user_id", _KEY, nullable=nullable)


def _of_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="cascade"
    )
