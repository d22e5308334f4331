"""What nobody has signed may remind the hub of its own orders, and of nothing else."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from entrepot.canon.messages import CanonicalItem, Flow, Hint, Ignored
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.intake.understanding import Understood

STRANGE = Ignored(reason="about an order that the hub did not place: not read again")


def about_ours(messages: Sequence[Understood]) -> list[Understood]:
    """The messages, without hints of providers' orders that are none of ours.

    Anybody can send such hints, and each would cost a call of the merchant's budget. What a
    provider says of an order before the hub knows its id comes with the answer to the submission.
    """
    asked = {place for message in messages for place in _places(message)}
    if not asked:
        return list(messages)
    shares = FulfillmentOrder.objects.filter(
        connection_id__in={connection_id for connection_id, _ in asked},
        external_id__in={external_id for _, external_id in asked},
    )
    ours = set(shares.values_list("connection_id", "external_id"))
    return [_heard(message, ours) for message in messages]


def _places(message: Understood) -> Iterable[tuple[int, str]]:
    if not message.claimed.is_hint:
        return
    for item in message.items:
        if isinstance(item, Hint) and item.flow is Flow.FULFILLMENTS:
            yield message.claimed.connection_id, item.external_id


def _heard(message: Understood, ours: set[tuple[int, str]]) -> Understood:
    strange = {external_id for _, external_id in set(_places(message)) - ours}
    if not strange:
        return message
    items: tuple[CanonicalItem, ...] = tuple(
        STRANGE if isinstance(item, Hint) and item.external_id in strange else item
        for item in message.items
    )
    return replace(message, items=items)
