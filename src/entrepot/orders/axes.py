"""The status axes of an order, as the database derives them from the counters.

`tests/properties/axes.py` says the same in plain Python and is held against it.
"""

from django.db import models
from django.db.models import Case, F, Q, Value, When

from entrepot.orders.states import FulfillmentStatus, OrderStatus, PaymentStatus


def axis(expression: Case) -> models.GeneratedField:
    """A stored generated column: nobody can assign to it."""
    return models.GeneratedField(
        expression=expression, output_field=models.TextField(), db_persist=True
    )


def _when(condition: Q, status: str) -> When:
    return When(condition, then=Value(status))


_is_settled = Q(amount_captured__gte=F("amount_due")) | Q(is_on_terms=True)
_is_cancelled = Q(source_cancelled_at__isnull=False) | (
    Q(units_ordered__gt=0) & Q(units_cancelled__gte=F("units_ordered"))
)

ORDER_AXIS = Case(
    _when(_is_cancelled, OrderStatus.CANCELLED),
    _when(
        Q(units_ordered__gt=0)
        & Q(units_cancelled__lt=F("units_ordered"))
        & Q(
            units_ordered__lte=F("units_cancelled")
            + F("units_nothing")
            + F("units_delivered")
            + F("units_elsewhere")
        )
        & _is_settled,
        OrderStatus.CLOSED,
    ),
    default=Value(OrderStatus.OPEN.value),
)
PAYMENT_AXIS = Case(
    _when(
        Q(amount_refunded__gt=0) & Q(amount_refunded__gte=F("amount_captured")),
        PaymentStatus.REFUNDED,
    ),
    _when(Q(amount_refunded__gt=0), PaymentStatus.PARTIALLY_REFUNDED),
    _when(Q(amount_due__lte=0) & Q(amount_captured=0), PaymentStatus.NOT_REQUIRED),
    _when(Q(amount_captured__gte=F("amount_due")), PaymentStatus.PAID),
    _when(Q(amount_captured__gt=0), PaymentStatus.PARTIALLY_PAID),
    _when(
        Q(amount_authorized__gt=0) & Q(amount_authorized__gte=F("amount_due")),
        PaymentStatus.AUTHORIZED,
    ),
    _when(Q(amount_pending__gt=0), PaymentStatus.PENDING),
    default=Value(PaymentStatus.UNPAID.value),
)
FULFILLMENT_AXIS = Case(
    _when(
        Q(units_ordered__lte=F("units_cancelled") + F("units_nothing")),
        FulfillmentStatus.NOT_REQUIRED,
    ),
    _when(
        Q(units_delivered__gt=0)
        & Q(
            units_ordered__lte=F("units_cancelled")
            + F("units_nothing")
            + F("units_delivered")
            + F("units_elsewhere")
        ),
        FulfillmentStatus.DELIVERED,
    ),
    _when(
        Q(
            units_ordered__lte=F("units_cancelled")
            + F("units_nothing")
            + F("units_shipped")
            + F("units_elsewhere")
        ),
        FulfillmentStatus.SHIPPED,
    ),
    _when(
        Q(units_shipped__gt=0) | Q(units_elsewhere__gt=0),
        FulfillmentStatus.PARTIALLY_SHIPPED,
    ),
    default=Value(FulfillmentStatus.UNFULFILLED.value),
)
