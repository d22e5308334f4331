"""One folder per platform, all of the same shape; found by the registry, never imported by name."""
