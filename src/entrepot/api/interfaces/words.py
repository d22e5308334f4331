"""The words of the documented interfaces for what the hub derives; translated here only."""

from django.db.models import Q

from entrepot.notifications.states import Kind
from entrepot.orders.models import Order

# Word -> the orders that it stands for; the first that fits is the order's word.
ORDERS: dict[str, Q] = {
    "cancelled": Q(status="cancelled"),
    "refunded": Q(payment_status="refunded"),
    "delivered": Q(fulfillment_status="delivered"),
    "shipped": Q(fulfillment_status="shipped"),
    "partially_shipped": Q(fulfillment_status="partially_shipped"),
    "on_hold": Q(open_holds__gt=0),
    "processing": Q(released_at__isnull=False),
    "paid": Q(payment_status__in=["paid", "partially_refunded", "not_required"]),
    "pending": Q(),
}
NOTIFICATIONS: dict[str, str] = {
    Kind.CONFIRMATION: "order_confirmed",
    Kind.SHIPPED: "order_shipped",
    Kind.PARTLY_SHIPPED: "order_partially_shipped",
    Kind.DELIVERED: "order_delivered",
    Kind.EXCEPTION: "delivery_exception",
    Kind.CANCELLED: "order_cancelled",
    Kind.REFUNDED: "order_refunded",
}


def status_of(order: Order) -> str:
    """One word for an order whose state has three axes; the same precedence as `orders_of`."""
    facts = {
        "cancelled": order.status == "cancelled",
        "refunded": order.payment_status == "refunded",
        "delivered": order.fulfillment_status == "delivered",
        "shipped": order.fulfillment_status == "shipped",
        "partially_shipped": order.fulfillment_status == "partially_shipped",
        "on_hold": order.open_holds > 0,
        "processing": order.released_at is not None,
        "paid": order.payment_status in {"paid", "partially_refunded", "not_required"},
    }
    return next((word for word, is_so in facts.items() if is_so), "pending")


def orders_of(word: str) -> Q:
    """The orders that have a word: those that it fits and no earlier one."""
    wanted = ORDERS[word]
    for earlier, condition in ORDERS.items():
        if earlier == word:
            break
        wanted &= ~condition
    return wanted
