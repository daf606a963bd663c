"""SABR over UMP: how the service's own players fetch media, spoken by a client that measures (docs/sabr.md)."""
