"""The fuse: counts a connection's effects, and stops a flow that does more than it ever did."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.utils import timezone

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind
from entrepot.connections.effects import (
    ALLOWED,
    LEAST_CEILING,
    Verdict,
    ceiling_of,
    check_fuse,
    effects_allowed,
)
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow

HOUR = timedelta(hours=1)
USUAL_OVER = timedelta(weeks=4)


def fuse(connection: Connection, flow: EffectFlow, kind: Kind) -> Verdict:
    """Whether one more effect of a kind may be intended now; blows the fuse when it may not.

    Runs in the open scope that intends. Connections in test mode have a fuse only where the
    merchant has chosen a ceiling: nothing real can run away there. What is usual is asked only
    once there is much.
    """
    has_choice = bool(connection.policy.get("hourly_ceilings", {}).get(flow))
    if not has_choice and (connection.mode != "live" or settings.SANDBOX):
        return ALLOWED
    now = timezone.now()
    mine = Attempt.objects.filter(
        merchant_id=connection.merchant_id,
        mode=connection.mode,
        kind=kind,
        connection_id=connection.id,
    )
    in_last_hour = mine.filter(intended_at__gt=now - HOUR).count() + 1
    if in_last_hour <= LEAST_CEILING and not has_choice:
        return ALLOWED
    usual = 0.0 if has_choice else _usual_per_hour(connection, kind)
    if in_last_hour <= ceiling_of(connection, flow, usual_per_hour=usual):
        return ALLOWED
    # Of several that count too many at the same moment one stops the flow; the others see it.
    locked = Connection.objects.select_for_update().get(id=connection.id)
    verdict = effects_allowed(locked, flow)
    if not verdict.is_allowed:
        return verdict
    return check_fuse(locked, flow, in_last_hour=in_last_hour, usual_per_hour=usual)


def _usual_per_hour(connection: Connection, kind: Kind) -> float:
    """The average over those hours of the last four weeks in which there was any."""
    now = timezone.now()
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
