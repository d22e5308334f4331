"""Work of the hub itself: attempts outside, dead letters, obligations."""

from datetime import datetime
from typing import Annotated, Any

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field, WithJsonSchema

from entrepot.api.caller import ApiRequest
from entrepot.api.errors import not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import Because, Done
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status as LetterStatus
from entrepot.intake.given import Word
from entrepot.obligations import services as obligations
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.tasks import deciding

router = Router(tags=["work"])
MOST_AT_ONCE = 500
# Rooms call their own words alike; in the description each is spelled out where it stands.
AttemptWord = Annotated[
    AttemptStatus, WithJsonSchema({"type": "string", "enum": AttemptStatus.values})
]
EffectWord = Annotated[Effect, WithJsonSchema({"type": "string", "enum": Effect.values})]
LetterWord = Annotated[
    LetterStatus, WithJsonSchema({"type": "string", "enum": LetterStatus.values})
]
OwedWord = Annotated[Owed, WithJsonSchema({"type": "string", "enum": Owed.values})]


class AttemptShape(Schema):
    """An intended effect outside. `unknown` means that we are asking.

    `token` rises whenever it passes into other hands, `calls` with each call that may have left.
    """

    id: int
    kind: str
    connection_id: int | None
    order_id: int | None
    subject_kind: str
    subject_id: int
    reference: str
    generation: int
    status: str
    token: int
    calls: int
    asked: int
    next_ask_at: datetime | None
    needs_person: bool
    outcome: dict[str, Any]
    message: str
    intended_at: datetime
    called_at: datetime | None
    unknown_since: datetime | None
    ended_at: datetime | None


class Decision(Because):
    """What became of it, on a person's word. `external_id` is what the other side calls it."""

    happened: bool
    external_id: Word = ""


class LetterShape(Schema):
    """Work of ours that gave up."""

    id: int
    task: str
    arguments: dict[str, Any]
    order_id: int | None
    error: str
    tries: int
    is_quarantined: bool
    buried_at: datetime
    status: str
    ended_at: datetime | None
    ended_by: str
    reason: str


class ObligationShape(Schema):
    """A promise with its deadline; `end` is empty while it is open."""

    id: int
    kind: str
    order_id: int | None
    subject_kind: str
    subject_id: int
    opened_at: datetime
    due_at: datetime
    is_overdue: bool
    end: str
    ended_at: datetime | None
    ended_by: str
    reason: str


class AttemptFilter(Paged):
    """Which attempts."""

    status: AttemptWord | None = None
    kind: EffectWord | None = None
    needs_person: bool | None = None


class LetterFilter(Paged):
    """Which dead letters; those that wait, unless told otherwise."""

    status: LetterWord = LetterStatus.WAITING


class ObligationFilter(Paged):
    """Which promises; the open ones, unless told otherwise."""

    kind: OwedWord | None = None
    is_overdue: bool | None = None
    is_open: bool = True


class ChosenLetters(Because):
    """Which dead letters."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]


@operation(
    router,
    "GET",
    path="/attempts",
    scope="jobs:read",
    answers=Listed[AttemptShape],
    summary="List attempts",
)
def list_attempts(request: ApiRequest, asked: Query[AttemptFilter]) -> Listed[AttemptShape]:
    """Effects outside, the newest first; `needs_person=true` waits for somebody's word."""
    caller = request.auth
    rows = Attempt.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    wanted = {"status": asked.status, "kind": asked.kind, "needs_person": asked.needs_person}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    found, follows = page_of(rows, asked)
    return Listed[AttemptShape].model_construct(
        data=[shaped(AttemptShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/attempts/{attempt_id}/decide",
    scope="jobs:write",
    answers=AttemptShape,
    summary="Say what became of an unknown attempt",
)
def decide_attempt(request: ApiRequest, attempt_id: Id, asked: Decision) -> AttemptShape:
    """Where nothing outside can tell. If it did not happen it is carried out again, once."""
    caller = request.auth
    known = Attempt.objects.filter(
        id=attempt_id, merchant_id=caller.merchant_id, mode=caller.mode
    ).first()
    if known is None:
        raise not_found(f"attempt {attempt_id}")
    decided = deciding.decide(
        caller.merchant_id,
        attempt_id,
        happened=asked.happened,
        by=caller.actor,
        reason=asked.reason,
        external_id=asked.external_id,
    )
    return shaped(AttemptShape, decided)


@operation(
    router,
    "GET",
    path="/dead-letters",
    scope="jobs:read",
    answers=Listed[LetterShape],
    summary="List dead letters",
)
def list_letters(request: ApiRequest, asked: Query[LetterFilter]) -> Listed[LetterShape]:
    """Work that gave up, the newest first, of both modes."""
    rows = DeadLetter.objects.filter(merchant_id=request.auth.merchant_id, status=asked.status)
    found, follows = page_of(rows, asked)
    return Listed[LetterShape].model_construct(
        data=[shaped(LetterShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/dead-letters/replay",
    scope="jobs:write",
    answers=Done,
    summary="Replay dead letters",
)
def replay_letters(request: ApiRequest, asked: ChosenLetters) -> Done:
    """With the arguments that they had, so that each effect keeps its key."""
    caller = request.auth
    return Done(
        changed=deadletters.replay(
            asked.ids, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
        )
    )


@operation(
    router,
    "POST",
    path="/dead-letters/discard",
    scope="jobs:write",
    answers=Done,
    summary="Discard dead letters",
)
def discard_letters(request: ApiRequest, asked: ChosenLetters) -> Done:
    """Decides that they need nothing."""
    caller = request.auth
    return Done(
        changed=deadletters.discard(
            asked.ids, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
        )
    )


@operation(
    router,
    "GET",
    path="/obligations",
    scope="jobs:read",
    answers=Listed[ObligationShape],
    summary="List obligations",
)
def list_obligations(
    request: ApiRequest, asked: Query[ObligationFilter]
) -> Listed[ObligationShape]:
    """Promises with their deadlines, the newest first."""
    caller, now = request.auth, timezone.now()
    rows = Obligation.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    rows = rows.filter(end="") if asked.is_open else rows.exclude(end="")
    if asked.kind is not None:
        rows = rows.filter(kind=asked.kind)
    if asked.is_overdue is not None:
        rows = rows.filter(due_at__lt=now) if asked.is_overdue else rows.filter(due_at__gte=now)
    found, follows = page_of(rows, asked)
    return Listed[ObligationShape].model_construct(
        data=[_obligation(row, now) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/obligations/{obligation_id}/waive",
    scope="jobs:write",
    answers=ObligationShape,
    summary="Waive an obligation",
)
def waive_obligation(request: ApiRequest, obligation_id: Id, asked: Because) -> ObligationShape:
    """Lets go of a promise, with the reason."""
    caller = request.auth
    known = Obligation.objects.filter(
        id=obligation_id, merchant_id=caller.merchant_id, mode=caller.mode
    )
    if not known.exists():
        raise not_found(f"obligation {obligation_id}")
    row = obligations.waive(
        obligation_id, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
    )
    return _obligation(row, timezone.now())


def _obligation(row: Obligation, now: datetime) -> ObligationShape:
    return shaped(ObligationShape, row, is_overdue=not row.end and row.due_at < now)
