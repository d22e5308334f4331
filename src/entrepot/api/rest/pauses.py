"""Stops of outside effects: of a connection, of a flow, or of everything."""

from datetime import datetime

from ninja import Query, Router, Schema

from entrepot.api.caller import ApiRequest
from entrepot.api.errors import not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.connections import found_connection
from entrepot.api.rest.order_parts import shaped
from entrepot.api.rest.shapes import Because
from entrepot.canon.orders import Mode
from entrepot.connections import services
from entrepot.connections.models import EffectPause
from entrepot.connections.states import EffectFlow

router = Router(tags=["pauses"])


class PauseShape(Schema):
    """A stop; `flow` "" is every flow, `connection_id` null every connection."""

    id: int
    connection_id: int | None
    flow: str
    reason: str
    is_fuse: bool
    paused_at: datetime
    paused_by: str
    resumed_at: datetime | None
    resumed_by: str


class NewPause(Because):
    """What to stop; with neither a connection nor a flow, everything."""

    connection_id: Id | None = None
    flow: EffectFlow | None = None


class PauseFilter(Paged):
    """Which stops; only those that stand, unless told otherwise."""

    is_over: bool = False


@operation(
    router,
    "GET",
    path="/pauses",
    scope="orders:read",
    answers=Listed[PauseShape],
    summary="List pauses",
)
def list_pauses(request: ApiRequest, asked: Query[PauseFilter]) -> Listed[PauseShape]:
    """What people and fuses have stopped."""
    caller = request.auth
    rows = EffectPause.objects.filter(
        merchant_id=caller.merchant_id, mode=caller.mode, resumed_at__isnull=not asked.is_over
    )
    found, follows = page_of(rows, asked)
    return Listed[PauseShape].model_construct(
        data=[shaped(PauseShape, row) for row in found], next=follows
    )


@operation(
    router,
    "POST",
    path="/pauses",
    scope="effects:pause",
    answers=PauseShape,
    status=201,
    summary="Pause effects",
)
def pause_effects(request: ApiRequest, asked: NewPause) -> PauseShape:
    """At once; nothing is lost. The same stop again is the stop there is."""
    caller = request.auth
    if asked.connection_id is not None:
        found_connection(caller, asked.connection_id)
    stop = services.pause_effects(
        caller.merchant_id,
        mode=Mode(caller.mode),
        connection_id=asked.connection_id,
        flow=asked.flow or "",
        reason=asked.reason,
        by=caller.actor,
    )
    stop.refresh_from_db()
    return shaped(PauseShape, stop)


@operation(
    router,
    "POST",
    path="/pauses/{pause_id}/resume",
    scope="effects:pause",
    answers=PauseShape,
    summary="Resume effects",
)
def resume_effects(request: ApiRequest, pause_id: Id, asked: Because) -> PauseShape:
    """What waited goes on, paced."""
    caller = request.auth
    known = EffectPause.objects.filter(
        id=pause_id, merchant_id=caller.merchant_id, mode=caller.mode
    )
    if not known.exists():
        raise not_found(f"pause {pause_id}")
    stop = services.resume_effects(
        pause_id, merchant_id=caller.merchant_id, by=caller.actor, reason=asked.reason
    )
    return shaped(PauseShape, stop)
