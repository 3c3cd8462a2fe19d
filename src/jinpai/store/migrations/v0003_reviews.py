"""Make the tables of reviews, appeals and calibration sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_AT = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_VERDICTS = "verdict in ('right', 'wrong', 'partly')"
_STATES = (
    "state in ('listed', 'open', 'second', 'third', 'settled', 'appealed', 'upheld', 'rejected')"
)


def upgrade() -> None:
    """Make the tables."""
    _cases()
    _rulings()
    _samples()
    _calibrations()


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text),
        sa.Column("buyer_id", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("ended_at", _AT, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("rule_version", sa.Text, nullable=False),
        sa.Column("points", sa.Double, nullable=False),
        sa.Column("is_merit", sa.Boolean, nullable=False),
        sa.Column("is_fatal", sa.Boolean, nullable=False),
        sa.Column("is_shadow", sa.Boolean, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("reason_zh", sa.Text, nullable=False),
        sa.Column("reason_en", sa.Text, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("settled_at", _AT),
        sa.CheckConstraint(_STATES, name="ck_cases_state"),
        sa.CheckConstraint(_VERDICTS, name="ck_cases_verdict"),
        sa.CheckConstraint("wanted in (1, 2)", name="ck_cases_wanted"),
        sa.PrimaryKeyConstraint("finding_id", name="pk_cases"),
    )
    op.create_index("ix_cases_agent_id_day", "cases", ["agent_id", "day"])
    op.create_index("ix_cases_state_opened_at", "cases", ["state", "opened_at"])
    op.create_table(
        "shown_days",
        sa.Column("shop_id", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "day", name="pk_shown_days"),
    )


def _rulings() -> None:
    op.create_table(
        "rulings",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.CheckConstraint(_VERDICTS, name="ck_rulings_verdict"),
        sa.ForeignKeyConstraint(["finding_id"], ["cases.finding_id"], name="fk_rulings_finding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rulings"),
        sa.UniqueConstraint("finding_id", "reviewer", name="uq_rulings_finding_id_reviewer"),
    )
    op.create_table(
        "appeals",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("due_at", _AT, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("decided_at", _AT),
        sa.CheckConstraint("outcome in ('upheld', 'rejected')", name="ck_appeals_outcome"),
        sa.ForeignKeyConstraint(["finding_id"], ["cases.finding_id"], name="fk_appeals_finding_id"),
        sa.PrimaryKeyConstraint("id", name="pk_appeals"),
        sa.UniqueConstraint("finding_id", name="uq_appeals_finding_id"),
    )


def _samples() -> None:
    op.create_table(
        "samples",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("drawn_by", sa.Text, nullable=False),
        sa.Column("how", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_samples"),
    )
    op.create_table(
        "sample_cases",
        sa.Column("sample_id", _BIG, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["cases.finding_id"], name="fk_sample_cases_finding_id"
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name="fk_sample_cases_sample_id"),
        sa.PrimaryKeyConstraint("sample_id", "finding_id", name="pk_sample_cases"),
    )


def _calibrations() -> None:
    op.create_table(
        "calibrations",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("opened_at", _AT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revealed_at", _AT),
        sa.CheckConstraint("state in ('open', 'revealed')", name="ck_calibrations_state"),
        sa.PrimaryKeyConstraint("id", name="pk_calibrations"),
    )
    op.create_table(
        "calibration_members",
        sa.Column("calibration_id", _BIG, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration_id"], ["calibrations.id"], name="fk_calibration_members_calibration_id"
        ),
        sa.PrimaryKeyConstraint("calibration_id", "reviewer", name="pk_calibration_members"),
    )
    op.create_table(
        "calibration_cases",
        sa.Column("calibration_id", _BIG, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["calibration_id"], ["calibrations.id"], name="fk_calibration_cases_calibration_id"
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["cases.finding_id"], name="fk_calibration_cases_finding_id"
        ),
        sa.PrimaryKeyConstraint("calibration_id", "finding_id", name="pk_calibration_cases"),
    )
    op.create_table(
        "calibration_rulings",
        sa.Column("calibration_id", _BIG, nullable=False),
        sa.Column("finding_id", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.CheckConstraint(_VERDICTS, name="ck_calibration_rulings_verdict"),
        sa.ForeignKeyConstraint(
            ["calibration_id", "finding_id"],
            ["calibration_cases.calibration_id", "calibration_cases.finding_id"],
            name="fk_calibration_rulings_calibration_id_finding_id",
        ),
        sa.ForeignKeyConstraint(
            ["calibration_id", "reviewer"],
            ["calibration_members.calibration_id", "calibration_members.reviewer"],
            name="fk_calibration_rulings_calibration_id_reviewer",
        ),
        sa.PrimaryKeyConstraint(
            "calibration_id", "finding_id", "reviewer", name="pk_calibration_rulings"
        ),
    )
