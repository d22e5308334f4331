"""Units that a provider said it will not make, while it goes on with the rest of a share."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from entrepot.canon.fulfillment import ProviderIssue, ProviderOrder, ProviderStage
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.references import position_of
from entrepot.orders.holds import NewHold, was_let_go
from entrepot.orders.states import HoldKind


def as_ended(share: FulfillmentOrder, answer: ProviderOrder) -> ProviderOrder:
    """A provider's word; one that drops every unit of a share says that the share is cancelled."""
    dropped = _dropped(answer.issues)
    if not dropped or any(item.quantity > dropped[item.position] for item in share.items.all()):
        return answer
    issues = tuple(issue for issue in answer.issues if not issue.units)
    return replace(answer, stage=ProviderStage.CANCELLED, issues=issues)


def note_dropped(share: FulfillmentOrder, answer: ProviderOrder) -> None:
    """Count the units of a locked share that will not be made: they need another share.

    What the word says replaces what an earlier one said. Runs in a block of `saving.together`; the
    order's counts follow with `settle_left`.
    """
    dropped = _dropped(answer.issues)
    if not dropped and not share.details.get("units_dropped"):
        return
    for item in share.items.all():
        units = min(dropped[item.position], item.quantity)
        if item.units_cancelled != units:
            item.units_cancelled = units
            saving.save(item, "units_cancelled")


def holds_of_dropped(share: FulfillmentOrder, answer: ProviderOrder) -> list[NewHold]:
    """A hold for each item of which units will not be made: a person says what becomes of them.

    Who has let a number of units go is asked again only once there are more of them.
    """
    dropped = _dropped(answer.issues)
    holds = [
        _hold(share, item, min(dropped[item.position], item.quantity))
        for item in (share.items.all() if dropped else ())
        if dropped[item.position]
    ]
    return [hold for hold in holds if not was_let_go(hold)]


def _hold(share: FulfillmentOrder, item: FulfillmentItem, units: int) -> NewHold:
    return NewHold(
        merchant_id=share.merchant_id,
        order_id=share.order_id,
        kind=HoldKind.ITEM_UNAVAILABLE,
        about=f"{share.id}:dropped:{item.position}:{units}",
        reason=f"The provider will not make {units} of {item.quantity} units of {item.sku}",
        data={
            "connection_id": share.connection_id,
            "fulfillment_order_id": share.id,
            "line_id": item.line_id,
            "units": units,
        },
        cause=outbox.current_cause()[1],
    )


def units_dropped(answer: ProviderOrder) -> int:
    """How many units of a share a word drops."""
    return _dropped(answer.issues).total()


def _dropped(issues: Iterable[ProviderIssue]) -> Counter[int | None]:
    """Units by position of their item."""
    found: Counter[int | None] = Counter()
    for issue in issues:
        if issue.units:
            found[position_of(issue.item_reference)] += issue.units
    return found
