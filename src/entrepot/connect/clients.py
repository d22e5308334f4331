"""Kept HTTP clients: each call has one to itself, and with it connections that stay open.

One client for all would look through everybody's connections, one thread at a time, before and
after every call. The client given back last is the next to be used, so that its connections are
warm and those of a rush are closed in time.
"""

import atexit
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ssl import SSLContext

import httpx

from entrepot.connect.unpacking import ACCEPTED

KEPT_CONNECTIONS = 10  # of one client, which is of one call at a time: one for each host it met
KEPT_SECONDS = 30

_idle: deque[httpx.Client] = deque()


@contextmanager
def kept_client() -> Iterator[httpx.Client]:
    """A client for one call, which nobody else uses meanwhile; its answer is read in the block."""
    try:
        client = _idle.pop()
    except IndexError:
        client = _made()
    try:
        yield client
    finally:
        _idle.append(client)


def _made() -> httpx.Client:
    client = httpx.Client(
        limits=httpx.Limits(
            max_keepalive_connections=KEPT_CONNECTIONS, keepalive_expiry=KEPT_SECONDS
        ),
        headers=ACCEPTED,
        follow_redirects=False,
        trust_env=False,
        verify=_trusted(),
    )
    atexit.register(client.close)
    return client


@cache
def _trusted() -> SSLContext:
    """The authorities that are trusted, read once: it takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)
