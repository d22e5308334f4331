"""Facts and their delivery inside the hub: the journal, its catalog, the outbox."""
