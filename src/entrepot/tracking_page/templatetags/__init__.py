"""Template tags of the customer's page."""
