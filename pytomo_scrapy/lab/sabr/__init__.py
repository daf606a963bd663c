"""The lab's SABR server: what the service's players speak, over the lab's clips."""
