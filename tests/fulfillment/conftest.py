"""A shop that sells, for every test of what providers say."""

from tests.rules.conftest import trade

__all__ = ["trade"]
