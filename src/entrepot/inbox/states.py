"""What became of a message."""

from django.db.models import TextChoices


class Outcome(TextChoices):
    """How a message ended. `waiting` has work left, all others are final until replayed."""

    WAITING = "waiting"
    APPLIED = "applied"
    STALE = "stale"  # older than what we knew; changed nothing
    IGNORED = "ignored"  # understood, of no consequence
    HINT = "hint"  # caused a re-read
    PARKED = "parked"  # cannot be read or applied
    DISCARDED = "discarded"  # a person decided that it needs nothing
    PING = "ping"


class Source(TextChoices):
    """How a message came."""

    WEBHOOK = "webhook"
    POLL = "poll"
    IMPORT = "import"
