"""Takes the person out of orders: what is left says what was sold, and to which country."""

from collections.abc import Sequence

from entrepot.customers.queries import addresses_of
from entrepot.customers.services import keep_countries
from entrepot.database import clock
from entrepot.orders.models import Order

ADDRESSES = ("address_id", "typed_address_id", "billing_address_id")


def take_person_out(orders: Sequence[Order]) -> set[int]:
    """Leave of the addresses of a merchant's locked orders their countries, for taxes and sums.

    Returns the addresses that they had. Later news of them brings nothing personal back.
    """
    known = addresses_of(getattr(order, name) for order in orders for name in ADDRESSES)
    had = [(order, name, getattr(order, name)) for order in orders for name in ADDRESSES]
    countries = [known[address_id].country for _, _, address_id in had]
    left = keep_countries(orders[0].merchant_id, countries) if orders else []
    for (order, name, _), address_id in zip(had, left, strict=True):
        setattr(order, name, address_id)
    now = clock.now()
    for order in orders:
        order.customer_note, order.erased_at = "", now
    Order.objects.bulk_update(orders, [*ADDRESSES, "customer_note", "erased_at"])
    return {address_id for address_id in known if address_id is not None}
