"""Prepares the process before Django's settings are read, then offers the fixtures to all tests."""

import django
from hypothesis import settings

from tests import surroundings

surroundings.prepare()
django.setup()

# A busy machine is slow, and says nothing about the code: pytest's own time-out is the only one.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

pytest_plugins = ["tests.fixtures"]
