"""Which event causes which jobs: the only place where rooms are joined by events."""

from entrepot.events.outbox import RecordedEvent
from entrepot.tasks import queue

# event -> tasks; each is deferred in the event's own transaction and called with merchant_id,
# order_id, subject_id and event_id.
SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {}


def dispatch(events: list[RecordedEvent]) -> None:
    """Defer the jobs that a batch of events causes, with one statement."""
    queue.defer(
        [
            queue.Job(
                task=task,
                args={
                    "merchant_id": event.merchant_id,
                    "order_id": event.order_id,
                    "subject_id": event.subject_id,
                    "event_id": event.id,
                },
                cause=f"event:{event.id}",
            )
            for event in events
            for task in SUBSCRIPTIONS.get(event.name, ())
        ]
    )
