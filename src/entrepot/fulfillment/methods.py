"""Has a share go by another shipping method, because a person chose it."""

from entrepot.access import scope
from entrepot.catalog.queries import provider_methods_of
from entrepot.connect import registry
from entrepot.connections.queries import connection_of
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.fulfillment.changes import METHOD, settle
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.fulfillment.submission import lock_share
from entrepot.orders.holds import lift_holds
from entrepot.orders.states import HoldKind

LONGEST = 100
UNSENT = (Status.OPEN, Status.ON_HOLD)
ENDED = {
    Status.CANCELLING: "it is being cancelled",
    Status.CANCELLED: "it is cancelled",
    Status.CLOSED: "it has left already",
}


class CannotChooseMethod(Exception):
    """A share cannot go by another shipping method; the message says why and what to do."""


def is_free(share: FulfillmentOrder) -> bool:
    """Whether nobody has to be asked: its provider does not have it, or people ship it."""
    return share.status in UNSENT or (share.is_by_hand and share.status == Status.ACCEPTED)


def why_not(share: FulfillmentOrder) -> str:
    """Why a share cannot go by another shipping method; empty where it can be, or be asked for."""
    if share.status in ENDED:
        return ENDED[Status(share.status)]
    provider = connection_of(share.connection_id)
    can_ask = registry.platform(provider.platform).manifest.can("change_shipping")
    if not is_free(share) and not can_ask:
        return f"{provider.name} has it, and cannot change how an order is shipped"
    return ""


def wanted_method(share: FulfillmentOrder) -> str:
    """By what a share should go as things stand."""
    return share.chosen_method or share.shipping_method


def known_methods(share: FulfillmentOrder) -> list[str]:
    """What the merchant's own map calls shipping methods at the provider of a share."""
    words = {
        method
        for (_, provider_id, _), method in provider_methods_of(share.merchant_id).items()
        if provider_id == share.connection_id
    }
    return sorted(words)


def choose_method(
    merchant_id: int, fulfillment_order_id: int, *, method: str, by: str, reason: str
) -> FulfillmentOrder:
    """Want a share to go by another shipping method, by the provider's own word.

    Free until submission, and priced anew; after it the provider is asked, and its answer recorded.
    The same choice again is one choice, unless the provider has refused it: then it is asked anew.

    Raises:
        CannotChooseMethod: it has ended, its provider cannot change it, or no reason was given.
    """
    with scope.merchant(merchant_id), outbox.because(actor=by):
        share, order = lock_share(fulfillment_order_id)
        method = method.strip()
        obstacle = _obstacle(share, method, reason)
        if obstacle:
            raise CannotChooseMethod(f"cannot ship {share} otherwise: {obstacle}")
        before = wanted_method(share)
        was_refused = share.chosen_method not in ("", share.shipping_method) and (
            share.chosen_method == share.refused_method
        )
        if method.casefold() == before.casefold() and not was_refused:
            return share
        if method.casefold() == share.shipping_method.casefold():
            method = share.shipping_method  # as it was: one word, whatever its case
        share.chosen_method, share.refused_method = method, ""
        settle(METHOD, share, reason="another shipping method was chosen")
        if is_free(share):
            share.shipping_method, share.quoted_at = method, None
            lift_holds(
                by=by,
                reason="another shipping method was chosen: it is priced anew",
                order_ids=[order.id],
                kind=HoldKind.COST,
            )
        saving.save(share, "chosen_method", "refused_method", "shipping_method", "quoted_at")
        outbox.record(
            "fulfillment_order.shipping_chosen",
            merchant_id=merchant_id,
            mode=share.mode,
            order_id=share.order_id,
            subject=("fulfillment_order", share.id),
            data={"from": before, "to": method},
            reason=reason.strip(),
        )
    return share


def _obstacle(share: FulfillmentOrder, method: str, reason: str) -> str:
    if not reason.strip():
        return "say why"
    if not method or len(method) > LONGEST:
        return f"name the shipping method, in at most {LONGEST} characters"
    return why_not(share)
