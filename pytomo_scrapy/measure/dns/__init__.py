"""DNS probes, and the networks that addresses belong to."""
