"""The offline lab: the real protocols on loopback."""
