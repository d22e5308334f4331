"""EasyPost: what carriers say about parcels, by tracking number."""
