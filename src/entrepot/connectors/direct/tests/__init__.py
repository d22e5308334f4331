"""Tests of the built-in storefront."""
