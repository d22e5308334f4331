"""Prepares the process before Django's settings are read, then offers the fixtures to all tests."""

import django

from tests import surroundings

surroundings.prepare()
django.setup()

pytest_plugins = ["tests.fixtures"]
