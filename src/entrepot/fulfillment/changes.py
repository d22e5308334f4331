"""What a provider that has a share can be asked to change: where it goes, and by which method.

Until submission either is free: the request reads it. Afterwards it is a request of its own,
exactly once in effect (`changing.py`): asked for what applies now, looked at before it is asked
again, and a refusal becomes a case for a person.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE
from entrepot.attempts.states import Kind as Effect
from entrepot.database import saving
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders.holds import NewHold, lift_holds, open_holds
from entrepot.orders.models import Order
from entrepot.orders.states import HoldKind

# Shares by whose method a person wants them to go, and whose provider has not answered that yet.
METHOD_WAITS = ~Q(chosen_method="") & ~Q(
    chosen_method__in=[F("shipping_method"), F("refused_method")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that can be changed.

    `given` and `refused` name the fields of a share that say what its provider has and what it
    would not take, `key` is what an attempt's request calls what is asked for, and `wanted` says
    what applies now. The words complete "The provider was asked to ... and it ...".
    """

    effect: Effect
    event: str
    key: str
    given: str
    refused: str
    wanted: Callable[[FulfillmentOrder, Order], int | str | None]
    about: str
    asked: str
    cannot: str
    settled: str


RECIPIENT = Change(
    effect=Effect.CHANGE_RECIPIENT,
    event="fulfillment_order.readdressed",
    key="address_id",
    given="sent_address_id",
    refused="refused_address_id",
    wanted=lambda _, order: order.address_id,
    about="address",
    asked="send it elsewhere",
    cannot="it cannot change where an order goes",
    settled="the provider sends it there",
)
METHOD = Change(
    effect=Effect.CHANGE_SHIPPING,
    event="fulfillment_order.shipping_answered",
    key="shipping_method",
    given="shipping_method",
    refused="refused_method",
    wanted=lambda share, _: share.chosen_method,
    about="shipping",
    asked="ship it otherwise",
    cannot="it cannot change how an order is shipped",
    settled="the provider ships it so",
)
CHANGES = {change.effect: change for change in (RECIPIENT, METHOD)}
LEFT = "it has left already"


def is_due(change: Change, share: FulfillmentOrder, *, order: Order) -> bool:
    """Whether a provider that has a share should be asked for another thing than it has."""
    return (
        share.status == Status.ACCEPTED and not share.is_by_hand and _differs(change, share, order)
    )


def settle(change: Change, share: FulfillmentOrder, *, reason: str) -> None:
    """Lift the hold about an answer that does not matter any more."""
    lift_holds(
        by="system",
        reason=reason,
        order_ids=[share.order_id],
        kind=HoldKind.CHANGED_AFTER_SENDING,
        about=about(change, share),
    )


def refuse(change: Change, share: FulfillmentOrder, *, asked: Any, message: str) -> None:
    """Remember that a provider would not, so that it is not asked again, and tell a person."""
    setattr(share, change.refused, asked)
    saving.save(share, change.refused)
    open_holds(
        [
            NewHold(
                merchant_id=share.merchant_id,
                order_id=share.order_id,
                kind=HoldKind.CHANGED_AFTER_SENDING,
                about=about(change, share),
                reason=f"The provider was asked to {change.asked}, and {message}",
                data={"fulfillment_order_id": share.id, change.key: asked},
            )
        ]
    )


def about(change: Change, share: FulfillmentOrder) -> str:
    """What tells the hold about a change of a share from others of the order."""
    return f"{share.id}:{change.about}"


def miss(share: FulfillmentOrder) -> None:
    """Tell a person where a locked share has left before its provider was asked to ship it so.

    While it is being asked, the answer tells.
    """
    chosen = share.chosen_method
    if chosen in ("", share.shipping_method, share.refused_method) or share.is_by_hand:
        return
    is_asked = Attempt.objects.filter(
        kind=Effect.CHANGE_SHIPPING,
        subject_kind="fulfillment_order",
        subject_id=share.id,
        status__in=LIVE,
    ).exists()
    if not is_asked:
        refuse(METHOD, share, asked=chosen, message=LEFT)


def take_up_choice(share: FulfillmentOrder) -> None:
    """Have a share that its provider does not have go by the method that a person chose since.

    What it costs is asked anew. The caller saves the share.
    """
    if share.chosen_method and share.chosen_method != share.shipping_method:
        share.shipping_method = share.chosen_method
        share.quoted_at = None


def _differs(change: Change, share: FulfillmentOrder, order: Order) -> bool:
    given, wanted = getattr(share, change.given), change.wanted(share, order)
    return given is not None and wanted not in (None, "", given, getattr(share, change.refused))
