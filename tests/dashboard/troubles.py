"""What goes wrong in a scene: holds, promises, unknown outcomes, parked messages, dead letters."""

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.connections.models import CallRecord
from entrepot.deadletters.models import DeadLetter
from entrepot.events import outbox
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.inbox.models import InboxMessage, InboxWork
from entrepot.obligations.models import Obligation
from entrepot.orders.models import Hold, Order
from entrepot.payments.models import PaymentEntry
from tests.dashboard.scene import Scene


def hold(
    scene: Scene,
    number: str,
    kind: str,
    reason: str,
    *,
    about: str = "",
    ago: timedelta = timedelta(hours=1),
    **data: Any,
) -> Hold:
    """An open hold, counted."""
    order = scene.orders[number]
    with scope.merchant(scene.merchant.id):
        made = Hold.objects.create(
            merchant_id=scene.merchant.id,
            order=order,
            kind=kind,
            about=about,
            reason=reason,
            data=data,
            opened_at=timezone.now() - ago,
        )
        number_open = Hold.objects.filter(order=order, lifted_at=None).count()
        Order.objects.filter(id=order.id).update(open_holds=number_open)
        outbox.record(
            "order.held",
            merchant_id=scene.merchant.id,
            mode=order.mode,
            order_id=order.id,
            subject=("hold", made.id),
            data={"kind": kind, "about": about},
            reason=reason,
        )
    return made


def owe(
    scene: Scene,
    number: str,
    kind: str,
    *,
    due: timedelta,
    met: timedelta | None = None,
    subject: tuple[str, int] | None = None,
) -> Obligation:
    """A promise due so far from now (negative: overdue); `met` is how long ago it was kept."""
    now = timezone.now()
    order = scene.orders[number]
    subject_kind, subject_id = subject or ("order", order.id)
    with scope.merchant(scene.merchant.id):
        return Obligation.objects.create(
            merchant_id=scene.merchant.id,
            mode=order.mode,
            kind=kind,
            order_id=order.id,
            subject_kind=subject_kind,
            subject_id=subject_id,
            opened_at=now - timedelta(hours=3),
            due_at=now + due,
            end="met" if met is not None else "",
            ended_at=now - met if met is not None else None,
        )


def unknown(scene: Scene, number: str, row: FulfillmentOrder, **more: Any) -> Attempt:
    """A submission whose answer was lost."""
    order = scene.orders[number]
    now = timezone.now()
    with scope.merchant(scene.merchant.id):
        attempt = Attempt.objects.create(
            **{
                "merchant_id": scene.merchant.id,
                "mode": order.mode,
                "kind": "submit",
                "connection_id": row.connection_id,
                "order_id": order.id,
                "subject_kind": "fulfillment_order",
                "subject_id": row.id,
                "reference": f"shop.seemoewe.example/{number}/1/1",
                "idempotency_key": f"key-{number}",
                "status": "unknown",
                "asked": 2,
                "called_at": now - timedelta(minutes=18),
                "unknown_since": now - timedelta(minutes=17),
                "next_ask_at": now + timedelta(minutes=9),
                "last_empty_at": now - timedelta(minutes=6),
                "message": "The connection broke after 3,110 bytes had gone out.",
                **more,
            }
        )
        CallRecord.objects.create(
            merchant_id=scene.merchant.id,
            connection_id=row.connection_id,
            at=now - timedelta(minutes=18),
            method="POST",
            url="https://api.prodigi.example/v4.0/Orders",
            outcome="OutcomeUnknown",
            duration_ms=25_000,
            cause=f"attempt:{attempt.id}",
        )
        with outbox.because(cause=f"attempt:{attempt.id}"):
            outbox.record(
                "attempt.became_unknown",
                merchant_id=scene.merchant.id,
                mode=order.mode,
                order_id=order.id,
                subject=("attempt", attempt.id),
                data={"effect": "submit"},
                reason="time-out after 25 s",
            )
    return attempt


def park(scene: Scene, reason: str, *, times: int) -> list[int]:
    """Messages that could not be applied."""
    with scope.merchant(scene.merchant.id):
        ids = []
        for _ in range(times):
            message = InboxMessage.objects.create(
                merchant_id=scene.merchant.id,
                connection_id=scene.connections["shop"].id,
                mode="live",
                source="webhook",
                topic="order.created",
                size=4810,
                body=b"sealed",
                fingerprint=b"\x02" * 32,
            )
            InboxWork.objects.create(
                merchant_id=scene.merchant.id, message_id=message.id, is_parked=True, reason=reason
            )
            ids.append(message.id)
    return ids


def bury(scene: Scene, number: str, task: str, error: str) -> DeadLetter:
    """Work that gave up."""
    with scope.merchant(scene.merchant.id):
        return DeadLetter.objects.create(
            merchant_id=scene.merchant.id,
            task=task,
            arguments={"order_id": scene.orders[number].id},
            order_id=scene.orders[number].id,
            error=error,
            fingerprint=hashlib.sha256(f"{task}{error}".encode()).hexdigest()[:16],
            tries=12,
            buried_at=timezone.now() - timedelta(minutes=50),
        )


def unmatched(
    scene: Scene,
    payment: str,
    amount: str,
    *,
    currency: str = "EUR",
    mode: str = "live",
    ago: timedelta = timedelta(hours=5),
    refunded: str = "",
    **more: Any,
) -> PaymentEntry:
    """Money that belongs to no known order; some of it may have gone back."""
    gateway = scene.connections["pay"]
    told = {
        "merchant_id": scene.merchant.id,
        "mode": mode,
        "account": gateway.account,
        "connection_id": gateway.id,
        "payment_external_id": payment,
        "currency": currency,
        "is_from_gateway": True,
        "happened_at": timezone.now() - ago,
    }
    with scope.merchant(scene.merchant.id):
        if refunded:
            PaymentEntry.objects.create(
                **told, kind="refunded", external_id=f"re_{payment}", amount=refunded
            )
        return PaymentEntry.objects.create(
            **told, **more, kind="captured", external_id=f"ch_{payment}", amount=amount
        )
