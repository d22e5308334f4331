"""Takes a person's word that a provider has a share, where nobody else could tell."""

from entrepot.database import clock, saving
from entrepot.fulfillment import promises
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import IdOfAnother, Status, Step
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Hold
from entrepot.orders.states import HoldKind


def count_as_accepted(share: FulfillmentOrder, *, external_id: str, reason: str) -> None:
    """Count a locked share as its provider's, under the id that is said, or that was seen there.

    One that is to be cancelled stays so, and its provider can be asked by that id.

    Raises:
        IdOfAnother: that id is another share's there.
    """
    if share.status not in (Status.SUBMITTED, Status.CANCELLING):
        return
    others = FulfillmentOrder.objects.filter(
        connection_id=share.connection_id, external_id=external_id
    ).exclude(id=share.id)
    if external_id and (other := others.first()):
        raise IdOfAnother(external_id, mine=share, other=other)
    share.external_id = external_id or _seen(share) or share.external_id
    share.accepted_at = clock.now()
    if share.status == Status.SUBMITTED:
        share.take(Step.ACCEPT, reason=reason, reference=share.external_id)
    else:
        saving.save(share, "external_id", "accepted_at")
    obligations.meet_many([(share.merchant_id, Owed.SUBMIT, "fulfillment_order", share.id)])
    promises.owe_shipping(share, since=share.accepted_at)


def _seen(share: FulfillmentOrder) -> str:
    """The provider's id of what was found there with other content."""
    held = Hold.objects.filter(
        order_id=share.order_id, kind=HoldKind.CONTENT_DIFFERS, about=str(share.id)
    )
    newest = held.order_by("-id").first()
    return str(newest.data.get("external_id", "")) if newest is not None else ""
