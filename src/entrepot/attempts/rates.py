"""The fuse: counts a connection's effects, and stops a flow that does more than it ever did."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q
from django.db.models.functions import TruncHour

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.canon.orders import Mode
from entrepot.connections.effects import (
    ALLOWED,
    LEAST_CEILING,
    Verdict,
    ceiling_of,
    check_fuse,
    flow_allowed,
)
from entrepot.connections.models import Connection, EffectPause
from entrepot.connections.states import EffectFlow
from entrepot.database import clock

HOUR = timedelta(hours=1)
USUAL_OVER = timedelta(weeks=4)
AT_ONCE = 32  # as many may be about to be intended at the same moment, each without the others


def fuse(connection: Connection, flow: EffectFlow, *, kind: Kind) -> Verdict:
    """Whether one more effect of a kind may be intended now; blows the fuse when it may not.

    Runs in the open scope that intends. Connections in test mode have a fuse only where the
    merchant has chosen a ceiling: nothing real can run away there. What is usual is asked only
    once there is much. Whoever lets a flow go on after the fuse stopped it has said that it was
    right: the count begins anew.
    """
    has_choice = bool(connection.policy.get("hourly_ceilings", {}).get(flow))
    if not has_choice and (connection.mode != "live" or settings.SANDBOX):
        return ALLOWED
    now = clock.now()
    counted = scope.once(
        "in_last_hour", (connection.id, kind), read=lambda: [_count(connection, kind, now - HOUR)]
    )
    counted[0] += 1  # with those that this transaction has let pass
    in_last_hour = counted[0]
    if in_last_hour <= LEAST_CEILING - AT_ONCE and not has_choice:
        return ALLOWED
    usual = 0.0 if has_choice else _usual_per_hour(connection, kind)
    ceiling = ceiling_of(connection, flow, usual_per_hour=usual)
    if in_last_hour <= ceiling - AT_ONCE:
        return ALLOWED
    # Near the ceiling they are counted one after another: others may have intended meanwhile.
    locked = Connection.objects.select_for_update(no_key=True).get(id=connection.id)
    verdict = flow_allowed(
        locked.merchant_id, mode=Mode(locked.mode), flow=flow, connection_id=locked.id
    )
    if not verdict.is_allowed:
        return verdict
    since = max(now - HOUR, _let_on_at(connection, flow) or now - HOUR)
    in_last_hour = _count(connection, kind, since) + 1
    return check_fuse(locked, flow, in_last_hour=in_last_hour, usual_per_hour=usual)


def _count(connection: Connection, kind: Kind, since: datetime) -> int:
    return Attempt.objects.filter(
        merchant_id=connection.merchant_id,
        mode=connection.mode,
        kind=kind,
        connection_id=connection.id,
        intended_at__gt=since,
    ).count()


def _let_on_at(connection: Connection, flow: EffectFlow) -> datetime | None:
    """When somebody last ended a stop of the fuse on this very flow."""
    stops = EffectPause.objects.filter(
        merchant_id=connection.merchant_id, connection_id=connection.id, flow=flow, is_fuse=True
    )
    found: datetime | None = stops.aggregate(at=Max("resumed_at"))["at"]
    return found


def _usual_per_hour(connection: Connection, kind: Kind) -> float:
    """The average over those hours of the last four weeks in which there was any."""
    now = clock.now()
    past = Q(intended_at__gt=now - USUAL_OVER, intended_at__lte=now - HOUR)
    counts = list(
        Attempt.objects.filter(
            past,
            merchant_id=connection.merchant_id,
            mode=connection.mode,
            kind=kind,
            connection_id=connection.id,
        )
        .annotate(hour=TruncHour("intended_at"))
        .values("hour")
        .annotate(n=Count("id"))
        .values_list("n", flat=True)
    )
    return sum(counts) / len(counts) if counts else 0.0
