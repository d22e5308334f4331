"""Prodigi: prints, framed and not, made on demand by many labs and shipped by them."""
