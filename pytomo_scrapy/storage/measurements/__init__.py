"""Measurements: written in one transaction, read back, published, and thinned out by age."""
