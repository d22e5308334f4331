"""The crash rehearsal: a hub of real processes under kills, liars and mistakes, and its checker.

The checker (`checker.py` and what it imports) imports nothing of entrepot.
"""
