"""What is told, by whom, and how far a mail has come."""

from enum import Enum

from django.db.models import TextChoices


class Kind(TextChoices):
    """A message to a customer."""

    CONFIRMATION = "confirmation"
    SHIPPED = "shipped"
    PARTLY_SHIPPED = "partly_shipped"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Sender(TextChoices):
    """Who tells the customer; one per storefront and kind."""

    HUB = "hub"
    SHOP = "shop"
    NOBODY = "nobody"


class MailStatus(TextChoices):
    """How far a mail has come. `unknown`: the mail service may have taken it."""

    WAITING = "waiting"  # facts within ten minutes become one mail
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Step(Enum):
    """A named move of a mail: the statuses it may start from, and where it ends."""

    SEND = ({MailStatus.WAITING, MailStatus.UNKNOWN}, MailStatus.SENT)
    LOSE = ({MailStatus.WAITING}, MailStatus.UNKNOWN)
    REFUSE = ({MailStatus.WAITING, MailStatus.UNKNOWN}, MailStatus.REFUSED)
    SKIP = ({MailStatus.WAITING}, MailStatus.SKIPPED)
    # The mail service's word; it also ends what we did not know.
    DELIVER = ({MailStatus.WAITING, MailStatus.SENT, MailStatus.UNKNOWN}, MailStatus.DELIVERED)
    BOUNCE = (
        {MailStatus.WAITING, MailStatus.SENT, MailStatus.UNKNOWN, MailStatus.DELIVERED},
        MailStatus.BOUNCED,
    )

    def __init__(self, sources: set[MailStatus], target: MailStatus) -> None:
        self.sources = sources
        self.target = target


class IllegalStep(Exception):
    """A mail was asked to make a move that its status does not allow."""

    def __init__(self, mail: object, step: Step, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} the {mail}: it is {status}")
        self.step = step
        self.status = status


# Partly shipped becomes shipped when the rest leaves within the gathering: one mail tells both.
GATHERED_WITH: dict[Kind, tuple[Kind, ...]] = {
    kind: (Kind.SHIPPED, Kind.PARTLY_SHIPPED)
    if kind in {Kind.SHIPPED, Kind.PARTLY_SHIPPED}
    else (kind,)
    for kind in Kind
}
