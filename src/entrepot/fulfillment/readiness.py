"""Whether a share may be sent now: rule 9 of the trade, asked again just before it leaves."""

from decimal import Decimal

from entrepot.canon.money import Money
from entrepot.connections.effects import effects_allowed
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.fulfillment import content
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.orders.holds import NewHold, was_let_go
from entrepot.orders.models import Order
from entrepot.orders.review import COVERED, REFUNDED_IN_FULL
from entrepot.orders.states import HoldKind, OrderStatus, ReleasedBy


def is_workable(order: Order) -> bool:
    """Whether work on an order may go on: released, not history, not held, still open."""
    return _may_go_on(order) and bool(order.status == OrderStatus.OPEN)


def is_wanted(order: Order, share: FulfillmentOrder) -> bool:
    """Whether an order, as it stands, wants a share sent; money is asked about by `shortfall`.

    That is: released, not held, not disputed, not cancelled, not fulfilled by others, and planned
    from what the source says now. A replacement is wanted by a person, also of a closed order.
    """
    if not _may_go_on(order) or order.amount_disputed > 0 or order.mode != share.mode:
        return False
    if share.replaces_id is not None:
        return bool(order.status != OrderStatus.CANCELLED)
    if order.status != OrderStatus.OPEN:
        return False
    line_ids = {item.line_id for item in share.items.all()}
    lines = [line for line in order.lines.all() if line.id in line_ids]
    return has_units(order, share) and content.is_current(share.planned_content, order, lines=lines)


def has_units(order: Order, share: FulfillmentOrder) -> bool:
    """Whether all units of a share are still to be sent: not cancelled, nor sent by others."""
    wanted: dict[int, int] = {}
    for item in share.items.all():
        units = item.quantity // item.units_per_line
        wanted[item.line_id] = max(wanted.get(item.line_id, 0), units)
    lines = {line.id: line for line in order.lines.all() if line.id in wanted}
    return all(
        line.quantity - line.units_cancelled - line.units_elsewhere - line.units_shipped
        >= wanted[line_id]
        for line_id, line in lines.items()
    )


def shortfall(order: Order) -> NewHold | None:
    """A hold when what is paid, less what went back, no longer covers what is to be sent.

    A person who has let that very sum go is not asked again. Orders that were released unpaid are
    asked about only once something went back.
    """
    if order.released_by != ReleasedBy.PAID and order.amount_refunded == 0:
        return None
    covered = order.amount_captured - order.amount_refunded
    needed = _needed(order)
    if covered >= needed:
        return None
    kept, asked = (_read(Money(sum_, order.currency).rounded()) for sum_ in (covered, needed))
    reason = f"What is to be sent costs {asked}, and {kept} of what was paid is left"
    if covered <= 0 < order.amount_refunded:
        costs = f"what is to be sent costs {asked}, and nothing that was paid is left"
        reason = f"{REFUNDED_IN_FULL}: {costs}"
    hold = NewHold(
        merchant_id=order.merchant_id,
        order_id=order.id,
        kind=HoldKind.TOTALS,
        about=f"{COVERED}{covered.normalize():f}",
        reason=reason,
        data={"covered": str(covered), "needed": str(needed), "currency": order.currency},
    )
    return None if was_let_go(hold) else hold


def _read(money: Money) -> str:
    """An amount as operators read it: "18,400 JPY"."""
    return f"{money.amount:,f}\N{NO-BREAK SPACE}{money.currency}"


def may_reach_out(order: Order, share: FulfillmentOrder) -> bool:
    """Whether neither the provider's nor the storefront's connection is stopped."""
    return not stopped_by(order, share)


def stopped_by(order: Order, share: FulfillmentOrder) -> str:
    """Why a share may not be handed over now, whatever its order wants; "" when it may."""
    provider = connection_of(share.connection_id)
    if provider.mode != order.mode:
        return f"{provider.name} is a {provider.mode} connection, and the order is {order.mode}"
    storefront = connection_of(order.connection_id)
    at_provider = effects_allowed(provider, EffectFlow.SUBMISSIONS)
    return at_provider.reason or effects_allowed(storefront, EffectFlow.SUBMISSIONS).reason


def _may_go_on(order: Order) -> bool:
    return bool(order.released_at is not None and not order.is_history and order.open_holds == 0)


def _needed(order: Order) -> Decimal:
    """The price of what was and will be sent: of the goods, or their part of all that was due.

    The lower of the two: a delivery that is paid back, or a discount kept as a fee, is no reason
    to stop.
    """
    goods, kept = Decimal(0), Decimal(0)
    for line in order.lines.all():
        goods += line.total
        if line.quantity > 0:
            units = line.quantity - max(line.units_cancelled, line.units_refunded)
            kept += line.total * max(units, 0) / line.quantity
    part = order.amount_due * kept / goods if goods > 0 else Decimal(0)
    return min(kept, part)
