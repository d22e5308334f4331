"""Rows to read and write that need nothing but their merchant."""

from entrepot.access.models import Merchant
from entrepot.attempts.models import Attempt
from entrepot.notifications.models import Mail
from entrepot.orders.models import Order


def attempt_of(merchant: Merchant, number: int) -> Attempt:
    """An attempt that is not written yet; the number makes it another."""
    return Attempt(
        merchant_id=merchant.id,
        mode="test",
        kind="submit",
        subject_kind="fulfillment_order",
        subject_id=number,
        reference=f"Ø-{number}",
        idempotency_key=f"key-{number}",
        outcome={"a": [1, None]},
    )


def mail_of(order: Order, **values: object) -> Mail:
    """A mail that is not written yet, about the second shipment of an order."""
    return Mail(
        merchant_id=order.merchant_id,
        mode=order.mode,
        order_id=order.id,
        kind="shipped",
        fact="shipment:2",
        **values,
    )
