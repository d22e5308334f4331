"""Serves ASGI applications over real HTTP on loopback, for as long as a test needs them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn


@contextmanager
def serve(application: Any, *, lifespan: Literal["on", "off"] = "off") -> Iterator[str]:
    """Run an ASGI application in a thread and yield its address, like http://127.0.0.1:40123.

    With `lifespan` on it is started and stopped as a server would, so that it can drain.
    """
    with serve_all(application, lifespan=lifespan) as (address,):
        yield address


@contextmanager
def serve_all(*applications: Any, lifespan: Literal["on", "off"] = "off") -> Iterator[list[str]]:
    """The same for several, each at an address of its own; they end together."""
    servers = [_Served(application, lifespan=lifespan) for application in applications]
    try:
        yield [server.address() for server in servers]
    finally:
        for server in servers:
            server.should_exit = True
        for server in servers:
            server.thread.join(10)


class _Served(uvicorn.Server):
    """One application, in a thread that begins at once."""

    def __init__(self, application: Any, *, lifespan: Literal["on", "off"]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                host="127.0.0.1",
                port=0,
                log_level="critical",
                access_log=False,
                lifespan=lifespan,
                loop="asyncio",
            )
        )
        self._has_started = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._has_started.set()

    def address(self) -> str:
        if not self._has_started.wait(10):
            raise RuntimeError("the application did not start within 10 s")
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"
