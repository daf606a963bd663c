"""The frontier: what is queued, in flight or done, who holds it, and how far crawls are."""
