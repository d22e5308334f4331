"""How far an intended effect outside has come, and the named moves between."""

from enum import Enum

from django.db.models import TextChoices


class Kind(TextChoices):
    """An effect that costs money or reaches a customer."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    CHANGE_RECIPIENT = "change_recipient"
    CHANGE_SHIPPING = "change_shipping"
    REFUND = "refund"
    CAPTURE = "capture"
    VOID = "void"  # let authorized money go
    WRITE_BACK = "write_back"
    MAIL = "mail"


class Status(TextChoices):
    """Where an attempt stands. `unknown` means that we are asking."""

    INTENDED = "intended"  # written down; nothing has left
    CALLING = "calling"  # the call may have left
    ACCEPTED = "accepted"  # the other side has it
    REJECTED = "rejected"  # the other side refused, and that is proven
    NOT_SENT = "not_sent"  # proven: nothing happened; the same attempt may be taken up again
    UNKNOWN = "unknown"  # it may have happened


class Step(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    CALL = ({Status.INTENDED}, Status.CALLING)
    ACCEPT = ({Status.CALLING, Status.UNKNOWN}, Status.ACCEPTED)
    REJECT = ({Status.CALLING, Status.UNKNOWN}, Status.REJECTED)
    STOP = ({Status.INTENDED, Status.CALLING, Status.UNKNOWN}, Status.NOT_SENT)
    LOSE = ({Status.CALLING}, Status.UNKNOWN)
    DOUBT = ({Status.INTENDED, Status.CALLING}, Status.UNKNOWN)  # all we have is a copy
    TAKE_UP = ({Status.NOT_SENT, Status.UNKNOWN}, Status.INTENDED)  # UNKNOWN: the key is remembered

    def __init__(self, sources: set[Status], target: Status) -> None:
        self.sources = sources
        self.target = target


LIVE = (Status.INTENDED, Status.CALLING, Status.UNKNOWN)


class IllegalStep(Exception):
    """An attempt was asked to make a move that its status does not allow."""

    def __init__(self, attempt: object, step: Step, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} {attempt}: it is {status}")
        self.step = step
        self.status = status


class StillLeaving(IllegalStep):
    """An attempt was said not to have happened while the bytes of its call may yet leave."""

    def __init__(self, attempt: object) -> None:
        super().__init__(attempt, Step.STOP, Status.UNKNOWN)
        why = "its first call may still leave. Decide in a minute, when that is ruled out"
        self.args = (f"cannot stop {attempt} yet: {why}",)


class LeaseLost(Exception):
    """Somebody else has taken the attempt over; what we know of it is no longer ours to write."""

    def __init__(self, attempt_id: int, token: int) -> None:
        super().__init__(f"attempt {attempt_id}: token {token} is no longer the current one")
        self.attempt_id = attempt_id
        self.token = token
