"""What can be owed, and how it can end."""

from django.db.models import TextChoices


class Kind(TextChoices):
    """A promise; the deadline of each stands in a table that merchants can edit."""

    SUBMIT = "submit"  # hand the work to its provider
    WRITE_BACK = "write_back", "Write-back"  # tell the storefront
    TELL_CUSTOMER = "tell_customer"  # mail
    SHIP = "ship"
    DELIVER = "deliver"
    REFUND = "refund"
    CAPTURE = "capture"  # take authorized money
    VOID = "void"  # let authorized money go
    RESOLVE = "resolve"  # find out what became of an unknown attempt
    CANCEL = "cancel"


class End(TextChoices):
    """How a promise ended; empty while it is open."""

    MET = "met"
    WAIVED = "waived"  # a person let go of it
    VOID = "void"  # its reason went away: a cancelled order need not ship
