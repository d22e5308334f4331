"""Runs synchronous work of the rooms in a thread, and gives its database connections back."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django.db import connections

Result = TypeVar("Result")


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run a function that opens its own scope, away from the event loop."""
    return await asyncio.to_thread(_giving_back, work)


def _giving_back(work: Callable[[], Result]) -> Result:
    try:
        return work()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()
