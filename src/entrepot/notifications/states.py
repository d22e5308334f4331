"""What is told, by whom, and how far a mail has come."""

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
