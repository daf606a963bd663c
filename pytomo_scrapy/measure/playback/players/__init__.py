"""The player models: each a rule that turns arrivals and media time into startup, stalls and freezes."""
