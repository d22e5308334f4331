"""From raw bytes to facts: the inbox is read, understood and applied in batches."""
