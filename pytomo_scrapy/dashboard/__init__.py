"""The web page: reads a database and shows it; it writes nothing."""
