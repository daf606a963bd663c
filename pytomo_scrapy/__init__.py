"""Measure, from where it runs, how well online videos would play on this line, and why."""

__version__ = "0.1.0"
