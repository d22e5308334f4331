"""What is sold, and what each SKU becomes at a provider."""
