"""The words for what an order is doing; the axes are derived by the database, never assigned."""

from django.db.models import TextChoices


class OrderStatus(TextChoices):
    """The order as a whole."""

    OPEN = "open"
    CANCELLED = "cancelled"  # every unit, or the sale itself
    CLOSED = "closed"  # nothing is left to do


class PaymentStatus(TextChoices):
    """Where the money stands."""

    NOT_REQUIRED = "not_required"
    UNPAID = "unpaid"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfillmentStatus(TextChoices):
    """Where the goods stand."""

    NOT_REQUIRED = "not_required"
    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"


class HoldKind(TextChoices):
    """Why an order will not proceed."""

    UNMAPPED_SKU = "unmapped_sku"
    MISSING_ARTWORK = "missing_artwork"
    ADDRESS_REFUSED = "address_refused"
    SHIPPING_UNMAPPED = "shipping_unmapped"
    DUPLICATE_SUSPECTED = "duplicate_suspected"
    MODE_UNKNOWN = "mode_unknown"
    STATE_UNKNOWN = "state_unknown"
    COST = "cost"
    DISPUTE = "dispute"
    REVIEW = "review"
    SOURCE = "source"  # the shop put it on hold
    TOTALS = "totals"  # what was paid is not what was sold
    REFUSED = "refused"  # the provider refused it by the order's fault
    ITEM_UNAVAILABLE = "item_unavailable"
    CHANGED_AFTER_SENDING = "changed_after_sending"
    CONTENT_DIFFERS = "content_differs"  # the provider has it with other content
    PAYMENT_NEEDED = "payment_needed"  # at the provider
    SHIPPED_AFTER_CANCEL = "shipped_after_cancel"
    PERSON = "person"


class ReleasedBy(TextChoices):
    """What let work start."""

    PAID = "paid"
    NOTHING_TO_PAY = "nothing_to_pay"
    SOURCE_STATE = "source_state"
    TERMS = "terms"
    PERSON = "person"
