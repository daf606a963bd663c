"""What a study finds, how surely it would, and what became of its plan."""
