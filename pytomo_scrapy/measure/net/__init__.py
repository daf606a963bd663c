"""The way to a host: path, redirects, cache sites, clocks."""
