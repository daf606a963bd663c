"""What stored measurements add up to: selections, series, distributions, reports. Reads; writes only aggregates."""
