"""By hand: the provider for what the merchant makes, packs and ships."""
