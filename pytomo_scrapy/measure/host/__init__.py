"""This machine during a window: its interface, its processor, its clock."""
