"""Playback: what a player would have shown, simulated from arrivals and media time."""
