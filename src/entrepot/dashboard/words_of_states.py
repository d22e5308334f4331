"""The chip of every status that a page shows: one role, one icon, one word each."""

from collections.abc import Mapping
from typing import Any

from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.tracking import ParcelStatus
from entrepot.connections.states import EffectFlow
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.dashboard.wording import Chip, begun, sentence
from entrepot.fulfillment.states import Status as FulfillmentStatus
from entrepot.notifications.states import Kind as MailKind
from entrepot.notifications.states import MailStatus
from entrepot.obligations.states import Kind as ObligationKind
from entrepot.orders.review import REFUNDED_IN_FULL
from entrepot.orders.states import HoldKind

FULFILLMENT_ORDER = {
    FulfillmentStatus.OPEN: Chip("neutral", "ring", "Open"),
    FulfillmentStatus.ON_HOLD: Chip("warn", "hand", "On hold"),
    FulfillmentStatus.SUBMITTED: Chip("info", "go", "Submitted"),
    FulfillmentStatus.ACCEPTED: Chip("info", "go", "Accepted"),
    FulfillmentStatus.CANCELLING: Chip("info", "clock", "Cancelling"),
    FulfillmentStatus.CANCELLED: Chip("neutral", "x", "Cancelled"),
    FulfillmentStatus.CLOSED: Chip("good", "check", "Closed"),
}
PARCEL = {
    ParcelStatus.UNKNOWN: Chip("unknown", "q", "Unknown"),
    ParcelStatus.PRE_TRANSIT: Chip("info", "box", "Label made"),
    ParcelStatus.IN_TRANSIT: Chip("info", "truck", "On its way"),
    ParcelStatus.OUT_FOR_DELIVERY: Chip("info", "truck", "Out for delivery"),
    ParcelStatus.AVAILABLE_FOR_PICKUP: Chip("info", "box", "Ready for pick-up"),
    ParcelStatus.DELIVERY_ATTEMPTED: Chip("warn", "truck", "Delivery attempted"),
    ParcelStatus.DELAYED: Chip("warn", "clock", "Delayed"),
    ParcelStatus.EXCEPTION: Chip("warn", "warn", "Exception"),
    ParcelStatus.DELIVERED: Chip("good", "check", "Delivered"),
    ParcelStatus.PRESUMED_DELIVERED: Chip("good", "clock", "Presumed delivered"),
    ParcelStatus.RETURNING: Chip("warn", "swap", "Returning"),
    ParcelStatus.RETURNED: Chip("neutral", "swap", "Returned"),
    ParcelStatus.LOST: Chip("bad", "stop", "Lost"),
    ParcelStatus.VOIDED: Chip("neutral", "x", "Voided"),
}
MAIL = {
    MailStatus.WAITING: Chip("info", "clock", "Waiting"),
    MailStatus.SENT: Chip("info", "go", "Sent"),
    MailStatus.DELIVERED: Chip("good", "check", "Delivered"),
    MailStatus.BOUNCED: Chip("bad", "stop", "Bounced"),
    MailStatus.REFUSED: Chip("bad", "stop", "Refused"),
    MailStatus.UNKNOWN: Chip("unknown", "q", "Unknown"),
    MailStatus.SKIPPED: Chip("neutral", "ring", "Not sent"),
}
MAIL_KIND = {
    MailKind.CONFIRMATION: "Confirmation",
    MailKind.SHIPPED: "Shipped",
    MailKind.PARTLY_SHIPPED: "Partly shipped",
    MailKind.DELIVERED: "Delivered",
    MailKind.EXCEPTION: "Exception",
    MailKind.CANCELLED: "Cancelled",
    MailKind.REFUNDED: "Refunded",
}
ATTEMPT = {
    AttemptStatus.INTENDED: Chip("info", "clock", "Intended"),
    AttemptStatus.CALLING: Chip("info", "go", "Calling"),
    AttemptStatus.ACCEPTED: Chip("good", "check", "Accepted"),
    AttemptStatus.REJECTED: Chip("bad", "stop", "Rejected"),
    AttemptStatus.NOT_SENT: Chip("neutral", "ring", "Not sent"),
    AttemptStatus.UNKNOWN: Chip("unknown", "q", "Unknown"),
}
CONNECTION = {
    ConnectionStatus.OBSERVING: Chip("info", "eye", "Observing"),
    ConnectionStatus.LIVE: Chip("good", "check", "Live"),
    ConnectionStatus.PAUSED: Chip("warn", "hand", "Paused"),
    ConnectionStatus.MISCONFIGURED: Chip("bad", "stop", "Misconfigured"),
    ConnectionStatus.ARCHIVED: Chip("neutral", "x", "Archived"),
}
OWED = {
    ObligationKind.SUBMIT: "Submit",
    ObligationKind.WRITE_BACK: "Write-back",
    ObligationKind.TELL_CUSTOMER: "Tell the customer",
    ObligationKind.SHIP: "Ship",
    ObligationKind.DELIVER: "Deliver",
    ObligationKind.REFUND: "Refund",
    ObligationKind.CAPTURE: "Capture",
    ObligationKind.VOID: "Void",
    ObligationKind.RESOLVE: "Resolve",
    ObligationKind.CANCEL: "Cancel",
}
HOLD = {
    HoldKind.UNMAPPED_SKU: "SKU is not mapped",
    HoldKind.MISSING_ARTWORK: "Artwork missing",
    HoldKind.ADDRESS_REFUSED: "Address refused",
    HoldKind.SHIPPING_UNMAPPED: "Shipping method is not mapped",
    HoldKind.DUPLICATE_SUSPECTED: "Duplicate suspected",
    HoldKind.MODE_UNKNOWN: "Live or test is unknown",
    HoldKind.STATE_UNKNOWN: "State is unknown",
    HoldKind.COST: "Cost exceeds its share of revenue",
    HoldKind.DISPUTE: "Payment disputed",
    HoldKind.REVIEW: "Payment under review",
    HoldKind.SOURCE: "Held by the storefront",
    HoldKind.TOTALS: "Paid amount differs from the total",
    HoldKind.REFUSED: "Refused by the provider",
    HoldKind.ITEM_UNAVAILABLE: "Item unavailable",
    HoldKind.CHANGED_AFTER_SENDING: "Changed after it was sent",
    HoldKind.CONTENT_DIFFERS: "Provider has other content",
    HoldKind.PAYMENT_NEEDED: "Provider wants payment",
    HoldKind.SHIPPED_AFTER_CANCEL: "Shipped after it was cancelled",
    HoldKind.PERSON: "Held by a person",
}
FLOW = {
    EffectFlow.SUBMISSIONS: "Submissions to providers",
    EffectFlow.REFUNDS: "Refunds, captures and voids",
    EffectFlow.MAILS: "Mails to customers",
    EffectFlow.WRITE_BACKS: "Write-back to storefronts",
}
# Tasks whose work can give up, as an operator would say it; schedules and others by their own name.
TASK = {
    "attempts.ask": "Asking what became of an effect",
    "catalog.after_mapping": "Going on after a mapping",
    "connections.ping": "Testing a connection",
    "effects.go_on": "Going on with an effect",
    "fulfillment.after_acceptance": "Going on after an acceptance",
    "fulfillment.cancel": "Cancelling at a provider",
    "fulfillment.refresh": "Reading a fulfillment order again",
    "fulfillment.submit": "Submitting to a provider",
    "fulfillment.withdraw": "Withdrawing work",
    "inbox.reread": "Reading something again",
    "notifications.decide_mail": "Deciding on a mail",
    "notifications.send_mail": "Sending a mail",
    "orders.begin_work": "Beginning the work on an order",
    "payments.capture": "Capturing a payment",
    "payments.refund": "Refunding",
    "payments.void": "Voiding a payment",
    "polling.import_history": "Importing history",
    "polling.poll": "Reading a platform",
    "routing.plan": "Routing",
    "storefront.write_back": "Writing back to a storefront",
    "tracking.follow": "Following a parcel",
    "webhooks.check": "Checking webhooks",
}
HELD = Chip("warn", "hand", "Hold")
PARKED = Chip("bad", "stop", "Parked")
UNKNOWN = Chip("unknown", "q", "Unknown")
ALERT = Chip("bad", "card", "Alert")
UNMATCHED = Chip("warn", "card", "Unmatched")
GAVE_UP = Chip("bad", "stop", "Gave up")
OVERDUE = Chip("bad", "stop", "Overdue")


def words_of_hold(kind: str, about: str, *, reason: str) -> str:
    """What holds an order, as a fact."""
    if kind == HoldKind.UNMAPPED_SKU and about:
        return f"SKU {about} is not mapped"
    if is_refunded_in_full(kind, reason):
        return REFUNDED_IN_FULL
    known = HoldKind(kind) if kind in HoldKind.values else None
    return HOLD[known] if known else sentence(kind)


def beside(words: str, reason: str) -> str:
    """What a reason says besides the words that are said already; empty where it is nothing."""
    if reason.rstrip(".") == words:
        return ""
    more = reason.removeprefix(f"{words}: ")
    return reason if more == reason else begun(more)


def is_refunded_in_full(kind: str, reason: str) -> bool:
    """Whether a hold stands because all that was paid went back: a release would give it away."""
    return kind == HoldKind.TOTALS and reason.startswith(REFUNDED_IN_FULL)


def task_words(name: str) -> str:
    """A task as an operator would say it: "Sending a mail"."""
    return TASK.get(name) or sentence(name.replace(".", " "))


def chip_of(table: Mapping[Any, Chip], status: str) -> Chip:
    """The chip of a status; a word that no table lists is shown as it is."""
    return table.get(status) or Chip("neutral", "ring", sentence(status))
