"""Who may see and do what: merchants, users, roles, API keys, the scope of a query."""
