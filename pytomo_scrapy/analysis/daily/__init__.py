"""Whole days in sums and histograms: what is left of measurements that were deleted for their age."""
