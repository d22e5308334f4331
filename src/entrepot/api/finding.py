"""Finds an order by whatever its caller calls it: reference, number, or the integer."""

import re

from django.db.models import Q, QuerySet

from entrepot.api.caller import Caller
from entrepot.api.errors import Problem, not_found
from entrepot.api.paging import LARGEST_ID
from entrepot.orders.models import Order, SearchTerm
from entrepot.orders.references import ALPHABET, LENGTH
from entrepot.orders.search import normalized

LONGEST_KEY = 200
_reference = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def found_order(caller: Caller, key: str) -> Order:
    """The order of that reference, number or integer; `id:17` and `number:17` say which is meant.

    A customer finds only their own. Runs in the open scope; one or two queries.

    Raises:
        Problem: 404, or 409 when one order has it as its integer and another as its number.
    """
    kind, _, rest = key.partition(":")
    if kind not in {"id", "number"}:
        kind, rest = "", key
    mine = orders_of(caller)
    found = list(mine.filter(_meant(caller, kind, rest[:LONGEST_KEY])).order_by("id")[:20])
    exact = [order for order in found if not kind and order.reference == rest]
    found = exact or found
    if not found:
        raise not_found(f"order {key[:LONGEST_KEY]!r}")
    if len(found) > 1:
        raise Problem(
            409,
            f"{key!r} names {len(found)} orders: use a reference, or say id:... or number:...",
            orders=[
                {"id": row.reference, "order_id": row.id, "number": row.number} for row in found
            ],
        )
    return found[0]


def orders_of(caller: Caller) -> QuerySet[Order]:
    """The orders that a caller may know of."""
    orders = Order.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    if caller.order_id is not None:
        return orders.filter(id=caller.order_id)
    if caller.customer_id is not None:
        return orders.filter(customer_id=caller.customer_id)
    return orders


def _meant(caller: Caller, kind: str, key: str) -> Q:
    meant = Q(pk__in=[])
    if not kind and _reference.fullmatch(key):
        meant |= Q(reference=key)
    if kind in {"", "id"} and key.isascii() and key.isdigit() and int(key) <= LARGEST_ID:
        meant |= Q(id=int(key))
    if kind in {"", "number"}:
        # By search_term_key: numbers have no index of their own.
        named = SearchTerm.objects.filter(
            merchant_id=caller.merchant_id, mode=caller.mode, kind="order", term=normalized(key)
        )
        meant |= Q(number=key, id__in=named.values("object_id")[:100])
    return meant
