"""One file per figure of docs/benchmarks.md; each prints JSON lines."""
