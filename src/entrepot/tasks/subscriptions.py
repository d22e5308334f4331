"""Which event causes which jobs: the only place where rooms are joined by events."""

from datetime import datetime

from entrepot.events.outbox import RecordedEvent
from entrepot.tasks import queue

# event -> tasks; each is deferred in the event's own transaction and called with merchant_id,
# order_id, subject_id and event_id.
SUBSCRIPTIONS: dict[str, tuple[str, ...]] = {
    "order.released": ("routing.plan", "notifications.decide_mail"),
    "order.hold_lifted": ("fulfillment.resume",),
    "order.changed": ("fulfillment.withdraw",),
    "order.address_changed": ("fulfillment.readdress",),
    "order.cancelled": ("fulfillment.withdraw", "notifications.decide_mail"),
    "order.lines_cancelled": ("fulfillment.withdraw", "notifications.decide_mail"),
    "order.fulfilled_elsewhere": ("fulfillment.withdraw",),
    "payment.refunded": ("fulfillment.withdraw", "notifications.decide_mail"),
    "fulfillment_order.planned": ("fulfillment.submit",),
    "fulfillment_order.replaced": ("fulfillment.submit",),
    "fulfillment_order.cancelling": ("fulfillment.cancel",),
    "fulfillment_order.cancelled": ("fulfillment.resume",),
    "fulfillment_order.accepted": ("fulfillment.after_acceptance",),
    "fulfillment_order.readdressed": ("fulfillment.readdress",),
    "fulfillment_order.shipping_chosen": ("fulfillment.change_shipping", "fulfillment.submit"),
    "fulfillment_order.shipping_answered": ("fulfillment.change_shipping",),
    "mapping.changed": ("catalog.after_mapping",),
    "artwork.copied": ("catalog.after_artwork",),
    "refund.wanted": ("payments.refund",),
    "capture.wanted": ("payments.capture",),
    "void.wanted": ("payments.void",),
    "shipment.recorded": ("storefront.write_back", "notifications.decide_mail"),
    "shipment.tracked": ("storefront.write_back",),
    "connection.added": ("connections.ping", "webhooks.check"),
    "connection.changed": ("connections.ping", "webhooks.check"),
    "connection.went_live": ("orders.begin_work", "effects.go_on"),
    "connection.resumed": ("effects.go_on",),
    "connection.recovered": ("effects.go_on",),
    "connection.import_begun": ("polling.begin_imports",),
    "parcel.added": ("tracking.follow",),
    "parcel.delivered": ("notifications.decide_mail",),
    "parcel.exception": ("notifications.decide_mail",),
    "parcel.returned": ("notifications.decide_mail",),
    "notification.wanted": ("notifications.send_mail",),
}


def dispatch(events: list[RecordedEvent]) -> None:
    """Defer the jobs that a batch of events causes, with one statement.

    An event that says `not_before` has jobs that would find nothing to do until then.
    """
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
                run_at=_not_before(event),
                cause=f"event:{event.id}",
            )
            for event in events
            for task in SUBSCRIPTIONS.get(event.name, ())
        ]
    )


def _not_before(event: RecordedEvent) -> datetime | None:
    at = event.data.get("not_before")
    return datetime.fromisoformat(at) if isinstance(at, str) else None
