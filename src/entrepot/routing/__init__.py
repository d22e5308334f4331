"""Which provider ships which units, and why."""
