"""The command `pytomo`."""
