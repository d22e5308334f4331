"""The documented drop-in interfaces: paths, parameters and words as their callers know them."""
