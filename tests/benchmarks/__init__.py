"""The frame of the benchmarks; the figures themselves are measured by `make bench`."""
