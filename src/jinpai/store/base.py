"""What every table of the store is made of: its base, its times and its keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Text, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

__all__ = ["BIG", "Base", "Key", "UtcTime", "insert_missing", "now"]


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware on both sides; SQLite keeps it as text in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone, which would mean something else on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only where the type is INTEGER.
BIG = BigInteger().with_variant(Integer, "sqlite")
Key = Annotated[int, mapped_column(BIG, primary_key=True)]


class Base(DeclarativeBase):
    """Base of the store's models. Constraints are named by rule, so that migrations can say them.

    Every model's table is made by a migration; a test compares the two.
    """

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as it is
        str: Text,
        datetime: UtcTime,
        dict[str, Any]: JSON(none_as_null=True),
    }


def insert_missing(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose key is not there yet; returns how many. Waits for whoever adds them."""
    if not rows:
        return 0
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    keys = inspect(model).primary_key
    statement = insert(model).on_conflict_do_nothing(index_elements=keys).returning(*keys)
    return len(session.execute(statement, rows).all())


def now() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)
