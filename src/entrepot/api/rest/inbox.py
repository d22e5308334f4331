"""Messages from outside: what came, what became of it, raw bytes, replay."""

from datetime import datetime
from typing import Annotated

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, cursor_of, cut, id_before
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import Because, Done
from entrepot.events import outbox
from entrepot.inbox import queries, services
from entrepot.inbox.models import InboxMessage, Refusal
from entrepot.inbox.queries import Received
from entrepot.inbox.states import Outcome, Source

router = Router(tags=["inbox"])
MOST_AT_ONCE = 500


class MessageShape(Schema):
    """A message. `outcome` is the last one, `repeats` its duplicates, `sha256` its body's hash."""

    id: int
    connection_id: int
    mode: str
    source: str
    topic: str
    size: int
    sha256: str
    is_hint: bool
    received_at: datetime
    outcome: str
    reason: str
    order_id: int | None
    repeats: int
    repeated_at: datetime | None
    tries: int
    has_body: bool


class OutcomeShape(Schema):
    """How a message ended, each time it was run."""

    outcome: str
    reason: str
    order_id: int | None
    at: datetime


class WholeMessage(MessageShape):
    """A message with its headers and every ending."""

    headers: dict[str, str]
    outcomes: list[OutcomeShape]


class RefusalShape(Schema):
    """A delivery that was not believed, and which check failed."""

    id: int
    connection_id: int
    check_failed: str
    expected: str
    seen: str
    status_code: int
    size: int
    at: datetime


class Chosen(Because):
    """Which messages."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]


class MessageFilter(Paged):
    """Which messages."""

    connection_id: Id | None = None
    source: Source | None = None
    outcome: Outcome | None = None
    has_repeats: bool = False


class RefusalFilter(Paged):
    """Which refusals."""

    connection_id: Id | None = None


@operation(
    router,
    "GET",
    path="/inbox",
    scope="inbox:read",
    answers=Listed[MessageShape],
    summary="List messages",
)
def list_messages(request: ApiRequest, asked: Query[MessageFilter]) -> Listed[MessageShape]:
    """What came from outside, the newest first; parked ones by `outcome=parked`."""
    caller = request.auth
    found = queries.messages(
        caller.merchant_id,
        mode=caller.mode,
        connection_id=asked.connection_id,
        source=asked.source or "",
        outcome=asked.outcome,
        has_repeats=asked.has_repeats,
        before_id=id_before(asked),
        limit=asked.limit + 1,
    )
    shown, follows = cut(found, asked.limit, cursor=lambda row: cursor_of(row.id))
    return Listed[MessageShape].model_construct(
        data=[shaped(MessageShape, row) for row in shown], next=follows
    )


@operation(
    router,
    "POST",
    path="/inbox/replay",
    scope="inbox:replay",
    answers=Done,
    summary="Replay messages",
)
def replay_messages(request: ApiRequest, asked: Chosen) -> Done:
    """Runs stored messages again; applying is idempotent, so nothing happens twice."""
    caller = request.auth
    ids = _mine(caller, asked.ids)
    done = services.replay(ids, merchant_id=caller.merchant_id, reason=asked.reason)
    return Done(changed=len(done))


@operation(
    router,
    "POST",
    path="/inbox/discard",
    scope="inbox:replay",
    answers=Done,
    summary="Discard parked messages",
)
def discard_messages(request: ApiRequest, asked: Chosen) -> Done:
    """Decides that parked messages need nothing."""
    caller = request.auth
    ids = _mine(caller, asked.ids)
    done = services.discard(ids, merchant_id=caller.merchant_id, reason=asked.reason)
    return Done(changed=len(done))


@operation(
    router,
    "GET",
    path="/inbox/{message_id}",
    scope="inbox:read",
    answers=WholeMessage,
    summary="Read a message",
)
def get_message(request: ApiRequest, message_id: Id) -> WholeMessage:
    """One message and how it ended; headers only with the scope `personal_data:read`."""
    caller = request.auth
    row, kept = _message(caller, message_id)
    return shaped(
        WholeMessage,
        row,
        headers=kept.headers if caller.sees_people else {},
        outcomes=[shaped(OutcomeShape, one) for one in queries.outcomes_of(message_id)],
    )


@operation(
    router,
    "GET",
    path="/inbox/{message_id}/body",
    scope="inbox:read",
    answers=str,
    media="application/octet-stream",
    summary="Read a message's raw bytes",
)
def get_body(request: ApiRequest, message_id: Id) -> HttpResponse:
    """As they came; needs the scope `personal_data:read` as well, and leaves an event."""
    caller = request.auth
    caller.needs("personal_data:read")
    _, kept = _message(caller, message_id)
    body = services.open_body(kept)
    outbox.record(
        "customer.revealed",
        merchant_id=caller.merchant_id,
        mode=caller.mode,
        subject=("inbox", message_id),
        data={"what": "raw bytes"},
    )
    return HttpResponse(
        body,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="message-{message_id}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@operation(
    router,
    "GET",
    path="/inbox-refusals",
    scope="inbox:read",
    answers=Listed[RefusalShape],
    summary="List refused deliveries",
)
def list_refusals(request: ApiRequest, asked: Query[RefusalFilter]) -> Listed[RefusalShape]:
    """Deliveries that were not believed, the newest first."""
    caller = request.auth
    rows: list[Refusal] = queries.refusals(
        caller.merchant_id,
        connection_id=asked.connection_id,
        before_id=id_before(asked),
        limit=asked.limit + 1,
    )
    shown, follows = cut(rows, asked.limit, cursor=lambda row: cursor_of(row.id))
    return Listed[RefusalShape].model_construct(
        data=[shaped(RefusalShape, row) for row in shown], next=follows
    )


def _message(caller: Caller, message_id: int) -> tuple[Received, InboxMessage]:
    found = queries.messages(caller.merchant_id, mode=caller.mode, ids=[message_id], limit=1)
    if not found:
        raise not_found(f"message {message_id}")
    return found[0], queries.message(message_id, merchant_id=caller.merchant_id)


def _mine(caller: Caller, ids: list[int]) -> list[int]:
    rows = InboxMessage.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode, id__in=ids)
    return list(rows.order_by("id").values_list("id", flat=True))
