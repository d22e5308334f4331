"""How far a share of an order has come, and the named moves between."""

from enum import Enum

from django.db.models import TextChoices

from entrepot.canon.tracking import ParcelStatus

__all__ = ["IllegalStep", "ParcelStatus", "ShipmentStatus", "Status", "Step"]


class Status(TextChoices):
    """A fulfillment order. A refusal is an attempt's outcome and sends it back to `open`."""

    OPEN = "open"
    ON_HOLD = "on_hold"
    SUBMITTED = "submitted"  # handed over; no answer yet
    ACCEPTED = "accepted"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    CLOSED = "closed"  # everything of it has left


# Not ended, by the index `fulfillment_order_active`.
UNDER_WAY = (Status.OPEN, Status.SUBMITTED, Status.ACCEPTED, Status.CANCELLING)


class Step(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    SUBMIT = ({Status.OPEN}, Status.SUBMITTED)
    ACCEPT = ({Status.SUBMITTED}, Status.ACCEPTED)
    TAKE_BY_HAND = ({Status.OPEN}, Status.ACCEPTED)  # the merchant ships it: nothing is sent
    REJECT = ({Status.SUBMITTED}, Status.OPEN)
    CLOSE = ({Status.SUBMITTED, Status.ACCEPTED, Status.CANCELLING}, Status.CLOSED)
    REOPEN = ({Status.CLOSED}, Status.ACCEPTED)  # a shipment turned out not to exist
    HOLD = ({Status.OPEN}, Status.ON_HOLD)
    RELEASE = ({Status.ON_HOLD}, Status.OPEN)
    ASK_TO_CANCEL = ({Status.SUBMITTED, Status.ACCEPTED}, Status.CANCELLING)
    REFUSE_TO_CANCEL = ({Status.CANCELLING}, Status.ACCEPTED)
    CANCEL = ({Status.OPEN, Status.ON_HOLD, Status.CANCELLING}, Status.CANCELLED)
    CANCEL_BY_PROVIDER = ({Status.SUBMITTED, Status.ACCEPTED}, Status.CANCELLED)

    def __init__(self, sources: set[Status], target: Status) -> None:
        self.sources = sources
        self.target = target


class IllegalStep(Exception):
    """A fulfillment order was asked to make a move that its status does not allow."""

    def __init__(self, fulfillment_order: object, step: Step, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} {fulfillment_order}: it is {status}")
        self.step = step
        self.status = status


class IdOfAnother(Exception):
    """Somebody said that a provider knows a share by an id that is another share's there."""

    def __init__(self, external_id: str, *, mine: object, other: object) -> None:
        super().__init__(
            f"cannot take {external_id!r} for the id of {mine}: there it is {other}."
            " Look there again, or leave the id out"
        )


class ShipmentStatus(TextChoices):
    """Goods leaving together."""

    SHIPPED = "shipped"
    VOIDED = "voided"  # it turned out not to exist
