"""Texts of any characters, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

# Of all that UTF-8 can encode. `st.text()` alone tries each of a million characters at its first use in a clone, which
# takes 2 s of each process that begins with it.
CHARACTERS = st.characters(exclude_categories=["Cs"])
