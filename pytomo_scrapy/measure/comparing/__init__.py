"""What is fetched beside the windows to compare with: controls from other hosts, and pairs of TLS names."""
