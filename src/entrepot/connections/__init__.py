"""A merchant's accounts on platforms: settings, credentials, budgets, breaker, call log."""
