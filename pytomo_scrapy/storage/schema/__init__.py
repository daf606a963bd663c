"""The tables, with the types that mean the same on SQLite and PostgreSQL."""
