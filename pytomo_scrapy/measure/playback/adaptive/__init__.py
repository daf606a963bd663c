"""Players that choose their quality: their rules, their schedule of requests, and the line that serves these."""
