"""Stripe: hosted payment pages, payments, refunds, disputes and reviews."""
