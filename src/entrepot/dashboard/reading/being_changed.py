"""What is said while a provider is asked to change what it has."""

from collections.abc import Mapping, Sequence

from entrepot.connections.effects import effects_allowed
from entrepot.connections.queries import connection_of
from entrepot.connections.states import EffectFlow
from entrepot.dashboard.reading.shares import Share
from entrepot.dashboard.reading.steps import Move, NextStep
from entrepot.dashboard.wording import begun
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status


def asked_to_change(shares: Sequence[Share], names: Mapping[int, str]) -> NextStep | None:
    """The first share that is to go by another shipping method than its provider has."""
    row = next((share.row for share in shares if share.row and _waits(share.row)), None)
    if row is None:
        return None
    name = names.get(row.connection_id, "The provider")
    stop = effects_allowed(connection_of(row.connection_id), EffectFlow.SUBMISSIONS).reason
    return NextStep(
        role="warn" if stop else "info",
        title=f"{name} is to ship it by {row.chosen_method}, not {row.shipping_method}.",
        text=f"{begun(stop)}." if stop else "",
        then="It is asked once it has accepted the order, and may refuse: then it is a case here.",
        others=[Move("Try now", "refresh", "retry")],
    )


def _waits(row: FulfillmentOrder) -> bool:
    is_there = row.status in {Status.SUBMITTED, Status.ACCEPTED} and not row.is_by_hand
    return is_there and row.chosen_method not in ("", row.shipping_method, row.refused_method)
