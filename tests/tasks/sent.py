"""What is asked of the database meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement of the block that is sent by this thread."""
    sent: list[str] = []

    def note(execute: Callable[..., object], statement: str, *rest: object) -> object:
        sent.append(statement)
        return execute(statement, *rest)

    with connections["default"].execute_wrapper(note), connections["system"].execute_wrapper(note):
        yield sent
