"""The purpose under which e-mail addresses are sealed and hashed."""

EMAIL = "customer-email"
