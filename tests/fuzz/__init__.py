"""Broken input by the thousand: a short run in the suite, the long one by `make fuzz`."""
