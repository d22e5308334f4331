"""The ingest path: find the connection, verify the raw bytes, store them, answer after the commit.

Nothing is interpreted here. Answers: 200 stored (or known, or a ping), 400 cannot be read, 401 not
believed, 404 nobody's address, 405 not a POST, 413 too large, 503 come again.
"""

import asyncio
import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.utils import timezone

from entrepot.connect.registry import NotOffered
from entrepot.connect.webhook import Verified, WebhookRequest
from entrepot.connections import deliveries
from entrepot.connections.queries import Receiving
from entrepot.database.urls import DatabaseUrl
from entrepot.edge import metrics
from entrepot.edge.directory import Directory
from entrepot.edge.reading import (
    Answer,
    Gone,
    Receive,
    Refusal,
    Scope,
    Send,
    Target,
    headers_of,
    kept,
    read_body,
    send_answer,
    target_of,
)
from entrepot.edge.reminders import Reminders
from entrepot.edge.threads import in_thread
from entrepot.edge.verifying import Ambiguous, Believed, Disbelieved, verify_for, verify_for_one
from entrepot.edge.writer import GroupWriter, NotStored, QueueFull
from entrepot.inbox import services as inbox
from entrepot.inbox import storing
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming

STORED_WITHIN_S = 15.0
STOPS_WITHIN_S = 8.0
SLOW_TO_SEAL_BYTES = 128 * 1024
MOST_REFUSALS_AT_ONCE = 8
REFUSALS_QUIET_S = 600.0

_log = structlog.get_logger(__name__)
_busy = Answer(503, {"status": "busy", "reason": "come again"}, headers=((b"retry-after", b"2"),))
_too_many = Answer(
    429,
    {
        "status": "busy",
        "reason": "too much that nobody has signed: use the connection's own address",
    },
    headers=((b"retry-after", b"60"),),
)
_unknown = Answer(
    404, {"status": "unknown", "reason": "no connection has this address"}, ends_connection=True
)
_ambiguous = Answer(
    404,
    {
        "status": "unknown",
        "reason": "this address does not say which connection is meant: use the connection's own",
    },
)


@dataclass
class Edge:
    """One process's ingest path. Belongs to one event loop."""

    directory: Directory
    writer: GroupWriter
    body_limit: int
    _refusing: int = 0
    _quiet_until: dict[int, float] = field(default_factory=dict)
    _reminders: Reminders = field(default_factory=Reminders)

    @classmethod
    def of_settings(cls) -> "Edge":
        """As the process's settings say."""
        conninfo = str(DatabaseUrl.of_settings(settings.DATABASES["system"]))
        return cls(
            directory=Directory(conninfo),
            writer=GroupWriter(conninfo),
            body_limit=settings.WEBHOOK_BODY_LIMIT,
        )

    def start(self) -> None:
        """Begin to hear of changed connections and to write."""
        self.directory.start()
        self.writer.start()

    async def stop(self) -> None:
        """Commit what is waiting, then end."""
        await self.writer.stop(within_s=STOPS_WITHIN_S)
        await self.directory.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        try:
            answer = await self._answer(scope, receive)
        except Gone:
            return
        except Refusal as refused:
            answer = refused.answer
        # Nothing is above this to answer: a fault of ours, whatever its kind, must make the sender
        # come again, since an event that got no answer or a 4xx may never be told a second time.
        except Exception:  # noqa: BLE001 -- whatever the fault, the sender has to come again
            _log.exception("a webhook could not be taken", path=scope["path"][:20])
            answer = _busy
        metrics.count(answer.status, time.perf_counter() - began, waiting=self.writer.waiting)
        await send_answer(answer, receive, send=send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        target = target_of(scope)
        found = await self.directory.find(target.address) if target else ()
        if target is None or not found:
            return _unknown
        if scope["method"] != "POST":
            return _to_a_probe(scope["method"])
        body = await read_body(scope, receive, limit=self.body_limit)
        headers = headers_of(scope)
        request = WebhookRequest(
            body=body, headers=headers, suffix=target.suffix, query=target.query
        )
        try:
            believed = _believe(found, target, request)
        except NotOffered:  # nothing comes from this platform: what is made by hand, say
            return _unknown
        except Ambiguous:
            return _ambiguous
        except Disbelieved as error:
            return await self._disbelieve(error, headers, body)
        if not believed.is_proved and not self._reminders.take(believed.receiving.connection_id):
            return _too_many
        return await self._store(believed, headers, body)

    async def _store(self, believed: Believed, headers: dict[str, str], body: bytes) -> Answer:
        receiving, verified = believed.receiving, believed.verified
        if verified.is_ping:
            return Answer(200, {"status": "pong"})
        incoming = _incoming(receiving, verified, kept(headers), body)
        if len(body) > SLOW_TO_SEAL_BYTES:
            row = await asyncio.to_thread(storing.prepare, incoming)
        else:
            row = storing.prepare(incoming)
        try:
            async with asyncio.timeout(STORED_WITHIN_S):
                stored = await self.writer.offer(row)
        except (QueueFull, NotStored, TimeoutError):
            return _busy
        if receiving.refused_in_a_row:
            await self._forgive(receiving)
        return Answer(
            200,
            {"status": "duplicate" if stored.is_repeat else "stored"},
            # By this id a sender can ask what became of it, also where a poll had brought it first.
            headers=((b"entrepot-message", str(stored.message_id).encode()),),
        )

    async def _disbelieve(self, error: Disbelieved, headers: dict[str, str], body: bytes) -> Answer:
        """Keep what it looked like, within bounds: forgeries must not flood the database."""
        refused, receiving = error.refused, error.receiving
        status = 400 if refused.check == "body_malformed" else 401
        if receiving is not None and self._may_keep(receiving):
            self._refusing += 1
            try:
                is_kept = await in_thread(
                    lambda: inbox.refuse(
                        connection_id=receiving.connection_id,
                        merchant_id=receiving.merchant_id,
                        refused=refused,
                        status_code=status,
                        headers=kept(headers),
                        body=body,
                    )
                )
            finally:
                self._refusing -= 1
            if not is_kept:
                quiet_until = time.monotonic() + REFUSALS_QUIET_S
                self._quiet_until[receiving.connection_id] = quiet_until
            self.directory.forget(receiving.connection_id)
        return Answer(status, {"status": "refused", "check": refused.check})

    def _may_keep(self, receiving: Receiving) -> bool:
        quiet_until = self._quiet_until.get(receiving.connection_id, 0.0)
        return self._refusing < MOST_REFUSALS_AT_ONCE and time.monotonic() >= quiet_until

    async def _forgive(self, receiving: Receiving) -> None:
        self._quiet_until.pop(receiving.connection_id, None)
        await in_thread(
            lambda: deliveries.forgive_refusals(
                receiving.connection_id, merchant_id=receiving.merchant_id
            )
        )
        self.directory.forget(receiving.connection_id)


_edge: Edge | None = None


async def start() -> None:
    """Make this process take webhooks; called once, before the first request."""
    global _edge  # noqa: PLW0603 -- one edge per process, made when its event loop runs
    _edge = Edge.of_settings()
    _edge.start()


async def stop() -> None:
    """Commit what is waiting; called once, after the last request."""
    global _edge
    edge, _edge = _edge, None
    if edge is not None:
        await edge.stop()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of the paths /hooks/ and /api/webhooks/."""
    if _edge is None:
        await send_answer(_busy, receive, send=send)
        return
    await _edge(scope, receive, send)


def _believe(found: tuple[Receiving, ...], target: Target, request: WebhookRequest) -> Believed:
    now = timezone.now()
    if target.address.is_alias:
        return verify_for_one(found, request, now=now)
    return verify_for(found[0], request, token=target.address.key, now=now)


def _incoming(
    receiving: Receiving, verified: Verified, headers: dict[str, str], body: bytes
) -> Incoming:
    return Incoming(
        merchant_id=receiving.merchant_id,
        connection_id=receiving.connection_id,
        mode=receiving.mode,
        source=Source.WEBHOOK,
        topic=verified.topic,
        body=body,
        dedupe_key=verified.dedupe_key,
        headers=headers,
        is_hint=verified.is_hint,
    )


def _to_a_probe(method: str) -> Answer:
    """Some platforms look whether the address is there before they use it."""
    if method in {"GET", "HEAD"}:
        return Answer(200, {"status": "ready", "reason": "webhooks are taken here by POST"})
    return Answer(
        405,
        {"status": "refused", "reason": "webhooks are taken here by POST"},
        headers=((b"allow", b"GET, HEAD, POST"),),
        ends_connection=True,
    )
