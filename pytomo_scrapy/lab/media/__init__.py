"""The lab's media hosts: signed URLs, ranges, rates and faults."""
