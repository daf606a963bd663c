"""Media time: how much of a file can be played after each of its bytes."""
