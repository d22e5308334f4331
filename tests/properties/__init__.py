"""What holds for every history, plan and clock, tried on many of them."""
