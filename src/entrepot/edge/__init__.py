"""The raw ingest path: find the connection, verify, store in groups, answer."""
