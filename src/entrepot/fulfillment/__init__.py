"""Fulfillment orders, shipments, parcels and what carriers say about them."""
