"""PostgreSQL itself: the embedded server, the three roles, rows that belong to a merchant."""
