"""Tests of entrepot.notifications."""
