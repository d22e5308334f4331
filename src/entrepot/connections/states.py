"""What a connection may be doing, and the named moves between."""

from enum import Enum

from django.db.models import TextChoices


class Status(TextChoices):
    """Whether a connection's effects reach outside."""

    OBSERVING = "observing"  # shows what it would do, does nothing
    LIVE = "live"
    PAUSED = "paused"  # a person or a fuse stopped it
    MISCONFIGURED = "misconfigured"  # the platform refused our credentials
    ARCHIVED = "archived"  # removed; its history stays


class Step(Enum):
    """A named move: the statuses it may start from, and where it ends."""

    GO_LIVE = ({Status.OBSERVING}, Status.LIVE)
    OBSERVE = ({Status.LIVE, Status.PAUSED}, Status.OBSERVING)
    PAUSE = ({Status.LIVE}, Status.PAUSED)
    RESUME = ({Status.PAUSED}, Status.LIVE)
    REFUSE_CREDENTIALS = ({Status.LIVE, Status.PAUSED, Status.OBSERVING}, Status.MISCONFIGURED)
    ACCEPT_CREDENTIALS = ({Status.MISCONFIGURED}, Status.LIVE)
    ACCEPT_CREDENTIALS_UNSEEN = ({Status.MISCONFIGURED}, Status.OBSERVING)  # never was live
    ARCHIVE = (
        {Status.OBSERVING, Status.LIVE, Status.PAUSED, Status.MISCONFIGURED},
        Status.ARCHIVED,
    )
    RESTORE = ({Status.ARCHIVED}, Status.OBSERVING)

    def __init__(self, sources: set[Status], target: Status) -> None:
        self.sources = sources
        self.target = target


class IllegalStep(Exception):
    """A connection was asked to make a move that its status does not allow."""

    def __init__(self, connection: object, step: Step, status: str) -> None:
        super().__init__(f"cannot {step.name.lower()} {connection}: it is {status}")
        self.step = step
        self.status = status


class EffectFlow(TextChoices):
    """Kinds of outside effects that can be paused apart."""

    SUBMISSIONS = "submissions"
    REFUNDS = "refunds"
    MAILS = "mails"
    WRITE_BACKS = "write_backs"
