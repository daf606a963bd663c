"""Write the migration that a changed table needs: `make schema`, after a field was added. Read it before you keep it.

Alembic compares the tables with a database that the scripts made, in memory. What it writes goes through the scripts
of `storage/migrations/versions`, so that a later change of the classes alters no migration.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import MetaData, create_engine

from pytomo_scrapy.storage import migrate
from pytomo_scrapy.storage.schema import measurement_tables
from pytomo_scrapy.storage.schema.columns import BigId, Json, UtcDateTime

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext

FOLDER = Path(migrate.__file__).parent / "migrations"
_SCRIPT = '''"""{message}."""

import sqlalchemy as sa
from alembic import op
{imports}
revision = "{revision}"
down_revision = "{down_revision}"


def upgrade() -> None:
    """Apply; rows that are there already have NULL in new columns."""
    {code}
'''


# Without it each block would be read from the table itself, for the new columns.
_PACK_AGAIN = """
    op.execute("UPDATE figure_block SET is_sealed = 0")"""


def write_revision(metadata: MetaData, message: str, folder: Path = FOLDER) -> Path | None:
    """Write the script that brings a database of the newest revision to these tables. None where nothing is missing."""
    # Imported late: only this tool needs it.
    from alembic.autogenerate import produce_migrations, render_python_code
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = str(ScriptDirectory(str(folder)).get_current_head())
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            migrate.apply_scripts(connection, str(folder))
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            missing = produce_migrations(context, metadata).upgrade_ops
    finally:
        engine.dispose()
    if missing is None or missing.is_empty():
        return None
    code = render_python_code(missing, render_item=_ours)
    if "op.add_column('figure'" in code:
        code += _PACK_AGAIN
    names = [name for name in ("BigId", "Json", "UtcDateTime") if re.search(rf"\b{name}\b", code)]
    imports = f"\nfrom pytomo_scrapy.storage.schema.columns import {', '.join(names)}\n" if names else ""
    revision = f"{int(head) + 1:04}"
    path = folder / "versions" / f"{revision}_{'_'.join(re.findall('[a-z0-9]+', message.lower())) or 'changes'}.py"
    script = _SCRIPT.format(message=message, imports=imports, revision=revision, down_revision=head, code=_plain(code))
    path.write_text(script, encoding="utf-8")
    return path


def _ours(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Give our own types their names; Alembic would spell out what they are made of."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    return next((name for name, ours in (("BigId", BigId), ("Json", Json)) if item is ours), False)


def _plain(code: str) -> str:
    """Leave out Alembic's own remarks."""
    return "\n".join(line for line in code.splitlines() if not line.strip().startswith("#")).strip()


def main(message: str) -> None:
    """Write the migration, or say that none is needed."""
    path = write_revision(measurement_tables.measurement.metadata, message)
    print(f"wrote {path}: read it before you keep it" if path else "the migrations make the tables already")  # noqa: T201


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Add columns")
