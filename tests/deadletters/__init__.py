"""Tests of entrepot.deadletters."""
