"""Bounds what a sender may make this process take in before anybody has asked who sends it.

Django's ASGI handler writes a body down whole, on disk where it is large, before the first line of
a view runs; its own limits are asked afterwards.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from entrepot.edge.reading import Answer, send_answer

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def bounded(application: Application, *, limit: int) -> Application:
    """The application, with bodies of at most `limit` bytes; larger ones are answered 413.

    One that is announced as larger is refused before it is read, any other when it has become so.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if _announced(scope) > limit:
            await send_answer(_too_large(scope, limit), receive, send=send)
            return
        size, has_answered = 0, False

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            # To the application it is as if the sender had left in the middle of it.
            return message if size <= limit else {"type": "http.disconnect"}

        async def answering(message: Message) -> None:
            nonlocal has_answered
            has_answered = True
            await send(message)

        await application(scope, counted, answering)
        if size > limit and not has_answered:
            await send_answer(_too_large(scope, limit), receive, send=send)

    return serve


def _announced(scope: Scope) -> int:
    found = next((v for n, v in scope["headers"] if n == b"content-length"), b"")
    return int(found) if found.isdigit() else 0


def _too_large(scope: Scope, limit: int) -> Answer:
    """A problem (RFC 9457), as the interface answers what it refuses by itself."""
    problem = {
        "type": "about:blank",
        "title": "Request Entity Too Large",
        "status": 413,
        "detail": f"the body is too large: {limit} bytes are the most",
        "instance": scope["path"],
    }
    return Answer(413, problem, ends_connection=True, media=b"application/problem+json")
