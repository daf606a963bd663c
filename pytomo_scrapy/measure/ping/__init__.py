"""Round trips of the idle line, and the first gateway."""
