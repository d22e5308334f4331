"""What people do with an order: hold, release, cancel, readdress, note, tag."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import prefetch_related_objects
from django.db.models.functions import Now

from entrepot.access import scope
from entrepot.canon.places import Address
from entrepot.customers.services import keep_addresses
from entrepot.database import reading
from entrepot.events import outbox
from entrepot.orders import counters, holds
from entrepot.orders.models import Line, Note, Order, Tag
from entrepot.orders.states import HoldKind, ReleasedBy


class CannotChange(Exception):
    """An order does not allow what was asked; the message says why and what to do."""


def lock_order(order_id: int) -> Order:
    """Lock an order for a decision; always before its fulfillment orders."""
    order: Order | None = scope.taken_ahead("order", order_id)
    return order or reading.one_locked(Order, order_id)


def lock_orders(order_ids: Iterable[int], *, with_lines: bool = True) -> list[Order]:
    """Lock orders for a decision about each, in key order, and read them ahead.

    With their lines, unless nobody will ask for these: to read them takes as long as to lock.
    """
    orders = reading.locked(Order, order_ids)
    if with_lines:
        prefetch_related_objects(orders, "lines")
    scope.keep_ahead("order", {order.id: order for order in orders})
    return orders


def hold_order(merchant_id: int, order_id: int, *, by: str, reason: str) -> Order:
    """Stop an order on a person's word; the reason is shown until somebody lifts it."""
    with scope.merchant(merchant_id):
        order = lock_order(order_id)
        holds.open_holds(
            [
                holds.NewHold(
                    merchant_id=merchant_id,
                    order_id=order_id,
                    kind=HoldKind.PERSON,
                    about=by,
                    reason=reason,
                    opened_by=by,
                )
            ]
        )
        order.refresh_from_db()
    return order


def lift_hold(merchant_id: int, hold_id: int, *, by: str, reason: str) -> list[int]:
    """Lift one hold. Returns the order it held, or nothing when it was lifted before."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        return holds.lift_holds(by=by, reason=reason, hold_ids=[hold_id])


def lift_similar_holds(
    merchant_id: int, *, kind: str, about: str | None = None, mode: str = "", by: str, reason: str
) -> list[int]:
    """Lift every open hold of a kind (about, mode): fix one, fix all. Returns the orders."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        return holds.lift_holds(by=by, reason=reason, kind=kind, about=about, mode=mode)


def release_order(merchant_id: int, order_id: int, *, by: str, reason: str) -> Order:
    """Let work start on a person's word, paid or not. Repeating it changes nothing.

    Raises:
        CannotChange: the order is cancelled or closed.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        if order.released_at is not None:
            return order
        if order.status != "open":
            raise CannotChange(f"cannot release {order}: it is {order.status}")
        Order.objects.filter(id=order_id).update(
            released_at=Now(), released_by=ReleasedBy.PERSON, is_history=False
        )
        outbox.record(
            "order.released",
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            data={"by": ReleasedBy.PERSON},
            reason=reason,
        )
        order.refresh_from_db()
    return order


def cancel_units(
    merchant_id: int,
    order_id: int,
    *,
    by: str,
    reason: str,
    units: Mapping[int, int] | None = None,
    tells_customer: bool = False,
) -> Order:
    """Cancel units that have not left: line id -> units, or everything when not told.

    Only says what is wanted: unsent work is withdrawn and sent work is asked to stop by
    fulfillment, which learns of it by event. Refund, restock and telling the customer are choices
    of their own.

    Raises:
        CannotChange: more units than the line still has to send.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        lines = {line.id: line for line in Line.objects.filter(order_id=order_id)}
        wanted = units if units is not None else {line.id: line.quantity for line in lines.values()}
        for line_id, count in wanted.items():
            line = lines[line_id]
            left = line.quantity - line.units_shipped
            if units is not None and count > left:
                raise CannotChange(
                    f"cannot cancel {count} units of {line.sku}: {left} have not left yet"
                )
            Line.objects.filter(id=line_id).update(units_withdrawn=min(count, left))
        counters.recount_units([order_id])
        order.refresh_from_db()
        outbox.record(
            "order.cancelled" if order.status == "cancelled" else "order.lines_cancelled",
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            data={
                "by": by,
                "units": {str(line_id): count for line_id, count in wanted.items()},
                "tells_customer": tells_customer,
            },
            reason=reason,
        )
    return order


def change_address(
    merchant_id: int, order_id: int, *, address: Address, by: str, reason: str
) -> Order:
    """Send the order elsewhere; what the customer typed is kept beside.

    Free until submission; after it, fulfillment asks the provider and records the answer.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        (address_id,) = keep_addresses([(merchant_id, address)])
        if address_id is None:
            raise CannotChange(f"cannot change the address of {order}: the new one is empty")
        if address_id == order.address_id:
            return order
        Order.objects.filter(id=order_id).update(address_id=address_id)
        outbox.record(
            "order.address_changed",
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            data={"from": order.address_id, "to": address_id},
            reason=reason,
        )
        holds.lift_holds(
            by=by,
            reason="the address was changed",
            order_ids=[order_id],
            kind=HoldKind.ADDRESS_REFUSED,
        )
        order.refresh_from_db()
    return order


def add_note(merchant_id: int, order_id: int, *, by: str, text: str) -> Note:
    """Keep what a person wrote for colleagues."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = Order.objects.get(id=order_id)
        note = Note.objects.create(
            merchant_id=merchant_id, order_id=order_id, author=by, text=text.strip()
        )
        outbox.record(
            "order.note_added",
            merchant_id=merchant_id,
            mode=order.mode,
            order_id=order_id,
            subject=("note", note.id),
            data={"note_id": note.id},
        )
    return note


def change_tags(
    merchant_id: int,
    order_id: int,
    *,
    by: str,
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
) -> list[str]:
    """Add and remove free words; returns those the order has now, sorted."""
    with scope.merchant(merchant_id), outbox.because(actor=by):
        order = lock_order(order_id)
        before = set(Tag.objects.filter(order_id=order_id).values_list("word", flat=True))
        after = (before | {word.strip() for word in added if word.strip()}) - set(removed)
        Tag.objects.filter(order_id=order_id, word__in=before - after).delete()
        Tag.objects.bulk_create(
            Tag(merchant_id=merchant_id, order_id=order_id, word=word)
            for word in sorted(after - before)
        )
        if after != before:
            outbox.record(
                "order.tagged",
                merchant_id=merchant_id,
                mode=order.mode,
                order_id=order_id,
                data={"added": sorted(after - before), "removed": sorted(before - after)},
            )
    return sorted(after)
