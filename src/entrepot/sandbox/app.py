"""The sandbox as an ASGI application: every simulated account under its mount, and /control/.

`/<mount>/...` is a platform as its simulator serves it; `/control/...` is the sandbox's own
interface (control.py); `/artwork/...` are the merchant's print files; `/` and `/healthz` say that
it runs.
"""

import asyncio
from typing import Any

from entrepot.connect.simulator import Clock, Receive, Send, whole_body
from entrepot.sandbox.control import Control
from entrepot.sandbox.goods import ARTWORK
from entrepot.sandbox.print_files import print_file
from entrepot.sandbox.world import World

BEAT_S = 0.05
USUAL_SPEED = 60.0
CONTROL = "control"


class Sandbox:
    """Serves one world, and lets it live while the server runs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.control = Control(world)
        self._life: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        head, _, rest = scope["path"].lstrip("/").partition("/")
        if head in self.world.places:
            below = {**scope, "root_path": f"{scope.get('root_path', '')}/{head}"}
            await self.world.places[head].simulator(below, receive, send)
        elif head == CONTROL:
            body = await whole_body(receive)
            status, content = self.control.answer(
                scope["method"], rest.rstrip("/"), body=body, base_url=_base_url(scope)
            )
            await _answer(send, status, content)
        elif f"/{head}" == ARTWORK:
            picture = print_file(rest)
            if picture is None:
                await _answer(send, 404, b'{"error":"its owner has lost this file"}')
            else:
                await _answer(send, 200, picture, media_type=b"image/png")
        elif head in {"", "healthz"}:
            await _answer(send, 200, b'{"status":"alive","control":"/control/state"}')
        else:
            await _answer(send, 404, b'{"error":"no such place: see /control/state"}')

    async def _live(self) -> None:
        while True:
            self.world.beat()
            await asyncio.sleep(BEAT_S)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._life = asyncio.create_task(self._live())
            elif self._life is not None:
                self._life.cancel()
                await asyncio.gather(self._life, return_exceptions=True)
                await self.world.post.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


def application_of(*, speed: float) -> Sandbox:
    """A sandbox with empty books."""
    return Sandbox(World(clock=Clock(speed=speed)))


application = application_of(speed=USUAL_SPEED)


def _base_url(scope: dict[str, Any]) -> str:
    headers = dict(scope["headers"])
    return f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'127.0.0.1').decode('latin-1')}"


async def _answer(
    send: Send, status: int, content: bytes, *, media_type: bytes = b"application/json"
) -> None:
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
