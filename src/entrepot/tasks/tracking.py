"""Jobs that have parcels followed by carriers, and end those that nobody follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.tracking import TrackerSnapshot
from entrepot.connect import registry
from entrepot.connect.errors import Rejected
from entrepot.connect.ports import Tracks
from entrepot.connections import doors
from entrepot.connections.call_log import gathered_calls, keep_calls
from entrepot.connections.models import CallRecord, Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.fulfillment import tracking
from entrepot.fulfillment.models import Parcel
from entrepot.fulfillment.tracking import PRESUMED_AFTER_DAYS
from entrepot.tasks.calls import CALLS_AT_ONCE, outside_transaction, side_by_side
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
    with outside_transaction():
        for answered in side_by_side(_ask_to_follow, asked):
            with scope.merchant(merchant_id):
                keep_calls([call for _, answer in answered for call in answer.calls])
                tracking.apply_trackers(
                    [
                        tracking.TrackerNews(
                            merchant_id=merchant_id,
                            mode=parcel.mode,
                            connection_id=carrier_id,
                            tracker=answer.tracker,
                            cause=f"connection:{carrier_id}",
                        )
                        for (parcel, carrier_id), answer in answered
                        if answer.tracker is not None
                    ]
                )
            outcomes |= {
                parcel.id: answer.error for (parcel, _), answer in answered if answer.error
            }
    return [outcomes.get(parcel_id) for parcel_id in ids]


@dataclass(frozen=True, slots=True)
class _Followed:
    """What a carrier answered when asked to follow a parcel, or why it did not."""

    tracker: TrackerSnapshot | None
    error: Exception | None
    calls: Sequence[CallRecord]


def _ask_to_follow(asked: tuple[Parcel, int]) -> _Followed:
    parcel, carrier_id = asked
    with gathered_calls() as calls:
        try:
            client = doors.client(carrier_id)
            assert isinstance(client, Tracks)
            tracker = client.track(parcel.tracking_number, carrier=parcel.carrier)
        except Rejected as error:
            if timezone.now() - parcel.added_at > timedelta(days=PRESUMED_AFTER_DAYS):
                return _Followed(None, None, calls)  # never known: its arrival is presumed
            reason = f"no carrier knows the number yet: {error}"
            return _Followed(None, Snooze(UNKNOWN_NUMBER_WAIT, reason), calls)
        except Exception as error:  # noqa: BLE001 -- its job is told, the others go on
            return _Followed(None, error, calls)
    return _Followed(tracker, None, calls)


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
