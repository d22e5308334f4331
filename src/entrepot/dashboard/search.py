"""One box for every identifier: it leads to the page of what it names."""

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode

from entrepot.canon.payments import refund_ids
from entrepot.customers.services import email_hash
from entrepot.dashboard.page import page
from entrepot.dashboard.reading import shell
from entrepot.dashboard.reading.numbers import number_in
from entrepot.dashboard.reading.unmatched import payment_named
from entrepot.dashboard.visit import PageRequest, Visit
from entrepot.database import sql
from entrepot.fulfillment.references import sale_reference
from entrepot.orders.models import Line
from entrepot.orders.search import kinds_for, terms_of

# Each look-up is by equality, on an index of its own.
_ORDERS = """
    SELECT DISTINCT o.id
    FROM search_term AS s
    JOIN orders_order AS o ON o.id = s.object_id
    WHERE s.kind = ANY (%(kinds)s) AND s.term = ANY (%(terms)s) AND o.mode = %(mode)s
    UNION
    SELECT o.id
    FROM orders_order AS o
    WHERE o.reference = upper(%(raw)s) AND o.mode = %(mode)s
    UNION
    SELECT p.order_id
    FROM fulfillment_parcel AS p
    WHERE p.tracking_number = %(raw)s AND p.mode = %(mode)s
    UNION
    SELECT e.order_id
    FROM payments_entry AS e
    WHERE e.payment_external_id = %(raw)s AND e.order_id IS NOT NULL AND e.mode = %(mode)s
    UNION
    SELECT e.order_id
    FROM payments_entry AS e
    WHERE e.kind IN ('refund_pending', 'refunded', 'refund_failed')
        AND e.external_id = ANY (%(refunds)s) AND e.order_id IS NOT NULL AND e.mode = %(mode)s
    UNION
    SELECT f.order_id
    FROM fulfillment_order AS f
    WHERE f.external_id = %(raw)s AND f.mode = %(mode)s
    UNION
    SELECT o.id
    FROM customers_customer AS c
    JOIN orders_order AS o ON o.customer_id = c.id
    WHERE c.identity = %(identity)s AND o.mode = %(mode)s
    LIMIT 3
"""
_OF_TERMS = """
    SELECT DISTINCT o.id, o.account, o.mode, o.external_id
    FROM search_term AS s
    JOIN orders_order AS o ON o.id = s.object_id
    WHERE s.kind = ANY (%(kinds)s) AND s.term = ANY (%(terms)s) AND o.mode = %(mode)s
    LIMIT 50
"""


@page(scope="orders:read")
def search(request: PageRequest) -> HttpResponse:
    """Lead to the one thing that an identifier names, else to the list of all that begin so."""
    visit = request.visit
    raw = request.GET.get("q", "").strip()
    if not raw:
        return HttpResponseRedirect(visit.url("orders"))
    known = _elsewhere(visit.mode.value, raw)
    if known:
        return HttpResponseRedirect(known)
    is_address = "@" in raw and visit.sees_people
    identity = f"email:{email_hash(raw)}" if is_address else ""
    found = sql.fetch(
        _ORDERS,
        {
            "terms": terms_of(raw),
            "kinds": kinds_for(sees_people=visit.sees_people),
            "raw": raw,
            "refunds": refund_ids(raw),
            "identity": identity,
            "mode": visit.mode.value,
        },
    )
    if not found:
        found = _of_our_reference(visit, raw)
    if len(found) == 1:
        return HttpResponseRedirect(visit.url("order", found[0][0]))
    if not found and Line.objects.filter(sku=raw, order__mode=visit.mode).exists():
        return HttpResponseRedirect(f"{visit.url('orders')}?{urlencode({'sku': raw})}")
    if not found and visit.may("payments:read"):
        payment = payment_named(raw, visit.mode.value)
        if payment is not None:
            chosen = urlencode({"kind": "unmatched", "payment": str(payment)})
            return HttpResponseRedirect(f"{visit.url('attention')}?{chosen}")
    return HttpResponseRedirect(f"{visit.url('orders')}?{urlencode({'find': raw})}")


def _elsewhere(mode: str, raw: str) -> str:
    """Identifiers that say themselves what they name: m-88102 is an inbound message."""
    kind, _, digits = raw.lower().partition("-")
    number = number_in(digits)
    if number is not None and kind in {"m", "fo"}:
        if kind == "m":
            return shell.address(mode, "message", number)
        order_id = sql.fetch_value(
            "SELECT order_id FROM fulfillment_order WHERE id = %s AND mode = %s",
            [number, mode],
        )
        return shell.address(mode, "order", order_id) if order_id else ""
    return ""


def _of_our_reference(visit: Visit, raw: str) -> list[tuple[int]]:
    """Orders by the name that providers show of a share: "test!shop.example/10482/1/1"."""
    _, _, rest = raw.partition("/")
    external_id = rest.partition("/")[0]
    if not external_id:
        return []
    asked = {
        "terms": terms_of(external_id),
        "kinds": kinds_for(sees_people=False),
        "mode": visit.mode.value,
    }
    return [
        (order_id,)
        for order_id, account, mode, its_id in sql.fetch(_OF_TERMS, asked)
        if f"{raw}/".startswith(
            f"{sale_reference(account=account, mode=mode, external_id=its_id)}/"
        )
    ]
