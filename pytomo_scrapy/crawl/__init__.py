"""What one crawl has once: its context, its gate on the wire, its manners, caps, locks and displays."""
