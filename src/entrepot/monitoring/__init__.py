"""Alerts, health and the identity of this installation."""
