"""The lab's media clips: encoded, packed, cached, cut."""
