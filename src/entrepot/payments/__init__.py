"""Money as facts: checkouts, payments, and the ledger of each order."""
