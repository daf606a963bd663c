"""Column types that mean the same on SQLite and PostgreSQL, and the words that the tables are written in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, MetaData, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant: `timestamptz` on PostgreSQL, on SQLite ISO 8601 text of one width, which sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose what the database itself keeps."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the instant as the database keeps it. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: stored instants are aware")
        instant = value.astimezone(UTC)
        return instant.isoformat(timespec="microseconds") if dialect.name == "sqlite" else instant

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the aware instant."""
        if value is None:
            return None
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# 64 bits everywhere; SQLite gives a row its own number only where the type is spelled INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def id_column() -> Column[Any]:
    """Return the row's own number."""
    return Column("id", BigId, primary_key=True)


def reference(name: str, target: str, *, is_required: bool = True, is_index: bool = False) -> Column[Any]:
    """Return a column that points to a row of another table."""
    return Column(name, BigId, ForeignKey(f"{target}.id"), nullable=not is_required, index=is_index)


def required(name: str, kind: Any) -> Column[Any]:
    """Return a column that is never NULL."""
    return Column(name, kind, nullable=False)


def columns(kind: Any, *names: str) -> list[Column[Any]]:
    """Return nullable columns of one type."""
    return [Column(name, kind) for name in names]


def failure_columns(prefix: str = "") -> list[Column[Any]]:
    """Return the class of a failure and its scrubbed detail."""
    return columns(Text, f"{prefix}failure", f"{prefix}failure_detail")
