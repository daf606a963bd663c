"""Why sessions were bad: the cause of every slow startup, stall and failed start, from stored rows alone."""
