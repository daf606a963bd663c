"""Data that leave and enter: exports in four formats, and the databases of Pytomo 3."""
