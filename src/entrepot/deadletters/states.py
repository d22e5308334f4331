"""What became of work that gave up."""

from django.db.models import TextChoices


class Status(TextChoices):
    """A dead letter waits for a person, or one has decided."""

    WAITING = "waiting"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
