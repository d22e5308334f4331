"""Makes fulfillment orders out of plans, and takes back those that are no longer wanted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Max

from entrepot.access import scope
from entrepot.canon.places import Address
from entrepot.connections.models import Connection
from entrepot.customers.queries import addresses_of
from entrepot.database import clock, saving, sql
from entrepot.events import outbox
from entrepot.fulfillment.accounts import Accounts
from entrepot.fulfillment.answered import lift_answered
from entrepot.fulfillment.content import content_of
from entrepot.fulfillment.counting import planned_of, recount_planned
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.promises import owe_shipping
from entrepot.fulfillment.readiness import is_workable
from entrepot.fulfillment.states import Status, Step
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import counters
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Line, Order
from entrepot.orders.services import lock_orders
from entrepot.orders.states import HoldKind
from entrepot.routing.plan import Plan, Share
from entrepot.routing.services import Decided, decide

SUBMIT_WITHIN = timedelta(minutes=15)
_SETTLE = """
    UPDATE orders_line AS line SET
        units_nothing = line.units_nothing + batch.nothing,
        units_elsewhere = line.units_elsewhere + batch.elsewhere
    FROM {batch}
    WHERE line.id = batch.line_id
"""


def plan_order(merchant_id: int, order_id: int) -> list[FulfillmentOrder]:
    """Plan one order; see `plan_orders`."""
    return plan_orders(merchant_id, {order_id: outbox.current_cause()[1]})


def plan_orders(merchant_id: int, causes: Mapping[int, str]) -> list[FulfillmentOrder]:
    """Give every unit of released orders that has no share one, or hold the order.

    `causes` says by order what the planning follows from. Repeating it makes nothing twice: only
    units without a share are planned. With any stop an order gets no share, so that no partial one
    leaves by accident.
    """
    with scope.merchant(merchant_id):
        orders = lock_orders(causes)
        lines = _lines_of(orders)
        for order in orders:
            if order.open_holds and lift_answered(order, lines[order.id]):
                order.refresh_from_db()
        sales = [
            (order, lines[order.id])
            for order in orders
            if is_workable(order) and any(line.units_open > 0 for line in lines[order.id])
        ]
        if not sales:
            return []
        planned = planned_of([order.id for order, _ in sales])
        accounts = Accounts(merchant_id)
        addresses = addresses_of(order.address_id for order, _ in sales)
        ready: list[_Ready] = []
        stopped: list[NewHold] = []
        plans = decide(merchant_id, sales, planned=planned)
        _settle_units(plans)
        for decided in plans:
            chosen, stops = _choose(decided, accounts, addresses[decided.order.address_id])
            stopped += [replace(stop, cause=causes[decided.order.id]) for stop in stops]
            if not stops:
                ready += [_Ready(decided, *one) for one in chosen]
        open_holds(stopped)
        return _make_shares(ready, accounts, causes)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A share that can be made: where it goes, and by which service."""

    decided: Decided
    share: Share
    provider: Connection
    method: str


def _lines_of(orders: Sequence[Order]) -> dict[int, list[Line]]:
    """The lines of locked orders, which were read with them."""
    return {
        order.id: sorted(order.lines.all(), key=lambda line: (line.position, line.id))
        for order in orders
    }


def _choose(
    decided: Decided, accounts: Accounts, address: Address
) -> tuple[list[tuple[Share, Connection, str]], list[NewHold]]:
    """The provider and service of each share of a plan, and what stops the order."""
    order, plan = decided.order, decided.plan
    stops = [*_stops_of(order, plan), *_address_stops(order, plan, address)]
    chosen: list[tuple[Share, Connection, str]] = []
    for share in plan.shares:
        provider = accounts.provider_of(order, share)
        if provider is None:
            stops.append(_no_provider(order, share))
            continue
        method = accounts.shipping_method(order, share, provider=provider)
        if method is None:
            stops.append(_no_method(order, provider))
            continue
        chosen.append((share, provider, method))
    return chosen, stops


def _settle_units(plans: Iterable[Decided]) -> None:
    """Count what nobody has to send, or others send."""
    settled = [(one.order, one.plan) for one in plans if one.plan.nothing or one.plan.elsewhere]
    if not settled:
        return
    batch = sql.recordset(
        [
            {
                "line_id": line_id,
                "nothing": plan.nothing.get(line_id, 0),
                "elsewhere": plan.elsewhere.get(line_id, 0),
            }
            for _, plan in settled
            for line_id in sorted({*plan.nothing, *plan.elsewhere})
        ],
        {"line_id": "bigint", "nothing": "int", "elsewhere": "int"},
    )
    sql.run(_SETTLE.format(batch=batch.sql), [batch.parameter])
    counters.recount_units(sorted({order.id for order, _ in settled}))


def _make_shares(
    ready: Sequence[_Ready], accounts: Accounts, causes: Mapping[int, str]
) -> list[FulfillmentOrder]:
    if not ready:
        return []
    now = clock.now()
    made = FulfillmentOrder.objects.bulk_create(_share_rows(ready, accounts, now))
    FulfillmentItem.objects.bulk_create(
        FulfillmentItem(
            merchant_id=fulfillment_order.merchant_id,
            fulfillment_order=fulfillment_order,
            line_id=item.line_id,
            position=position,
            sku=item.sku,
            units_per_line=item.units_per_line,
            quantity=item.quantity,
            provider_sku=item.mapped.provider_sku,
            attributes=dict(item.mapped.attributes),
            sizing=item.mapped.sizing,
            bin=item.mapped.bin,
            assets=[
                {
                    "print_area": asset.print_area,
                    "url": asset.url,
                    "md5": asset.md5,
                    "asset_id": asset.asset_id,
                }
                for asset in item.mapped.assets
            ],
        )
        for fulfillment_order, one in zip(made, ready, strict=True)
        for position, item in enumerate(one.share.items, start=1)
    )
    recount_planned(sorted({fulfillment_order.order_id for fulfillment_order in made}))
    with saving.together(), obligations.gathered():
        _announce(made, ready, causes, now)
    return list(made)


def _announce(
    made: Sequence[FulfillmentOrder],
    ready: Sequence[_Ready],
    causes: Mapping[int, str],
    now: datetime,
) -> None:
    """Tell of new shares, have people's own begin at once, and owe that all go on."""
    for fulfillment_order, one in zip(made, ready, strict=True):
        with outbox.because(cause=causes[fulfillment_order.order_id]):
            outbox.record(
                "fulfillment_order.planned",
                merchant_id=fulfillment_order.merchant_id,
                mode=fulfillment_order.mode,
                order_id=fulfillment_order.order_id,
                subject=("fulfillment_order", fulfillment_order.id),
                data={"provider": one.provider.id, "share": fulfillment_order.share},
                reason=one.share.reason,
            )
            if fulfillment_order.is_by_hand:
                fulfillment_order.accepted_at = now
                fulfillment_order.take(Step.TAKE_BY_HAND, reason="the merchant ships it")
                owe_shipping(fulfillment_order, since=now)
    obligations.open_many(
        obligations.NewObligation(
            merchant_id=fulfillment_order.merchant_id,
            mode=fulfillment_order.mode,
            kind=Owed.SUBMIT,
            subject_kind="fulfillment_order",
            subject_id=fulfillment_order.id,
            order_id=fulfillment_order.order_id,
            due_at=fulfillment_order.submit_after + SUBMIT_WITHIN,
            cause=causes[fulfillment_order.order_id],
        )
        for fulfillment_order in made
        if not fulfillment_order.is_by_hand
    )


def _share_rows(
    ready: Sequence[_Ready], accounts: Accounts, now: datetime
) -> Iterator[FulfillmentOrder]:
    last = dict(
        FulfillmentOrder.objects.filter(order_id__in={one.decided.order.id for one in ready})
        .values("order_id")
        .annotate(last=Max("share"))
        .values_list("order_id", "last")
    )
    chosen = _chosen_before(list(last)) if last else {}
    for one in ready:
        order = one.decided.order
        last[order.id] = number = last.get(order.id, 0) + 1
        chosen_method = "" if one.share.is_by_hand else chosen.get((order.id, one.provider.id), "")
        line_ids = {item.line_id for item in one.share.items}
        cooling_off = accounts.policy_of(order).cooling_off_seconds
        yield FulfillmentOrder(
            merchant_id=order.merchant_id,
            mode=order.mode,
            order_id=order.id,
            connection_id=one.provider.id,
            share=number,
            is_by_hand=one.share.is_by_hand,
            shipping_method=chosen_method or one.method,
            chosen_method=chosen_method,
            planned_version=order.source_version,
            planned_content=content_of(
                order, [line for line in one.decided.lines if line.id in line_ids]
            ),
            decision_id=one.decided.decision.id,
            submit_after=now + timedelta(seconds=cooling_off),
        )


def _chosen_before(order_ids: Sequence[int]) -> dict[tuple[int, int], str]:
    """By which method people chose to have withdrawn shares go: by order and provider."""
    withdrawn = FulfillmentOrder.objects.filter(order_id__in=order_ids, status=Status.CANCELLED)
    rows = withdrawn.exclude(chosen_method="").order_by("share")
    return {
        (order_id, connection_id): method
        for order_id, connection_id, method in rows.values_list(
            "order_id", "connection_id", "chosen_method"
        )
    }


def _stops_of(order: Order, plan: Plan) -> list[NewHold]:
    return [
        NewHold(
            merchant_id=order.merchant_id,
            order_id=order.id,
            kind=stop.kind,
            about=stop.about,
            reason=stop.reason,
            data={
                "line_id": stop.line_id,
                "sku": stop.about,
                "line_sku": stop.line_sku,
                "asset_id": stop.asset_id,
            },
        )
        for stop in plan.stops
    ]


def _address_stops(order: Order, plan: Plan, address: Address) -> list[NewHold]:
    """Only what no provider could deliver to blocks: a parcel without a name, street or country."""
    if not plan.shares:
        return []
    missing = [
        word
        for word, value in (
            ("a name", address.name or address.company),
            ("a street", address.line1),
            ("a country", address.country),
        )
        if not value
    ]
    if not missing:
        return []
    return [
        NewHold(
            merchant_id=order.merchant_id,
            order_id=order.id,
            kind=HoldKind.ADDRESS_REFUSED,
            reason=f"The address lacks {' and '.join(missing)}",
            data={"address_id": order.address_id},
        )
    ]


def _no_provider(order: Order, share: Share) -> NewHold:
    what = "ships by hand" if share.is_by_hand else "can take it"
    skus = sorted({item.sku for item in share.items})
    return NewHold(
        merchant_id=order.merchant_id,
        order_id=order.id,
        kind=HoldKind.UNMAPPED_SKU,
        about=skus[0],
        reason=f"No {order.mode} connection {what} for {', '.join(skus)}",
        data={"skus": skus},
    )


def _no_method(order: Order, provider: Connection) -> NewHold:
    title = order.shipping_title or order.shipping_method or "(none)"
    return NewHold(
        merchant_id=order.merchant_id,
        order_id=order.id,
        kind=HoldKind.SHIPPING_UNMAPPED,
        about=f"{provider.id}:{order.shipping_method}",
        reason=f"Shipping method “{title}” has no word at {provider.name}",
        data={
            "provider_connection_id": provider.id,
            "storefront_id": order.connection_id,
            "method_code": order.shipping_method,
        },
    )
