"""What the benchmarks of hostility share: damaged values, a lab that sends them, and an eye on processes."""
