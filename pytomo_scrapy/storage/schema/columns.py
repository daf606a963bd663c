"""Column types that mean the same on SQLite and PostgreSQL, and the words that the tables are written in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, ForeignKey, Integer, MetaData, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from pytomo_scrapy.items.stored import About, about_detail, about_failure


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


# Named by rule: the two databases would choose other names, and a migration could not say which constraint it means.
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
# SQL's NULL and not JSON's `null`: "not measured" is one thing, which IS NULL finds.
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def id_column() -> Column[Any]:
    """Return the row's own number."""
    return Column("id", BigId, primary_key=True, info=_info("row number"))


def reference(name: str, target: str, *, null: str = "never", is_index: bool = False) -> Column[Any]:
    """Return a column that points to a row of another table; it may be NULL where `null` says when."""
    info = _info(f"→ {target}", null)
    return Column(name, BigId, ForeignKey(f"{target}.id"), nullable=null != "never", index=is_index, info=info)


def key(name: str, kind: Any, meaning: str, target: str | None = None, *, null: str = "never") -> Column[Any]:
    """Return a part of a primary key that the program sets, not the database; `target` is the table it points to.

    `null` says what stands in it where there is nothing to say.
    """
    foreign = (ForeignKey(f"{target}.id"),) if target else ()
    return Column(name, kind, *foreign, primary_key=True, autoincrement=False, info=_info(meaning, null))


def required(
    name: str, kind: Any, meaning: str = "", *, null: str = "never", unit: str | None = None, is_unique: bool = False
) -> Column[Any]:
    """Return a column that is never NULL; `null` says what stands in it where there is nothing to say."""
    return Column(name, kind, nullable=False, unique=is_unique or None, info=_info(meaning, null, unit))


def optional(
    name: str, kind: Any, meaning: str, *, null: str = "never", unit: str | None = None, is_index: bool = False
) -> Column[Any]:
    """Return a column that may be NULL; `null` says when. It is "never" where only the database would take it."""
    return Column(name, kind, index=is_index, info=_info(meaning, null, unit))


def failure_columns(which: str, prefix: str = "") -> list[Column[Any]]:
    """Return the class of a failure and its scrubbed detail."""
    return [
        Column(f"{prefix}failure", Text, info={"about": about_failure(which)}),
        Column(f"{prefix}failure_detail", Text, info={"about": about_detail(which)}),
    ]


def about_of(column: Column[Any]) -> About | None:
    """Return what the column means, for the documents and exports. None if only the documents say it."""
    return column.info.get("about")


def _info(meaning: str, null: str = "never", unit: str | None = None) -> dict[str, About]:
    return {"about": About(meaning, null, unit)} if meaning else {}


def only_where(condition: str) -> dict[str, Any]:
    """Return what makes an index hold only the rows of a condition, on either database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}
