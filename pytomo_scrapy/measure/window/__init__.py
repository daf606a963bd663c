"""The download window: media fetched at once for a fixed time, every byte's arrival noted."""
