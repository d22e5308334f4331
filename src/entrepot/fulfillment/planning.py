"""Makes fulfillment orders out of plans, and takes back those that are no longer wanted."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db.models import F, Max
from django.utils import timezone

from entrepot.access import scope
from entrepot.catalog.queries import provider_method_of
from entrepot.connect import registry
from entrepot.connections.models import Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.customers.queries import address_of
from entrepot.events import outbox
from entrepot.fulfillment.answered import lift_answered
from entrepot.fulfillment.content import content_of
from entrepot.fulfillment.counting import planned_of, recount_planned
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.readiness import is_workable
from entrepot.fulfillment.states import Step
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import counters
from entrepot.orders.holds import NewHold, open_holds
from entrepot.orders.models import Line, Order
from entrepot.orders.policy import OrderPolicy
from entrepot.orders.services import lock_order
from entrepot.orders.states import HoldKind
from entrepot.routing.models import RoutingDecision
from entrepot.routing.plan import Plan, Share
from entrepot.routing.services import decide

SUBMIT_WITHIN = timedelta(minutes=15)


def plan_order(merchant_id: int, order_id: int) -> list[FulfillmentOrder]:
    """Give every unit of a released order that has no share one, or hold the order.

    Repeating it makes nothing twice: only units without a share are planned. With any stop no
    share is made, so that no partial order leaves by accident.
    """
    with scope.merchant(merchant_id):
        order = lock_order(order_id)
        lines = list(Line.objects.filter(order_id=order_id).order_by("position", "id"))
        if order.open_holds and lift_answered(order, lines):
            order.refresh_from_db()
        if not is_workable(order):
            return []
        if not any(line.units_open > 0 for line in lines):
            return []
        decision, plan = decide(order, lines, planned=planned_of(order_id))
        _settle_units(order, plan)
        stops = [*_stops_of(order, plan), *_address_stops(order, plan)]
        shares: list[tuple[Share, Connection, str]] = []
        for share in plan.shares:
            provider = _provider(order, share)
            if provider is None:
                stops.append(_no_provider(order, share))
                continue
            method = _shipping_method(order, share, provider)
            if method is None:
                stops.append(_no_method(order, provider))
                continue
            shares.append((share, provider, method))
        if stops:
            open_holds(stops)
            return []
        return _make_shares(order, decision, shares, {line.id: line for line in lines})


def _settle_units(order: Order, plan: Plan) -> None:
    for line_id, units in plan.nothing.items():
        Line.objects.filter(id=line_id).update(units_nothing=F("units_nothing") + units)
    for line_id, units in plan.elsewhere.items():
        Line.objects.filter(id=line_id).update(units_elsewhere=F("units_elsewhere") + units)
    if plan.nothing or plan.elsewhere:
        counters.recount_units([order.id])


def _make_shares(
    order: Order,
    decision: RoutingDecision,
    shares: Sequence[tuple[Share, Connection, str]],
    lines: Mapping[int, Line],
) -> list[FulfillmentOrder]:
    policy = _policy(order)
    last = FulfillmentOrder.objects.filter(order_id=order.id).aggregate(last=Max("share"))["last"]
    now = timezone.now()
    submit_after = now + timedelta(seconds=policy.cooling_off_seconds)
    made = FulfillmentOrder.objects.bulk_create(
        FulfillmentOrder(
            merchant_id=order.merchant_id,
            mode=order.mode,
            order_id=order.id,
            connection_id=provider.id,
            share=(last or 0) + number,
            is_by_hand=share.is_by_hand,
            shipping_method=method,
            planned_version=order.source_version,
            planned_content=content_of(
                order, [lines[line_id] for line_id in {item.line_id for item in share.items}]
            ),
            decision_id=decision.id,
            submit_after=submit_after,
        )
        for number, (share, provider, method) in enumerate(shares, start=1)
    )
    FulfillmentItem.objects.bulk_create(
        FulfillmentItem(
            merchant_id=order.merchant_id,
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
                {"print_area": asset.print_area, "url": asset.url, "md5": asset.md5}
                for asset in item.mapped.assets
            ],
        )
        for fulfillment_order, (share, _, _) in zip(made, shares, strict=True)
        for position, item in enumerate(share.items, start=1)
    )
    recount_planned([order.id])
    for fulfillment_order, (share, provider, _) in zip(made, shares, strict=True):
        outbox.record(
            "fulfillment_order.planned",
            merchant_id=order.merchant_id,
            mode=order.mode,
            order_id=order.id,
            subject=("fulfillment_order", fulfillment_order.id),
            data={"provider": provider.id, "share": fulfillment_order.share},
            reason=share.reason,
        )
    for fulfillment_order in made:
        if fulfillment_order.is_by_hand:
            fulfillment_order.accepted_at = now
            fulfillment_order.take(Step.TAKE_BY_HAND, reason="the merchant ships it")
    obligations.open_many(
        obligations.NewObligation(
            merchant_id=order.merchant_id,
            mode=order.mode,
            kind=Owed.SUBMIT,
            subject_kind="fulfillment_order",
            subject_id=fulfillment_order.id,
            order_id=order.id,
            due_at=submit_after + SUBMIT_WITHIN,
        )
        for fulfillment_order in made
        if not fulfillment_order.is_by_hand
    )
    return list(made)


def _policy(order: Order) -> OrderPolicy:
    storefront = Connection.objects.get(id=order.connection_id)
    return OrderPolicy.read(
        storefront.policy,
        live_since=storefront.live_since,
        is_live_mode=storefront.mode == "live",
    )


def _stops_of(order: Order, plan: Plan) -> list[NewHold]:
    return [
        NewHold(
            merchant_id=order.merchant_id,
            order_id=order.id,
            kind=stop.kind,
            about=stop.about,
            reason=stop.reason,
            data={"line_id": stop.line_id, "sku": stop.about, "line_sku": stop.line_sku},
        )
        for stop in plan.stops
    ]


def _address_stops(order: Order, plan: Plan) -> list[NewHold]:
    """Only what no provider could deliver to blocks: a parcel without a name, street or country."""
    if not plan.shares:
        return []
    address = address_of(order.address_id)
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


def _provider(order: Order, share: Share) -> Connection | None:
    """The connection that ships a share, in the order's own mode.

    A mapping names one connection; an order of the other mode goes to the same platform's
    connection of that mode, and never across.
    """
    usable = Connection.objects.exclude(status=ConnectionStatus.ARCHIVED).filter(mode=order.mode)
    if share.connection_id:
        named = Connection.objects.filter(id=share.connection_id).first()
        if named is None:
            return None
        if named.mode == order.mode:
            return named if named.status != ConnectionStatus.ARCHIVED else None
        return usable.filter(platform=named.platform).order_by("id").first()
    return usable.filter(platform__in=platforms_by_hand()).order_by("id").first()


def platforms_by_hand() -> list[str]:
    """Platforms whose work people do: providers that nothing can be submitted to."""
    return [
        code
        for code, platform in registry.platforms().items()
        if "fulfillment" in platform.manifest.kinds and not platform.manifest.can("submit")
    ]


def _shipping_method(order: Order, share: Share, provider: Connection) -> str | None:
    """The provider's word for the customer's choice; None when nobody has said."""
    if share.is_by_hand:
        return order.shipping_title or order.shipping_method
    method = provider_method_of(
        order.merchant_id,
        storefront_id=order.connection_id,
        provider_connection_id=provider.id,
        method_code=order.shipping_method,
    )
    return method or None


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
