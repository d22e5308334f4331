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
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        log_level="critical",
        access_log=False,
        lifespan=lifespan,
        loop="asyncio",
    )
    started = threading.Event()

    class _Announced(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = _Announced(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    if not started.wait(10):
        raise RuntimeError("the application did not start within 10 s")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
