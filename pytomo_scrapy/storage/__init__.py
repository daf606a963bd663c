"""The database: schema, migrations, frontier, repository."""
