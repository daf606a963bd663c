"""A process of its own for work that may crash or hang."""
