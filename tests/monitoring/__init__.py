"""Tests of entrepot.monitoring."""
