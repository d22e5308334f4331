"""What a provider that has a share can be asked to change: where it goes, and by which method.

Until submission either is free: the request reads it. Afterwards it is a request of its own,
exactly once in effect (`changing.py`): asked for what applies now, looked at before it is asked
again, and a refusal becomes a case for a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
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
    what applies now. `asked` and `cannot` complete "The provider was asked to ..., and it ...".
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
    missed: str
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
    missed=(
        "It left for the former address before its provider could be asked to send it elsewhere:"
        " have its carrier redirect it, or tell the customer, then release"
    ),
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
    missed=(
        "It left by the former method before its provider could be asked to ship it otherwise:"
        " tell the customer, then release"
    ),
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
    reason = f"The provider was asked to {change.asked}, and {message}"
    _give_up(change, share, wanted=asked, reason=reason)


def about(change: Change, share: FulfillmentOrder) -> str:
    """What tells the hold about a change of a share from others of the order."""
    return f"{share.id}:{change.about}"


def miss_left(shares: Sequence[FulfillmentOrder]) -> None:
    """Tell a person which of these locked shares left before their providers could be asked."""
    sent = [share for share in shares if share.sent_address_id is not None or share.chosen_method]
    if not sent:
        return
    orders = Order.objects.only("address_id").in_bulk({share.order_id for share in sent})
    for share in sent:
        for change in CHANGES.values():
            miss(change, share, order=orders[share.order_id])


def miss(change: Change, share: FulfillmentOrder, *, order: Order) -> None:
    """Tell a person where a locked share left before its provider was asked for what is wanted.

    While it is being asked, the answer tells.
    """
    if share.is_by_hand or not _differs(change, share, order):
        return
    if not _asks_for(change, share).filter(status__in=LIVE).exists():
        _give_up(change, share, wanted=change.wanted(share, order), reason=change.missed)


def was_meant(change: Change, share: FulfillmentOrder, *, order: Order) -> bool:
    """Whether somebody was about to ask for what is still wanted, and nothing was sent."""
    wanted = {f"request__{change.key}": change.wanted(share, order)}
    return _differs(change, share, order) and (
        _asks_for(change, share).filter(status=AttemptStatus.NOT_SENT, **wanted).exists()
    )


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


def _asks_for(change: Change, share: FulfillmentOrder) -> QuerySet[Attempt]:
    return Attempt.objects.filter(
        kind=change.effect, subject_kind="fulfillment_order", subject_id=share.id
    )


def _give_up(change: Change, share: FulfillmentOrder, *, wanted: Any, reason: str) -> None:
    setattr(share, change.refused, wanted)
    saving.save(share, change.refused)
    open_holds(
        [
            NewHold(
                merchant_id=share.merchant_id,
                order_id=share.order_id,
                kind=HoldKind.CHANGED_AFTER_SENDING,
                about=about(change, share),
                reason=reason,
                data={"fulfillment_order_id": share.id, change.key: wanted},
            )
        ]
    )
