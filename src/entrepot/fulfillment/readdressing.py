"""Which shares a provider sends to another place than they should go to by now."""

from collections.abc import Iterable

from entrepot.access import scope
from entrepot.fulfillment.changes import RECIPIENT, is_due, settle, was_meant
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders.services import lock_orders


def shares_elsewhere(merchant_id: int, order_ids: Iterable[int]) -> list[int]:
    """The shares of orders that a provider sends to another place than it should.

    With them those that have left while somebody was about to ask: of these a person is told.
    """
    with scope.merchant(merchant_id):
        orders = {order.id: order for order in lock_orders(order_ids)}
        rows = FulfillmentOrder.objects.filter(order_id__in=list(orders))
        shares = list(rows.order_by("order_id", "share").prefetch_related("items"))
        for share in shares:
            order = orders[share.order_id]
            if order.open_holds and share.sent_address_id == order.address_id:
                settle(RECIPIENT, share, reason="it goes to the address that the provider has")
        return [
            share.id
            for share in shares
            if is_due(RECIPIENT, share, order=orders[share.order_id])
            or (
                share.status == Status.CLOSED
                and was_meant(RECIPIENT, share, order=orders[share.order_id])
            )
        ]
