"""Reads orders into shapes: a page in a fixed number of queries, one order in a few more."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from entrepot.api.caller import Caller
from entrepot.api.rest import order_parts
from entrepot.api.rest.order_shapes import (
    AmountsShape,
    CustomerShape,
    EventShape,
    OrderRow,
    OrderShape,
    UnitsShape,
)
from entrepot.api.rest.shapes import AddressShape, MoneyShape
from entrepot.customers.models import Customer, PostalAddress
from entrepot.customers.queries import address_of, email_of
from entrepot.events.models import Event
from entrepot.notifications.links import tracking_page, tracking_token
from entrepot.orders.models import Order, Tag


def rows_of(orders: Sequence[Order], caller: Caller) -> list[OrderRow]:
    """Orders of a list, in their order; three further queries whatever their number."""
    tags = _tags_of([order.id for order in orders])
    places = {
        row.id: row
        for row in PostalAddress.objects.filter(
            id__in={order.address_id for order in orders if order.address_id}
        )
    }
    names: Mapping[int, str] = {}
    if caller.sees_people:
        names = dict(
            Customer.objects.filter(
                id__in={order.customer_id for order in orders if order.customer_id}
            ).values_list("id", "name")
        )
    return [
        _row(
            order,
            tags=tags.get(order.id, []),
            place=places.get(order.address_id or 0),
            name=names.get(order.customer_id or 0, "") if caller.sees_people else None,
        )
        for order in orders
    ]


def order_of(order: Order, caller: Caller) -> OrderShape:
    """One order with all that belongs to it."""
    (row,) = rows_of([order], caller)
    currency = order.currency

    def money(name: str) -> MoneyShape:
        return MoneyShape.of(getattr(order, name), currency)

    return OrderShape.model_construct(
        **dict(row),
        source_state=order.source_state,
        source_version=order.source_version,
        first_seen_at=order.first_seen_at,
        released_by=order.released_by,
        total_lines=money("total_lines"),
        total_discount=money("total_discount"),
        total_shipping=money("total_shipping"),
        total_fees=money("total_fees"),
        total_tax=money("total_tax"),
        computed_total=money("computed_total"),
        presentment_total=MoneyShape.maybe(order.presentment_total, order.presentment_currency),
        prices_include_tax=order.prices_include_tax,
        payment_method=order.payment_method,
        payment_title=order.payment_title,
        shipping_method=order.shipping_method,
        shipping_title=order.shipping_title,
        checkout_reference=order.checkout_reference,
        customer_note=order.customer_note if caller.sees_people else None,
        customer=_customer(order) if caller.sees_people else None,
        lines=order_parts.lines_of(order),
        taxes=order_parts.taxes_of(order),
        holds=order_parts.holds_of(order),
        payments=order_parts.payments_of(order),
        refunds=order_parts.refunds_of(order),
        payment_wishes=order_parts.payment_wishes_of(order),
        fulfillment_orders=order_parts.fulfillment_orders_of(order),
        notes=order_parts.notes_of(order),
        tracking_page=_tracking_page(order, caller),
    )


def events_of(order_id: int, *, before: int | None, limit: int) -> list[Event]:
    """The timeline of an order, the newest first."""
    rows = Event.objects.filter(order_id=order_id)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.order_by("-id")[:limit])


def event_shape(event: Event) -> EventShape:
    """An event as it stands in the journal."""
    return EventShape.model_construct(
        **{name: getattr(event, name) for name in EventShape.model_fields}
    )


def _row(
    order: Order, *, tags: list[str], place: PostalAddress | None, name: str | None
) -> OrderRow:
    shown = name
    if name is not None and place is not None:
        shown = place.name or name
    return OrderRow.model_construct(
        id=order.reference,
        order_id=order.id,
        number=order.number,
        external_id=order.external_id,
        mode=order.mode,
        connection_id=order.connection_id,
        channel=order.channel,
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        status=order.status,
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        is_held=order.is_held,
        is_disputed=order.is_disputed,
        is_history=order.is_history,
        source_status=order.source_status,
        released_at=order.released_at,
        total=MoneyShape.of(order.total, order.currency),
        amounts=_amounts(order),
        units=UnitsShape.model_construct(
            ordered=order.units_ordered,
            cancelled=order.units_cancelled,
            shipped=order.units_shipped,
            delivered=order.units_delivered,
            returned=order.units_returned,
            elsewhere=order.units_elsewhere,
            nothing_to_ship=order.units_nothing,
        ),
        country=place.country if place is not None else "",
        customer_name=shown,
        tags=tags,
    )


def _amounts(order: Order) -> AmountsShape:
    def money(name: str) -> MoneyShape:
        return MoneyShape.of(getattr(order, name), order.currency)

    return AmountsShape.model_construct(
        due=money("amount_due"),
        authorized=money("amount_authorized"),
        captured=money("amount_captured"),
        refunded=money("amount_refunded"),
        disputed=money("amount_disputed"),
    )


def _customer(order: Order) -> CustomerShape:
    customer = Customer.objects.filter(id=order.customer_id or 0).first()
    return CustomerShape.model_construct(
        id=customer.id if customer else None,
        name=customer.name if customer else "",
        email=email_of(order.customer_id),
        phone=customer.phone if customer else "",
        language=customer.language if customer else "",
        address=AddressShape.of(address_of(order.address_id)),
        typed_address=AddressShape.of(address_of(order.typed_address_id)),
        billing_address=AddressShape.of(address_of(order.billing_address_id)),
    )


def _tracking_page(order: Order, caller: Caller) -> str:
    """The customer's page; whoever has its address sees where the parcels are."""
    if not caller.sees_people:
        return ""
    return tracking_page(tracking_token(order.merchant_id, order.id))


def _tags_of(order_ids: Iterable[int]) -> dict[int, list[str]]:
    tags: dict[int, list[str]] = defaultdict(list)
    rows = Tag.objects.filter(order_id__in=list(order_ids)).order_by("word")
    for order_id, word in rows.values_list("order_id", "word"):
        tags[order_id].append(word)
    return tags
