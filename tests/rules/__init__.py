"""The rules of the trade, one file each, and the properties that hold for all of them."""
