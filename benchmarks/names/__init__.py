"""What the benchmark of differential tests draws its lines and windows from."""
