"""Figures packed by column, so that those of a million measurements are read in a moment."""
