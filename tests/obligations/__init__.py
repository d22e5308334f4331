"""Tests of entrepot.obligations."""
