"""Where checkouts, refunds and wishes about authorized money stand, and the named moves between."""

from enum import Enum

from django.db.models import TextChoices


class CheckoutStatus(TextChoices):
    """A cart that the hub sent to a payment page."""

    OPENING = "opening"  # snapshotted; the page may not exist yet
    OPEN = "open"
    PENDING = "pending"  # complete, but a delayed method has not paid yet
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"


class CheckoutStep(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    OPEN = ({CheckoutStatus.OPENING}, CheckoutStatus.OPEN)
    WAIT = ({CheckoutStatus.OPENING, CheckoutStatus.OPEN}, CheckoutStatus.PENDING)
    COMPLETE = (
        {
            CheckoutStatus.OPENING,
            CheckoutStatus.OPEN,
            CheckoutStatus.PENDING,
            CheckoutStatus.EXPIRED,
        },
        CheckoutStatus.COMPLETED,
    )
    EXPIRE = ({CheckoutStatus.OPENING, CheckoutStatus.OPEN}, CheckoutStatus.EXPIRED)
    FAIL = ({CheckoutStatus.OPENING, CheckoutStatus.PENDING}, CheckoutStatus.FAILED)

    def __init__(self, sources: set[CheckoutStatus], target: CheckoutStatus) -> None:
        self.sources = sources
        self.target = target


class RefundStatus(TextChoices):
    """A refund that the hub was asked to issue."""

    WANTED = "wanted"
    PENDING = "pending"  # the gateway has it; the money is on its way
    DONE = "done"
    FAILED = "failed"


class RefundStep(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    WAIT = ({RefundStatus.WANTED}, RefundStatus.PENDING)
    FINISH = ({RefundStatus.WANTED, RefundStatus.PENDING}, RefundStatus.DONE)
    FAIL = ({RefundStatus.WANTED, RefundStatus.PENDING, RefundStatus.DONE}, RefundStatus.FAILED)
    WANT_AGAIN = ({RefundStatus.FAILED}, RefundStatus.WANTED)

    def __init__(self, sources: set[RefundStatus], target: RefundStatus) -> None:
        self.sources = sources
        self.target = target


class WishKind(TextChoices):
    """How a person wants an authorization to end, in the words of attempts and promises."""

    CAPTURE = "capture"
    VOID = "void"


class WishStatus(TextChoices):
    """What became of a wish about authorized money."""

    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


class WishStep(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    FINISH = ({WishStatus.WANTED}, WishStatus.DONE)
    FAIL = ({WishStatus.WANTED}, WishStatus.FAILED)

    def __init__(self, sources: set[WishStatus], target: WishStatus) -> None:
        self.sources = sources
        self.target = target


class IllegalStep(Exception):
    """A checkout, refund or wish was asked to make a move that its status does not allow."""

    def __init__(self, thing: object, step: Enum, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} {thing}: it is {status}")
        self.step = step
        self.status = status
