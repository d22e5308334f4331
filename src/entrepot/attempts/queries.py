"""Which attempts wait for somebody, and those of a batch, locked and read at once."""

from collections.abc import Iterable, Sequence

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE, Kind, Status
from entrepot.connections.models import Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.database import reading


def read_together(kind: Kind, subject_kind: str, *, subject_ids: Sequence[int]) -> None:
    """Lock and read ahead what was ever intended about several things, for their `intend`."""
    found: dict[tuple[str, str, int], list[Attempt]] = {
        (kind, subject_kind, subject_id): [] for subject_id in subject_ids
    }
    rows = Attempt.objects.select_for_update().filter(
        kind=kind, subject_kind=subject_kind, subject_id__in=subject_ids
    )
    for attempt in rows.order_by("id"):
        found[kind, subject_kind, attempt.subject_id].append(attempt)
    scope.keep_ahead("attempts", found)


def hold_together(attempt_ids: Iterable[int]) -> None:
    """Lock and read ahead several attempts, for their endings."""
    rows = reading.locked(Attempt, attempt_ids)
    scope.keep_ahead("attempt", {attempt.id: attempt for attempt in rows})


def is_under_way(kind: Kind, subject_kind: str, *, subject_id: int) -> bool:
    """Whether an effect on a thing may have left, or is about to."""
    return Attempt.objects.filter(
        kind=kind, subject_kind=subject_kind, subject_id=subject_id, status__in=LIVE
    ).exists()


def due_for_rescue(limit: int) -> list[tuple[int, int]]:
    """Attempts (id, merchant) whose holder is gone; runs in the system's scope."""
    rows = (
        Attempt.objects.filter(status__in=[Status.INTENDED, Status.CALLING], leased_until__lt=Now())
        .order_by("leased_until")
        .values_list("id", "merchant_id")[:limit]
    )
    return list(rows)


def due_for_asking(limit: int) -> list[tuple[int, int]]:
    """Unknown attempts (id, merchant) whose next look-up is due; runs in the system's scope.

    A platform that refuses our credentials is not asked until it takes them again.
    """
    refused = Connection.objects.filter(
        id=OuterRef("connection_id"), status=ConnectionStatus.MISCONFIGURED
    )
    rows = (
        Attempt.objects.filter(status=Status.UNKNOWN, needs_person=False, next_ask_at__lte=Now())
        .exclude(Exists(refused))
        .order_by("next_ask_at")
        .values_list("id", "merchant_id")[:limit]
    )
    return list(rows)


def may_still_leave(attempt: Attempt) -> bool:
    """Whether the bytes of an unknown attempt may yet leave, from a holder that lost it."""
    return Attempt.objects.filter(id=attempt.id, may_leave_until__gt=Now()).exists()
