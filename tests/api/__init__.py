"""The interface, over HTTP as its callers use it."""
