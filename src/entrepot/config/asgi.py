"""The web process: webhooks, live events and health answered raw, everything else by Django.

| path                      | answered by                                              |
|---------------------------|----------------------------------------------------------|
| /hooks/*, /api/webhooks/* | `entrepot.edge.app.application`                          |
| /events/stream            | `entrepot.dashboard.live.application`                    |
| /healthz                  | here: the process runs its event loop                    |
| /readyz                   | here: the database answers and has every migration       |
| all others                | Django                                                   |

`application` serves all of them, `edge_application` only webhooks and health (the `edge` role).
"""

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.config.settings")
_in_django = get_asgi_application()

# These need Django's apps.
from entrepot.config.bodies import bounded  # noqa: E402
from entrepot.config.readiness import Readiness  # noqa: E402
from entrepot.edge import app as edge  # noqa: E402

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

WEBHOOK_PATHS = ("/hooks/", "/api/webhooks/")
LIVE_PATH = "/events/stream"
REQUEST_ID = b"x-request-id"
# What stands around a form's fields and files; a body between the two limits gets Django's answer.
ROOM_FOR_A_FORM = 1024 * 1024

_log = structlog.get_logger(__name__)
_acceptable_request_id = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


def _room(name: str) -> ModuleType | None:
    return import_module(name) if find_spec(name) else None


_django = bounded(_in_django, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE + ROOM_FOR_A_FORM)
_live = _room("entrepot.dashboard.live")
_readiness = Readiness("system")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve everything."""
    await _serve(scope, receive, send, others=_django)


async def edge_application(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve webhooks and health only."""
    await _serve(scope, receive, send, others=_not_found)


async def _serve(scope: Scope, receive: Receive, send: Send, *, others: Application) -> None:
    match scope["type"]:
        case "lifespan":
            await _lifespan(receive, send)
        case "http":
            request_id = _request_id(scope)
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                answer = _sender_with_request_id(send, request_id)
                await _chosen(scope["path"], others)(scope, receive, answer)
        case _:  # a WebSocket: nothing here speaks it
            await send({"type": "websocket.close", "code": 1003})


def _chosen(path: str, others: Application) -> Application:
    if path.startswith(WEBHOOK_PATHS):
        return edge.application
    match path:
        case "/healthz":
            return _healthz
        case "/readyz":
            return _readyz
        case _ if path == LIVE_PATH and others is _django:
            return _live.application if _live else _unavailable
        case _:
            return others


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start the edge before the first request, and let it commit what it holds after the last."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await edge.start()
            except Exception as error:  # noqa: BLE001 -- the server must be told, whatever it was
                _log.exception("the edge cannot start")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        else:
            await edge.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _healthz(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 200, {"status": "alive"})


async def _readyz(_scope: Scope, _receive: Receive, send: Send) -> None:
    faults = await asyncio.to_thread(_readiness.faults)
    if faults:
        await _answer(send, 503, {"status": "not ready", "reasons": faults})
    else:
        await _answer(send, 200, {"status": "ready"})


async def _not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 404, {"status": "not found", "reasons": ["only webhooks are served here"]})


async def _unavailable(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 503, {"status": "unavailable"})


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _request_id(scope: Scope) -> str:
    """Take the proxy's id when it is harmless in a log, else make one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _acceptable_request_id.fullmatch(value):
            return str(value, "ascii")
    return uuid4().hex


def _sender_with_request_id(send: Send, request_id: str) -> Send:
    header = (REQUEST_ID, request_id.encode())

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return answer
