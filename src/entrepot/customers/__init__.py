"""The people who bought: names, addresses, how to reach them."""
