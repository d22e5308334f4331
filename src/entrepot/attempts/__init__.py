"""Intended effects outside: reference, lease, outcome. The protocol of exactly once in effect."""
