"""Work of ours that gave up, and what was done about it."""
