"""Erases what is known of a customer: the person goes, what was sold, sent and paid stays.

What the platforms know is theirs to erase. News of an erased order brings nothing personal back
(`orders.snapshots`), and the raw bodies of such news go with retention's next round.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE
from entrepot.customers.models import Customer
from entrepot.customers.queries import addresses_of, email_of
from entrepot.customers.services import forget
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.orders.erased import ADDRESSES, take_person_out
from entrepot.orders.models import Order
from entrepot.orders.states import OrderStatus
from entrepot.payments.models import Refund
from entrepot.payments.states import RefundStatus

# Shorter words stand in everybody's texts.
SHORTEST_WORD = 4


class StillNeeded(Exception):
    """A customer cannot be erased yet: some of their orders are not done."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(
            f"cannot erase this customer yet: {', '.join(numbers)} not done. Let each end, or"
            " cancel it, then erase"
        )
        self.numbers = list(numbers)


class NobodyToErase(Exception):
    """An order has no customer, or everything personal about it is gone already."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: rows of each kind, and the numbers of the orders that lost their person."""

    customer_id: int
    numbers: Sequence[str]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of what is known; `statement` empties it, by orders and words that tell of them."""

    what: str
    statement: str


RULES = (
    _Rule(
        "raw messages",
        """
        UPDATE inbox_message SET body = NULL
        WHERE body IS NOT NULL AND id IN (
            SELECT message_id FROM inbox_outcome WHERE order_id = ANY (%(orders)s)
        )
        """,
    ),
    # A call of a poll tells of many orders: what it told goes where it tells of this person.
    _Rule(
        "what calls told",
        """
        UPDATE connections_call_record AS call SET sent = '', answered = ''
        WHERE (sent <> '' OR answered <> '')
            AND at >= (
                SELECT min(placed_at) - interval '1 day'  -- by the shop's clock
                FROM orders_order WHERE id = ANY (%(orders)s)
            )
            AND EXISTS (
                SELECT FROM unnest(%(words)s::text[]) AS word
                WHERE position(word IN call.sent) > 0 OR position(word IN call.answered) > 0
            )
        """,
    ),
    _Rule(
        "words of mail services",
        """
        UPDATE notifications_mail_event SET detail = ''
        WHERE mail_id IN (
            SELECT id FROM notifications_mail WHERE order_id = ANY (%(orders)s)
        )
        """,
    ),
    _Rule(
        "the mailbox of the sandbox",
        """
        DELETE FROM notifications_sandbox_mail WHERE message_id IN (
            SELECT message_id FROM notifications_mail WHERE order_id = ANY (%(orders)s)
        )
        """,
    ),
    _Rule(
        "mails",
        """
        UPDATE notifications_mail
        SET recipient_sealed = '', subject = '', html = '', text = ''
        WHERE order_id = ANY (%(orders)s)
        """,
    ),
    # A product's file is the merchant's own; one of a single order is its customer's.
    _Rule(
        "print files of their own",
        """
        DELETE FROM catalog_asset AS asset
        WHERE asset.url IN (
                SELECT used ->> 'url'
                FROM fulfillment_item AS item
                JOIN fulfillment_order AS share ON share.id = item.fulfillment_order_id
                CROSS JOIN jsonb_array_elements(item.assets) AS used
                WHERE share.order_id = ANY (%(orders)s)
            )
            AND NOT EXISTS (SELECT FROM catalog_mapping_asset WHERE asset_id = asset.id)
        """,
    ),
    _Rule(
        "addresses of such files",
        """
        UPDATE fulfillment_item AS item SET assets = '[]'
        FROM fulfillment_order AS share
        WHERE share.id = item.fulfillment_order_id
            AND share.order_id = ANY (%(orders)s)
            AND EXISTS (
                SELECT FROM jsonb_array_elements(item.assets) AS used
                WHERE NOT EXISTS (
                    SELECT FROM catalog_asset AS asset
                    JOIN catalog_mapping_asset AS mapped ON mapped.asset_id = asset.id
                    WHERE asset.url = used ->> 'url'
                )
            )
        """,
    ),
    _Rule(
        "checkouts",
        """
        UPDATE payments_checkout SET email_sealed = '', cart = '{}'
        WHERE order_id = ANY (%(orders)s)
        """,
    ),
    _Rule(
        "cards",
        """
        UPDATE payments_entry SET card_last4 = ''
        WHERE order_id = ANY (%(orders)s) AND card_last4 <> ''
        """,
    ),
    _Rule("notes", "DELETE FROM orders_note WHERE order_id = ANY (%(orders)s)"),
    _Rule(
        "what holds said",
        "UPDATE orders_hold SET reason = '', data = '{}' WHERE order_id = ANY (%(orders)s)",
    ),
    _Rule(
        "what lines said",
        "UPDATE orders_line SET properties = '[]' WHERE order_id = ANY (%(orders)s)",
    ),
    _Rule(
        "names to search by",
        "DELETE FROM search_term WHERE kind = 'name' AND object_id = ANY (%(orders)s)",
    ),
    # Scans are told apart by their words, which may name who signed: one of each moment is left.
    _Rule(
        "scans of the same moment",
        """
        DELETE FROM fulfillment_tracking_entry AS entry
        USING fulfillment_tracking_entry AS other
        WHERE entry.parcel_id IN (
                SELECT id FROM fulfillment_parcel WHERE order_id = ANY (%(orders)s)
            )
            AND (other.parcel_id, other.happened_at, other.status)
                = (entry.parcel_id, entry.happened_at, entry.status)
            AND other.id < entry.id
        """,
    ),
    _Rule(
        "words of scans",
        """
        UPDATE fulfillment_tracking_entry SET city = '', region = '', message = ''
        WHERE parcel_id IN (
            SELECT id FROM fulfillment_parcel WHERE order_id = ANY (%(orders)s)
        )
        """,
    ),
    _Rule(
        "details of dead letters",
        """
        UPDATE deadletters_dead_letter SET detail = '', error = ''
        WHERE order_id = ANY (%(orders)s)
        """,
    ),
)
# Where a share was sent: nowhere else than its order goes by now, or it would be asked to move.
_SHARES = """
    UPDATE fulfillment_order AS share
    SET sent_address_id = o.address_id, refused_address_id = NULL, quoted_place = ''
    FROM orders_order AS o
    WHERE o.id = share.order_id AND o.id = ANY (%(orders)s) AND share.sent_address_id IS NOT NULL
"""
# An address that another order goes to is that one's as well.
_ADDRESSES = """
    DELETE FROM customers_postal_address AS address
    WHERE address.id = ANY (%(addresses)s)
        AND NOT EXISTS (
            SELECT FROM orders_order AS o
            WHERE address.id IN (o.address_id, o.typed_address_id, o.billing_address_id)
        )
"""


def people_of(order: Order) -> list[Order]:
    """All orders of an order's customer, the oldest first; runs in the open scope.

    Raises:
        NobodyToErase: nobody is known, or they are erased already.
    """
    if order.customer_id is None or order.erased_at is not None:
        raise NobodyToErase(f"nothing personal is known of {order.number}")
    return list(Order.objects.filter(customer_id=order.customer_id).order_by("id"))


def not_done(orders: Sequence[Order]) -> list[str]:
    """The numbers of orders whose customer is still needed: to send, to tell, or to pay back."""
    ids = [order.id for order in orders]
    busy = {
        *Attempt.objects.filter(order_id__in=ids, status__in=LIVE).values_list(
            "order_id", flat=True
        ),
        *Refund.objects.filter(Q(order_id__in=ids), status=RefundStatus.WANTED).values_list(
            "order_id", flat=True
        ),
    }
    return [
        order.number
        for order in orders
        if order.id in busy or (order.status == OrderStatus.OPEN and not order.is_history)
    ]


def erase_customer_of(order_id: int, *, merchant_id: int, by: str, reason: str) -> Erased:
    """Erase the customer of an order, with all of their orders, in one transaction.

    Sums, statuses, hashes and the journal stay. It cannot be taken back.

    Raises:
        NobodyToErase: nobody is known, or they are erased already.
        StillNeeded: one of their orders is not done.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        asked = Order.objects.get(id=order_id)
        ids = [order.id for order in people_of(asked)]
        orders = list(Order.objects.select_for_update().filter(id__in=ids).order_by("id"))
        customer = Customer.objects.select_for_update().get(id=asked.customer_id or 0)
        if numbers := not_done(orders):
            raise StillNeeded(numbers)
        known = {"orders": ids, "words": _words_of(customer, orders)}
        counts = {rule.what: sql.run(rule.statement, known) for rule in RULES}
        addresses = take_person_out(orders)
        sql.run(_SHARES, {"orders": ids})
        counts["addresses"] = sql.run(_ADDRESSES, {"addresses": sorted(addresses)})
        forget(customer)
        counts = {what: count for what, count in counts.items() if count}
        for order in orders:
            outbox.record(
                "customer.erased",
                merchant_id=merchant_id,
                mode=order.mode,
                order_id=order.id,
                subject=("customer", customer.id),
                data={"counts": counts, "orders": len(orders)},
                reason=reason,
            )
    return Erased(customer.id, [order.number for order in orders], counts)


def _words_of(customer: Customer, orders: Sequence[Order]) -> list[str]:
    """What names them in other people's texts, as written and as JSON may write it."""
    addresses = addresses_of(getattr(order, name) for order in orders for name in ADDRESSES)
    lines = [customer.name, customer.phone, customer.company, email_of(customer.id)]
    for address in addresses.values():
        lines += [address.name, address.company, address.line1, address.line2, address.phone]
    words = {word for line in lines for word in (line, *line.split())}
    telling = {word for word in words if len(word) >= SHORTEST_WORD}
    return sorted(telling | {json.dumps(word)[1:-1] for word in telling})
