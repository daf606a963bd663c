"""What benchmarks/autopsy.py is made of: a line in user space, the programs on it, the sessions that are injected."""
