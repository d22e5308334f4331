"""The guard before every call to a platform: no transaction may be open meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


class NoCallsInsideTransaction(Exception):
    """A platform was about to be called while a transaction held its locks."""

    def __init__(self, alias: str) -> None:
        super().__init__(
            f"cannot call a platform: a transaction is open on {alias!r}."
            " Decide in one transaction, call outside, record the answer in another"
        )


@contextmanager
def outside_transaction() -> Iterator[None]:
    """Refuse to enter the block while this thread has a transaction open.

    Raises:
        NoCallsInsideTransaction: there is one.
    """
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            raise NoCallsInsideTransaction(connection.alias)
    yield
