"""Every message from outside, raw, before anyone interprets it."""
