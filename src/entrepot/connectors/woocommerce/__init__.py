"""WooCommerce: a shop on WordPress, by its REST API v3 and its webhooks."""
