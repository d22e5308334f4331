"""Jobs that have parcels followed by carriers, and end those that nobody follows."""

from collections.abc import Sequence
from datetime import timedelta

from entrepot.access import scope
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.connect import registry
from entrepot.connect.errors import (
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedResponse,
)
from entrepot.connect.ports import Tracks
from entrepot.connections import doors
from entrepot.connections.call_log import keep_calls
from entrepot.connections.models import Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.database import clock
from entrepot.fulfillment import tracking
from entrepot.fulfillment.models import Parcel
from entrepot.fulfillment.tracking import PRESUMED_AFTER_DAYS
from entrepot.tasks.calls import CALLS_AT_ONCE, side_by_side
from entrepot.tasks.refusal import stopped
from entrepot.tasks.registry import Lane, Outcomes, Priority, Work, batch_task, task
from entrepot.tasks.retry import Snooze
from entrepot.tasks.schedule import schedule

AT_ONCE = 500
UNKNOWN_NUMBER_WAIT = timedelta(minutes=30)  # a label is printed before its carrier scans it


@batch_task("tracking.follow", at_once=CALLS_AT_ONCE, priority=Priority.LOW)
def follow(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Ask a carrier connection to follow parcels; without one their arrival is presumed later."""
    outcomes: dict[int, Exception] = {}
    ids = [work.args["subject_id"] for work in batch]
    with scope.merchant(merchant_id):
        wanted = Parcel.objects.filter(id__in=ids, carrier_connection_id=None)
        parcels = list(wanted.exclude(tracking_number="").order_by("id"))
        live = Connection.objects.filter(status=ConnectionStatus.LIVE, platform__in=carriers())
        carrier_of = {carrier.mode: carrier.id for carrier in live.order_by("-id")}
    asked = [(parcel, carrier_of[parcel.mode]) for parcel in parcels if parcel.mode in carrier_of]
    for ended in side_by_side(_ask_to_follow, asked):
        with scope.merchant(merchant_id):
            keep_calls([call for one in ended for call in one.calls])
            tracking.apply_trackers([_news(one.thing, one.answer) for one in ended if one.answer])
        for one in ended:
            if one.error is not None and (error := _what_follows(*one.thing, one.error)):
                outcomes[one.thing[0].id] = error
    return [outcomes.get(parcel_id) for parcel_id in ids]


def _ask_to_follow(asked: tuple[Parcel, int]) -> TrackerSnapshot:
    parcel, carrier_id = asked
    client = doors.client(carrier_id)
    assert isinstance(client, Tracks)
    return client.track(parcel.tracking_number, carrier=parcel.carrier)


def _news(asked: tuple[Parcel, int], tracker: TrackerSnapshot) -> tracking.TrackerNews:
    parcel, carrier_id = asked
    return tracking.TrackerNews(
        merchant_id=parcel.merchant_id,
        mode=parcel.mode,
        connection_id=carrier_id,
        tracker=tracker,
        cause=f"connection:{carrier_id}",
    )


def _what_follows(parcel: Parcel, carrier_id: int, error: Exception) -> Exception | None:
    """What the job of a parcel is told that no carrier follows."""
    match error:
        case Misconfigured():
            return stopped(carrier_id, merchant_id=parcel.merchant_id, error=error)
        case OutcomeUnknown() | UnexpectedResponse():
            # Asking again to follow the same parcel does nothing twice.
            return Unavailable(str(error))
        case Rejected():
            pass
        case _:
            return error
    if clock.now() - parcel.added_at > timedelta(days=PRESUMED_AFTER_DAYS):
        return None  # no carrier ever knew it: its arrival is presumed, and says so
    return Snooze(UNKNOWN_NUMBER_WAIT, f"no carrier knows the number yet: {error}")


@task("tracking.presume", lane=Lane.UPKEEP)
def presume(**_: object) -> None:
    """Close parcels that no carrier follows, a set time after they left, and say so."""
    with scope.system():
        due = tracking.due_to_be_presumed(AT_ONCE)
    for merchant_id, parcel_id, days in due:
        with scope.merchant(merchant_id):
            tracking.presume_delivered(parcel_id, after=timedelta(days=days))


def carriers() -> list[str]:
    """Platforms that can follow parcels."""
    return [code for code, found in registry.platforms().items() if found.manifest.can("track")]


schedule("tracking.presume", every=timedelta(hours=1), after_downtime="once")
